//! Events: one side, which has only stored signals.

use crate::arena::word::signals::Signals;
use crate::object::class::Class;

pub(crate) struct Event;

impl Class for Event {
    const NUMBER: u8 = 5;
    const HAS_COOKIE: bool = true;
    const SETTABLE_SIGNALS: Signals = Signals::USER_ALL.union(Signals::SIGNALED);
    type Progress = ();
}
