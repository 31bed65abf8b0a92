//! Events.

use super::Subject;
use crate::signature::signatures;

pub fn subject() -> Subject {
    let calls = signatures! {
        zx_event_create(1, 2)
    };
    Subject { calls, structures: Vec::new() }
}
