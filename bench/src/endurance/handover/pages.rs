//! VM objects that another process closes, and clones that are mapped for a moment.

use super::one_by_one;
use crate::endurance::meter::Meter;
use crate::endurance::peer::{Part, Peer};
use anyhow::{Result, ensure};
use jacinth::{MemoryPromise, Supervisor, Unowned, Vmar, VmarFlags, Vmo, VmoChildOptions, vmar_root_self};

/// The bytes of a VM object.
const BYTES: usize = 16 << 10;
/// What is written into each of them.
const CONTENT: [u8; 4096] = [0x5a; 4096];

/// VM objects for another process, each with some bytes in it.
pub fn to_process(supervisor: &Supervisor, meter: &mut Meter<'_>) -> Result<()> {
    let peer = Peer::spawn(supervisor, Part::Closer, 0)?;
    meter.count_memory_of(vec![peer.id()]);
    one_by_one(&peer.line, meter, || {
        let vmo = Vmo::create(BYTES as u64)?;
        vmo.write(&CONTENT, 0)?;
        Ok((vmo.into(), ()))
    })
}

/// Clones of one VM object, each mapped, looked at and closed.
pub fn cloned(meter: &mut Meter<'_>) -> Result<()> {
    let space: Unowned<'_, Vmar> = vmar_root_self()?.cast();
    let original = Vmo::create(BYTES as u64)?;
    for offset in (0..BYTES).step_by(CONTENT.len()) {
        original.write(&CONTENT, offset as u64)?;
    }
    while !meter.is_over() {
        meter.time(1, || {
            let clone = original.create_child(VmoChildOptions::COPY_ON_WRITE, 0, BYTES as u64)?;
            let address = space.map(0, &clone, 0, BYTES, VmarFlags::PERM_READ)?;
            drop(clone);
            ensure!(last_byte(address) == CONTENT[0], "a clone has other bytes");
            unmap(&space, address)
        })?;
    }
    Ok(())
}

#[expect(unsafe_code, reason = "mapped memory is read")]
fn last_byte(address: usize) -> u8 {
    // SAFETY: so many bytes are mapped at the address for reading, until `unmap` is called for it.
    unsafe { std::ptr::with_exposed_provenance::<u8>(address + BYTES - 1).read_volatile() }
}

#[expect(unsafe_code, reason = "mapped memory is unmapped")]
fn unmap(space: &Vmar, address: usize) -> Result<()> {
    // SAFETY: no reference to the bytes is left.
    Ok(space.unmap(address, BYTES, unsafe { MemoryPromise::no_thread_relies_on_it() })?)
}
