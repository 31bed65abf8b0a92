//! Sockets.

use crate::call_macro::calls;
use crate::object::handle::{check_handle, return_handle, return_handles};
use crate::process::entry::enter;
use crate::types::zx_handle_t;
use crate::user_memory::{UserIn, UserOut};
use jacinth::{ObjectType, Rights, SocketOpts, SocketReadOpts, SocketShutdown, SocketWriteOpts, Status, raw};

/// As in Zircon, a longer buffer for data is an error. One for the control plane is none.
const MOST_BYTES: usize = u32::MAX as usize;

calls! {
    /// Makes a socket.
    fn zx_socket_create, _zx_socket_create(
        options: u32,
        out0: UserOut<zx_handle_t>,
        out1: UserOut<zx_handle_t>,
    ) {
        let options = SocketOpts::from_bits(options).ok_or(Status::INVALID_ARGS)?;
        enter()?;
        return_handles(raw::socket_create(options, Rights::SOCKET_DEFAULT)?, out0, out1)
    }

    /// Writes bytes, a datagram, or a message of the control plane.
    fn zx_socket_write, _zx_socket_write(
        handle: zx_handle_t,
        options: u32,
        buffer: UserIn<u8>,
        buffer_size: usize,
        actual: UserOut<usize>,
    ) {
        let options = SocketWriteOpts::from_bits(options).ok_or(Status::INVALID_ARGS)?;
        check_given(buffer.is_null(), buffer_size)?;
        enter()?;
        let is_control = options.contains(SocketWriteOpts::CONTROL);
        if buffer_size > MOST_BYTES && !is_control {
            // In Zircon the errors of the handle and of both ends come first: those of a write of nothing.
            return raw::socket_write(handle, options, &[]).and(Err(Status::INVALID_ARGS));
        }
        let bad_memory = |_| error_before_bad_memory(handle, Rights::WRITE);
        let actual = actual.check_optional().map_err(bad_memory)?;
        // One more than can be written is out of range as all others are.
        let useful = buffer_size.min(most_bytes(is_control) + 1);
        let bytes = buffer.slice(useful).map_err(bad_memory)?;
        actual.store(raw::socket_write(handle, options, bytes)?);
        Ok(())
    }

    /// Reads bytes, a datagram, or a message of the control plane.
    fn zx_socket_read, _zx_socket_read(
        handle: zx_handle_t,
        options: u32,
        buffer: UserOut<u8>,
        buffer_size: usize,
        actual: UserOut<usize>,
    ) {
        let options = SocketReadOpts::from_bits(options).ok_or(Status::INVALID_ARGS)?;
        check_given(buffer.is_null(), buffer_size)?;
        enter()?;
        let is_control = options.contains(SocketReadOpts::CONTROL);
        if buffer_size > MOST_BYTES && !is_control {
            return check_handle(handle, ObjectType::SOCKET, Rights::READ).and(Err(Status::INVALID_ARGS));
        }
        let bad_memory = |_| error_before_bad_memory(handle, Rights::READ);
        let actual = actual.check_optional().map_err(bad_memory)?;
        let bytes = buffer.buffer(buffer_size.min(most_bytes(is_control))).map_err(bad_memory)?;
        actual.store(raw::socket_read_uninit(handle, options, bytes)?);
        Ok(())
    }

    /// Ends writing, reading, or both.
    fn zx_socket_shutdown, _zx_socket_shutdown(handle: zx_handle_t, options: u32) {
        let how = SocketShutdown::from_bits(options).ok_or(Status::INVALID_ARGS)?;
        enter()?;
        raw::socket_shutdown(handle, how)
    }

    /// Sends another socket over a socket.
    fn zx_socket_share, _zx_socket_share(handle: zx_handle_t, socket_to_share: zx_handle_t) {
        enter()?;
        raw::socket_share(handle, socket_to_share)
    }

    /// Receives another socket over a socket.
    fn zx_socket_accept, _zx_socket_accept(handle: zx_handle_t, out_socket: UserOut<zx_handle_t>) {
        enter()?;
        // Before the socket leaves the queue.
        out_socket.check().map_err(|_| error_before_bad_memory(handle, Rights::READ))?;
        return_handle(raw::socket_accept(handle)?, out_socket)
    }
}

/// Zircon refuses NULL before it looks at the handle, and other bad memory afterwards.
fn check_given(is_null: bool, buffer_size: usize) -> Result<(), Status> {
    if is_null && buffer_size > 0 { Err(Status::INVALID_ARGS) } else { Ok(()) }
}

/// The most bytes that one call can move.
const fn most_bytes(is_control: bool) -> usize {
    if is_control { raw::MAX_CONTROL_BYTES } else { raw::MAX_SOCKET_BYTES }
}

/// The status of a call whose memory is bad. As in Zircon, errors of the handle come first.
#[cold]
fn error_before_bad_memory(handle: zx_handle_t, rights: Rights) -> Status {
    check_handle(handle, ObjectType::SOCKET, rights).err().unwrap_or(Status::INVALID_ARGS)
}
