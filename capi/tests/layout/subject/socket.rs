//! Sockets.

use super::Subject;
use crate::signature::signatures;

pub fn subject() -> Subject {
    let calls = signatures! {
        zx_socket_create(1, 2, 3)
        zx_socket_write(1, 2, 3, 4, 5)
        zx_socket_read(1, 2, 3, 4, 5)
        zx_socket_shutdown(1, 2)
        zx_socket_share(1, 2)
        zx_socket_accept(1, 2)
    };
    Subject { calls, structures: Vec::new() }
}
