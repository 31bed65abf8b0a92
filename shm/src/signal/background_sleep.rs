//! A sleep on an event count that goes on while its owner does something else.

use crate::arena::error::Result;
use crate::arena::word::reference::ObjectRef;
use crate::signal::eventcount::Armed;

/// At most one sleep at a time.
pub(crate) trait BackgroundSleep {
    /// Whether the last sleep still goes on. After `false` its end is no longer shown.
    fn is_asleep(&mut self) -> bool;

    /// Starts a sleep on the event count of `object`, which is armed: until it changes and a waker wakes, or until the
    /// time. No sleep goes on. After an error none does.
    fn start(&mut self, object: ObjectRef, armed: Armed<'_>, until_ns: i64) -> Result<()>;
}
