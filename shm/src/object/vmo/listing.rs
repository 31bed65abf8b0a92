//! The VM objects of the own process: those that it has handles to, and those that it has mapped.
//!
//! An object appears once for each handle and once for each mapped range. The keeper of a mapping is no handle of the program's, so
//! it stands for its ranges alone. A range that another thread maps or unmaps meanwhile may appear as its keeper.

use crate::arena::error::{Error, Result};
use crate::arena::word::handle::{Entry, EntryIndex, HandleValue, Rights};
use crate::handle::lookup;
use crate::object::vmo::info::{self, VmoInfo};
use crate::process::thread::Thread;
use crate::sync::Relaxed;
use std::collections::BTreeSet;

/// The objects by handle, then by mapping in the order of addresses.
pub(crate) fn list(thread: &Thread) -> Result<Vec<VmoInfo>> {
    let mapped = thread.process.maps.lock().keepers();
    let keepers: BTreeSet<HandleValue> = mapped.iter().copied().collect();
    let mut vmos = Vec::new();
    for index in (1..thread.arena().used_entries(thread.table_row)).map(EntryIndex) {
        let Some(cell) = thread.arena().entry(thread.table_row, index) else { continue };
        // Relaxed: of the entry its generation alone is used, and the lookup of the value loads the entry again.
        let value = thread.process.codec.encode(index, Entry(cell.load(Relaxed)));
        if !keepers.contains(&value) {
            vmos.extend(by(thread, value)?);
        }
    }
    for keeper in mapped {
        vmos.extend(by(thread, keeper)?.map(|info| VmoInfo { rights: None, ..info }));
    }
    Ok(vmos)
}

/// `None`: it is a handle to another kind of object, or was closed meanwhile.
fn by(thread: &Thread, value: HandleValue) -> Result<Option<VmoInfo>> {
    let found = lookup::lookup(thread, value);
    match found.and_then(|found| info::info(thread, found, Rights::empty())) {
        Ok(info) => Ok(Some(info)),
        Err(Error::BadHandle | Error::WrongType) => Ok(None),
        Err(error) => Err(error),
    }
}
