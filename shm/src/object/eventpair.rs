//! Event pairs: two sides with stored signals. Each side sees the other close.

use crate::arena::error::Result;
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::signals::signal;
use crate::object::budget::Budget;
use crate::object::class::{Class, Progress};
use crate::process::thread::Thread;
use crate::signal::set;

pub(crate) struct EventPair;

impl Class for EventPair {
    const SIDES: usize = 2;
    const SETTABLE_SIGNALS: u32 = signal::USER_ALL | signal::SIGNALED;

    fn release_step(
        thread: &Thread,
        object: ObjectRef,
        _progress: &mut Progress,
        _budget: &mut Budget,
    ) -> Result<bool> {
        set::tell_peer_closed(thread, object)?;
        Ok(true)
    }
}
