//! Event pairs.

use super::Subject;
use crate::signature::signatures;

pub fn subject() -> Subject {
    let calls = signatures! {
        zx_eventpair_create(1, 2, 3)
    };
    Subject { calls, structures: Vec::new() }
}
