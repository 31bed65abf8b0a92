//! VM objects.

use super::Subject;
use crate::signature::signatures;

pub fn subject() -> Subject {
    let calls = signatures! {
        zx_vmo_create(1, 2, 3)
        zx_vmo_read(1, 2, 3, 4)
        zx_vmo_write(1, 2, 3, 4)
        zx_vmo_get_size(1, 2)
        zx_vmo_set_size(1, 2)
        zx_vmo_op_range(1, 2, 3, 4, 5, 6)
    };
    Subject { calls, structures: Vec::new() }
}
