//! The calls of `jacinth/compat.h`.

use super::Subject;
use crate::signature::signatures;

pub fn subject() -> Subject {
    let calls = signatures! {
        jacinth_thrd_create_with_name(1, 2, 3, 4)
        jacinth_thrd_get_zx_handle(1)
    };
    Subject { calls, structures: Vec::new() }
}
