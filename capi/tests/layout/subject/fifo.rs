//! Fifos.

use super::Subject;
use crate::signature::signatures;

pub fn subject() -> Subject {
    let calls = signatures! {
        zx_fifo_create(1, 2, 3, 4, 5)
        zx_fifo_write(1, 2, 3, 4, 5)
        zx_fifo_read(1, 2, 3, 4, 5)
    };
    Subject { calls, structures: Vec::new() }
}
