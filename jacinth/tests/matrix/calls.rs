//! Each call that takes a handle.

use super::support::*;
use jacinth::*;

/// What a call works on.
#[derive(Clone, Copy, PartialEq)]
pub enum On {
    Anything,
    Peered,
    Cookies,
    Channels,
    Fifos,
    Vmos,
    Buffers,
    Sockets,
    Ports,
    Timers,
    Directories,
    Listeners,
    Processes,
}

/// A call that takes a handle's value.
pub struct Call {
    pub name: &'static str,
    pub on: On,
    /// The right without which it is refused.
    pub needs: Rights,
    /// Makes the call.
    pub run: fn(u32) -> Result<(), Status>,
}

/// The typed owner of a value, for the calls that only it has.
fn typed<T: HandleBased>(value: u32) -> Unowned<'static, T> {
    Unowned::from_raw_handle(value)
}

fn channel(value: u32) -> Unowned<'static, Channel> {
    typed(value)
}

fn fifo(value: u32) -> Unowned<'static, Fifo<u32>> {
    typed(value)
}

fn vmo(value: u32) -> Unowned<'static, Vmo> {
    typed(value)
}

fn socket(value: u32) -> Unowned<'static, Socket> {
    typed(value)
}

fn port(value: u32) -> Unowned<'static, Port> {
    typed(value)
}

fn directory(value: u32) -> Unowned<'static, Directory> {
    typed(value)
}

const PAST: MonotonicInstant = MonotonicInstant::INFINITE_PAST;

/// Every call that takes a handle. None of them succeeds in these tests but `close`, `replace`, `duplicate` and
/// the like, on good handles.
pub const CALLS: &[Call] = &[
    Call { name: "close", on: On::Anything, needs: Rights::NONE, run: raw::close },
    Call {
        name: "close_when_returned",
        on: On::Anything,
        needs: Rights::NONE,
        run: raw::close_when_returned,
    },
    Call {
        name: "close_many",
        on: On::Anything,
        needs: Rights::NONE,
        run: |value| raw::close_many(&[value]),
    },
    Call {
        name: "duplicate",
        on: On::Anything,
        needs: Rights::DUPLICATE,
        run: |value| raw::duplicate(value, Rights::SAME_RIGHTS).and_then(raw::close),
    },
    Call {
        name: "replace",
        on: On::Anything,
        needs: Rights::NONE,
        run: |value| raw::replace(value, Rights::SAME_RIGHTS).and_then(raw::close),
    },
    Call { name: "check_valid", on: On::Anything, needs: Rights::NONE, run: raw::check_valid },
    Call {
        name: "basic_info",
        on: On::Anything,
        needs: Rights::NONE,
        run: |value| typed::<NullableHandle>(value).basic_info().map(drop),
    },
    Call {
        name: "handle_count",
        on: On::Anything,
        needs: Rights::INSPECT,
        run: |value| typed::<NullableHandle>(value).count_info().map(drop),
    },
    Call {
        name: "get_name",
        on: On::Anything,
        needs: Rights::GET_PROPERTY,
        run: |value| typed::<NullableHandle>(value).get_name().map(drop),
    },
    Call {
        name: "set_name",
        on: On::Anything,
        needs: Rights::SET_PROPERTY,
        run: |value| typed::<NullableHandle>(value).set_name(&Name::new_lossy("x")),
    },
    Call {
        name: "set_cookie",
        on: On::Cookies,
        needs: Rights::NONE,
        run: |value| raw::set_cookie(value, key(), 1),
    },
    Call {
        name: "set_cookie, with a scope",
        on: On::Anything,
        needs: Rights::NONE,
        run: |scope| raw::set_cookie(Event::create().raw_handle(), scope, 1),
    },
    Call {
        name: "cookie, with a scope",
        on: On::Anything,
        needs: Rights::NONE,
        run: |scope| match raw::cookie(Event::create().raw_handle(), scope) {
            Err(Status::ACCESS_DENIED) => Ok(()), // None was set.
            result => result.map(drop),
        },
    },
    Call {
        name: "signal",
        on: On::Anything,
        needs: Rights::SIGNAL,
        run: |value| raw::signal(value, Signals::NONE, Signals::USER_0),
    },
    Call {
        name: "signal_peer",
        on: On::Peered,
        needs: Rights::SIGNAL_PEER,
        run: |value| raw::signal_peer(value, Signals::NONE, Signals::USER_0),
    },
    Call {
        name: "wait_one",
        on: On::Anything,
        needs: Rights::WAIT,
        run: |value| match raw::wait_one(value, Signals::USER_7, PAST).0 {
            Err(Status::TIMED_OUT) => Ok(()),
            result => result,
        },
    },
    Call {
        name: "wait_many",
        on: On::Anything,
        needs: Rights::WAIT,
        run: |value| {
            let handle = typed::<NullableHandle>(value);
            match object_wait_many(&mut [WaitItem::new(&handle, Signals::USER_7)], PAST) {
                Err(Status::TIMED_OUT) => Ok(()),
                result => result.map(drop),
            }
        },
    },
    Call {
        name: "channel_write",
        on: On::Channels,
        needs: Rights::WRITE,
        run: |value| raw::channel_write(value, b"bytes", &[]),
    },
    Call {
        name: "channel_write with handles",
        on: On::Channels,
        needs: Rights::WRITE,
        run: |value| raw::channel_write(value, b"bytes", &[event().into_raw()]),
    },
    Call {
        name: "write_batch",
        on: On::Channels,
        needs: Rights::WRITE,
        run: |value| channel(value).write_batch([&b"bytes"[..]]).map(drop),
    },
    Call {
        name: "reserve",
        on: On::Channels,
        needs: Rights::WRITE,
        run: |value| channel(value).reserve(100).map(drop),
    },
    Call {
        name: "channel_read",
        on: On::Channels,
        needs: Rights::READ,
        run: |value| raw::channel_read(value, OnOverflow::Keep, &mut [0; 64], &mut []).0,
    },
    Call {
        name: "read_batch",
        on: On::Channels,
        needs: Rights::READ,
        run: |value| channel(value).read_batch(1, &mut Batch::new()).map(drop),
    },
    Call {
        name: "read_in_place",
        on: On::Channels,
        needs: Rights::READ,
        run: |value| channel(value).read_in_place().map(drop),
    },
    Call { name: "fifo_write", on: On::Fifos, needs: Rights::WRITE, run: |value| fifo(value).write_one(&1) },
    Call {
        name: "fifo_read",
        on: On::Fifos,
        needs: Rights::READ,
        run: |value| fifo(value).read_one().map(drop),
    },
    Call { name: "vmo_write", on: On::Vmos, needs: Rights::WRITE, run: |value| vmo(value).write(&[1], 0) },
    Call { name: "vmo_read", on: On::Vmos, needs: Rights::READ, run: |value| vmo(value).read(&mut [0], 0) },
    Call {
        name: "vmo_read_uninit",
        on: On::Vmos,
        needs: Rights::READ,
        run: |value| raw::vmo_read_uninit(value, &mut [std::mem::MaybeUninit::uninit()], 0),
    },
    Call {
        name: "vmo_clone",
        on: On::Vmos,
        needs: Rights::DUPLICATE.union(Rights::READ),
        run: |value| vmo(value).create_child(VmoChildOptions::COPY_ON_WRITE, 0, 4096).map(drop),
    },
    Call {
        name: "vmo_get_size",
        on: On::Vmos,
        needs: Rights::NONE,
        run: |value| vmo(value).get_size().map(drop),
    },
    Call { name: "vmo_info", on: On::Vmos, needs: Rights::NONE, run: |value| vmo(value).info().map(drop) },
    Call { name: "vmo_set_size", on: On::Vmos, needs: Rights::WRITE, run: |value| vmo(value).set_size(4096) },
    Call {
        name: "vmo_commit",
        on: On::Vmos,
        needs: Rights::WRITE,
        run: |value| vmo(value).op_range(VmoOp::COMMIT, 0, 1),
    },
    Call {
        name: "vmo_decommit",
        on: On::Vmos,
        needs: Rights::WRITE,
        run: |value| vmo(value).op_range(VmoOp::DECOMMIT, 0, 1),
    },
    Call {
        name: "vmo_cache_sync",
        on: On::Vmos,
        needs: Rights::READ,
        run: |value| vmo(value).op_range(VmoOp::CACHE_SYNC, 0, 1),
    },
    Call {
        name: "vmo_cache_invalidate",
        on: On::Vmos,
        needs: Rights::WRITE,
        run: |value| vmo(value).op_range(VmoOp::CACHE_INVALIDATE, 0, 1),
    },
    Call {
        name: "vmo_cache_clean",
        on: On::Vmos,
        needs: Rights::READ,
        run: |value| vmo(value).op_range(VmoOp::CACHE_CLEAN, 0, 1),
    },
    Call {
        name: "socket_write",
        on: On::Sockets,
        needs: Rights::WRITE,
        run: |value| socket(value).write(b"bytes").map(drop),
    },
    Call {
        name: "socket_write of control",
        on: On::Sockets,
        needs: Rights::WRITE,
        run: |value| socket(value).write_opts(b"bytes", SocketWriteOpts::CONTROL).map(drop),
    },
    Call {
        name: "socket_read",
        on: On::Sockets,
        needs: Rights::READ,
        run: |value| socket(value).read(&mut [0; 64]).map(drop),
    },
    Call {
        name: "socket_read of control",
        on: On::Sockets,
        needs: Rights::READ,
        run: |value| socket(value).read_opts(&mut [0; 64], SocketReadOpts::CONTROL).map(drop),
    },
    Call {
        name: "socket_shutdown",
        on: On::Sockets,
        needs: Rights::WRITE,
        run: |value| socket(value).shutdown(SocketShutdown::WRITE),
    },
    Call {
        name: "socket_share",
        on: On::Sockets,
        needs: Rights::WRITE,
        run: |value| socket(value).share(Socket::create_stream().0),
    },
    Call {
        name: "socket_accept",
        on: On::Sockets,
        needs: Rights::READ,
        run: |value| socket(value).accept().map(drop),
    },
    Call {
        name: "socket_info",
        on: On::Sockets,
        needs: Rights::INSPECT,
        run: |value| socket(value).info().map(drop),
    },
    Call {
        name: "get_rx_threshold",
        on: On::Sockets,
        needs: Rights::GET_PROPERTY,
        run: |value| socket(value).get_rx_threshold().map(drop),
    },
    Call {
        name: "set_rx_threshold",
        on: On::Sockets,
        needs: Rights::SET_PROPERTY,
        run: |value| socket(value).set_rx_threshold(&1),
    },
    Call {
        name: "get_tx_threshold",
        on: On::Sockets,
        needs: Rights::GET_PROPERTY,
        run: |value| socket(value).get_tx_threshold().map(drop),
    },
    Call {
        name: "set_tx_threshold",
        on: On::Sockets,
        needs: Rights::SET_PROPERTY,
        run: |value| socket(value).set_tx_threshold(&1),
    },
    Call {
        name: "wait_async",
        on: On::Anything,
        needs: Rights::WAIT,
        run: |value| {
            typed::<NullableHandle>(value).wait_async(
                &Port::create(),
                1,
                Signals::USER_7,
                WaitAsyncOpts::ONCE,
            )
        },
    },
    Call {
        name: "port_cancel, of a source",
        on: On::Anything,
        needs: Rights::WAIT,
        run: |value| found(Port::create().cancel(&typed::<NullableHandle>(value), 1)),
    },
    Call {
        name: "wait_async at a port",
        on: On::Ports,
        needs: Rights::WRITE,
        run: |value| Event::create().wait_async(&port(value), 1, Signals::USER_7, WaitAsyncOpts::ONCE),
    },
    Call {
        name: "port_cancel",
        on: On::Ports,
        needs: Rights::WRITE,
        run: |value| found(port(value).cancel(&Event::create(), 1)),
    },
    Call {
        name: "port_queue",
        on: On::Ports,
        needs: Rights::WRITE,
        run: |value| port(value).queue(&Packet::from_user_packet(1, 0, UserPacket::default())),
    },
    Call {
        name: "port_wait",
        on: On::Ports,
        needs: Rights::READ,
        run: |value| match port(value).wait(PAST) {
            Err(Status::TIMED_OUT) => Ok(()),
            result => result.map(drop),
        },
    },
    Call {
        name: "PortFd::new",
        on: On::Ports,
        needs: Rights::READ,
        run: |value| PortFd::new(&port(value)).map(drop),
    },
    Call {
        name: "timer_set",
        on: On::Timers,
        needs: Rights::WRITE,
        run: |value| raw::timer_set(value, FOREVER, MonotonicDuration::ZERO),
    },
    Call {
        name: "Buffer::view",
        on: On::Buffers,
        needs: Rights::READ,
        run: |value| typed::<Buffer>(value).view().map(drop),
    },
    Call {
        name: "Buffer::size",
        on: On::Buffers,
        needs: Rights::NONE,
        run: |value| typed::<Buffer>(value).size().map(drop),
    },
    Call {
        name: "reserve_buffer",
        on: On::Channels,
        needs: Rights::WRITE,
        run: |value| channel(value).reserve_buffer(100).map(drop),
    },
    Call { name: "timer_cancel", on: On::Timers, needs: Rights::WRITE, run: raw::timer_cancel },
    Call {
        name: "directory_serve",
        on: On::Directories,
        needs: Rights::WRITE,
        run: |value| directory(value).serve("name").map(drop),
    },
    Call {
        name: "directory_connect",
        on: On::Directories,
        needs: Rights::READ,
        run: |value| found(directory(value).connect("name", PAST).map(drop)),
    },
    Call {
        name: "directory_create_view",
        on: On::Directories,
        needs: Rights::READ,
        run: |value| directory(value).create_view(&["name"]).map(drop),
    },
    Call {
        name: "directory_names",
        on: On::Directories,
        needs: Rights::ENUMERATE,
        run: |value| directory(value).names().map(drop),
    },
    Call {
        name: "listener_accept",
        on: On::Listeners,
        needs: Rights::READ,
        run: |value| match raw::listener_accept(value) {
            Err(Status::SHOULD_WAIT) => Ok(()),
            result => result.map(drop),
        },
    },
    Call {
        name: "process_handle_counts",
        on: On::Processes,
        needs: Rights::INSPECT,
        run: |value| typed::<Process>(value).handle_stats().map(drop),
    },
    Call {
        name: "process_vmos",
        on: On::Processes,
        needs: Rights::INSPECT,
        run: |value| typed::<Process>(value).info_vmos_vec().map(drop),
    },
    Call {
        name: "process_maps",
        on: On::Processes,
        needs: Rights::INSPECT,
        run: |value| typed::<Process>(value).info_maps_vec().map(drop),
    },
    Call { name: "call, for writing", on: On::Channels, needs: Rights::WRITE, run: call },
    Call { name: "call, for reading", on: On::Channels, needs: Rights::READ, run: call },
];

/// An object that is a scope.
fn key() -> u32 {
    process_self().unwrap().raw_handle()
}

/// There is nothing to cancel in these tests, and no server to connect to.
fn found(cancelled: Result<(), Status>) -> Result<(), Status> {
    match cancelled {
        Err(Status::NOT_FOUND) => Ok(()),
        result => result,
    }
}

fn call(value: u32) -> Result<(), Status> {
    match channel(value).call(PAST, b"\0\0\0\0ask", &mut [event()], &mut MessageBuf::new()) {
        Err(Status::TIMED_OUT) => Ok(()),
        result => result,
    }
}
