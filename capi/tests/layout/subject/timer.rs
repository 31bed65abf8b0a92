//! Timers.

use super::Subject;
use crate::signature::signatures;

pub fn subject() -> Subject {
    let calls = signatures! {
        zx_timer_create(1, 2, 3)
        zx_timer_set(1, 2, 3)
        zx_timer_cancel(1)
    };
    Subject { calls, structures: Vec::new() }
}
