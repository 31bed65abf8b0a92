//! Sockets.

use super::Subject;
use crate::signature::signatures;
use crate::structure::structures;

pub fn subject() -> Subject {
    let calls = signatures! {
        zx_socket_create(1, 2, 3)
        zx_socket_write(1, 2, 3, 4, 5)
        zx_socket_read(1, 2, 3, 4, 5)
        zx_socket_shutdown(1, 2)
        zx_socket_share(1, 2)
        zx_socket_accept(1, 2)
    };
    let structures = structures! {
        zx_info_socket_t { options rx_buf_max rx_buf_size rx_buf_available tx_buf_max tx_buf_size }
    };
    Subject { calls, structures }
}
