//! Event pairs: two sides with stored signals. Each side sees the other close.

use crate::arena::error::Result;
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::signals::Signals;
use crate::object::budget::Budget;
use crate::object::class::Class;
use crate::process::thread::Thread;
use crate::signal::set;

pub(crate) struct EventPair;

impl Class for EventPair {
    const NUMBER: u8 = 16;
    const SIDES: usize = 2;
    const HAS_COOKIE: bool = true;
    const SETTABLE_SIGNALS: Signals = Signals::USER_ALL.union(Signals::SIGNALED);
    type Progress = ();

    fn release_step(
        thread: &Thread,
        object: ObjectRef,
        _progress: &mut Self::Progress,
        _budget: &mut Budget,
    ) -> Result<bool> {
        set::tell_peer_closed(thread, object)?;
        Ok(true)
    }
}
