//! Futexes.

use super::Subject;
use crate::signature::signatures;

pub fn subject() -> Subject {
    let calls = signatures! {
        zx_futex_wait(1, 2, 3, 4)
        zx_futex_wake(1, 2)
        zx_futex_requeue(1, 2, 3, 4, 5, 6)
        zx_futex_wake_single_owner(1)
        zx_futex_requeue_single_owner(1, 2, 3, 4, 5)
        zx_futex_get_owner(1, 2)
        zx_futex_wait_deprecated(1, 2, 3)
        zx_futex_requeue_deprecated(1, 2, 3, 4, 5)
    };
    Subject { calls, structures: Vec::new() }
}
