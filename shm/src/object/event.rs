//! Events: one side, which has only stored signals.

use crate::arena::word::signals::signal;
use crate::object::class::Class;

pub(crate) struct Event;

impl Class for Event {
    const SETTABLE_SIGNALS: u32 = signal::USER_ALL | signal::SIGNALED;
}
