//! The `extern "C"` functions as victims call them: with numbers, with valid pointers, and with invalid ones.
//!
//! All unsafe code for C's calls is here: the pointers must be as the declarations say.
#![expect(unsafe_code, reason = "they are C's functions")]

use jacinth::{MonotonicInstant, Rights, Signals, Status};
use jacinth_capi_calls::types::{zx_channel_call_args_t, zx_handle_info_t, zx_wait_item_t};
use jacinth_capi_calls::{UserIn, UserOut};
use nix::libc;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use std::ffi::{CStr, c_int};

/// The result of a call.
type Answer<T = ()> = Result<T, Status>;

/// Whether a pointer argument is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pointer {
    /// It leads to the object that the caller means.
    Valid,
    /// It leads to where no process has memory.
    Invalid,
}

/// An address in the first page, which Linux maps for no process.
const INVALID_ADDRESS: usize = 64;

impl Pointer {
    fn to<T>(self, object: &mut T) -> UserOut<T> {
        self.pick(&raw mut *object, INVALID_ADDRESS as *mut T).into()
    }

    fn buffer<T>(self, slice: &mut [T]) -> UserOut<T> {
        self.pick(slice.as_mut_ptr(), INVALID_ADDRESS as *mut T).into()
    }

    fn from<T>(self, slice: &[T]) -> UserIn<T> {
        self.pick(slice.as_ptr(), INVALID_ADDRESS as *const T).into()
    }

    fn pick<P>(self, valid: P, invalid: P) -> P {
        if self == Self::Valid { valid } else { invalid }
    }
}

/// The result of a call that returns one number through a pointer.
fn one(call: impl FnOnce(&mut u32) -> i32) -> Answer<u32> {
    let mut number = 0;
    Status::ok(call(&mut number)).map(|()| number)
}

/// The result of a call that returns two numbers through pointers.
fn two(call: impl FnOnce(&mut u32, &mut u32) -> i32) -> Answer<(u32, u32)> {
    let (mut first, mut second) = (0, 0);
    Status::ok(call(&mut first, &mut second)).map(|()| (first, second))
}

/// `zx_event_create`
pub fn event_create(pointer: Pointer) -> Answer<u32> {
    // SAFETY: the pointer leads to the number, which outlives the call, or to no memory.
    one(|event| unsafe { jacinth_capi_calls::zx_event_create(0, pointer.to(event)) })
}

/// `zx_eventpair_create`
pub fn eventpair_create() -> Answer<(u32, u32)> {
    // SAFETY: the pointers lead to the numbers, which outlive the call.
    two(|first, second| unsafe {
        jacinth_capi_calls::zx_eventpair_create(0, Pointer::Valid.to(first), Pointer::Valid.to(second))
    })
}

/// `zx_timer_create`
pub fn timer_create(pointer: Pointer) -> Answer<u32> {
    // SAFETY: the pointer leads to the number, which outlives the call, or to no memory.
    one(|timer| unsafe { jacinth_capi_calls::zx_timer_create(0, 0, pointer.to(timer)) })
}

/// `zx_timer_set`
pub fn timer_set(timer: u32, deadline: MonotonicInstant) -> Answer {
    // SAFETY: numbers alone.
    Status::ok(unsafe { jacinth_capi_calls::zx_timer_set(timer, deadline.into_nanos(), 0) })
}

/// `zx_timer_cancel`
pub fn timer_cancel(timer: u32) -> Answer {
    // SAFETY: numbers alone.
    Status::ok(unsafe { jacinth_capi_calls::zx_timer_cancel(timer) })
}

/// `zx_channel_create`. `pointer` is the argument for the second end.
pub fn channel_create(pointer: Pointer) -> Answer<(u32, u32)> {
    // SAFETY: the pointers lead to the numbers, which outlive the call, or to no memory.
    two(|first, second| unsafe {
        jacinth_capi_calls::zx_channel_create(0, Pointer::Valid.to(first), pointer.to(second))
    })
}

/// `zx_handle_close`
pub fn close(handle: u32) -> Answer {
    // SAFETY: numbers alone.
    Status::ok(unsafe { jacinth_capi_calls::zx_handle_close(handle) })
}

/// `zx_handle_close_many`
pub fn close_many(handles: &[u32]) -> Answer {
    // SAFETY: so many handles are there.
    Status::ok(unsafe {
        jacinth_capi_calls::zx_handle_close_many(Pointer::Valid.from(handles), handles.len())
    })
}

/// `zx_handle_duplicate`
pub fn duplicate(handle: u32, rights: Rights, pointer: Pointer) -> Answer<u32> {
    // SAFETY: the pointer leads to the number, which outlives the call, or to no memory.
    one(|other| unsafe { jacinth_capi_calls::zx_handle_duplicate(handle, rights.bits(), pointer.to(other)) })
}

/// `zx_handle_replace`
pub fn replace(handle: u32, rights: Rights, pointer: Pointer) -> Answer<u32> {
    // SAFETY: the pointer leads to the number, which outlives the call, or to no memory.
    one(|other| unsafe { jacinth_capi_calls::zx_handle_replace(handle, rights.bits(), pointer.to(other)) })
}

/// `zx_object_set_property` of the name
pub fn set_name(handle: u32, name: &[u8]) -> Answer {
    const NAME: u32 = 3;
    // SAFETY: the pointer and the length are those of the name.
    Status::ok(unsafe {
        jacinth_capi_calls::zx_object_set_property(handle, NAME, Pointer::Valid.from(name), name.len())
    })
}

/// `zx_object_set_cookie`
pub fn set_cookie(handle: u32, scope: u32, cookie: u64) -> Answer {
    // SAFETY: numbers alone.
    Status::ok(unsafe { jacinth_capi_calls::zx_object_set_cookie(handle, scope, cookie) })
}

/// `zx_object_signal`
pub fn signal(handle: u32, set: Signals) -> Answer {
    // SAFETY: numbers alone.
    Status::ok(unsafe { jacinth_capi_calls::zx_object_signal(handle, 0, set.bits()) })
}

/// `zx_object_signal_peer`
pub fn signal_peer(handle: u32, set: Signals) -> Answer {
    // SAFETY: numbers alone.
    Status::ok(unsafe { jacinth_capi_calls::zx_object_signal_peer(handle, 0, set.bits()) })
}

/// `zx_object_wait_one`
pub fn wait_one(handle: u32, signals: Signals, deadline: MonotonicInstant) -> Answer<u32> {
    // SAFETY: the pointer leads to the number, which outlives the call.
    one(|seen| unsafe {
        let deadline = deadline.into_nanos();
        jacinth_capi_calls::zx_object_wait_one(handle, signals.bits(), deadline, Pointer::Valid.to(seen))
    })
}

/// `zx_object_wait_many`. Each item is a handle, and the signals to wait for.
pub fn wait_many<const N: usize>(items: [(u32, Signals); N], deadline: MonotonicInstant) -> Answer {
    let mut items =
        items.map(|(handle, signals)| zx_wait_item_t { handle, waitfor: signals.bits(), pending: 0 });
    // SAFETY: so many items are there.
    Status::ok(unsafe {
        jacinth_capi_calls::zx_object_wait_many(Pointer::Valid.buffer(&mut items), N, deadline.into_nanos())
    })
}

/// `zx_socket_write`. How many bytes were written.
pub fn socket_write(socket: u32, (bytes, pointer): (&[u8], Pointer)) -> Answer<usize> {
    let mut actual = 0;
    // SAFETY: so many bytes are there, or no memory is; the number outlives the call.
    let status = unsafe {
        let actual = Pointer::Valid.to(&mut actual);
        jacinth_capi_calls::zx_socket_write(socket, 0, pointer.from(bytes), bytes.len(), actual)
    };
    Status::ok(status).map(|()| actual)
}

/// `zx_socket_read`. How many bytes were read.
pub fn socket_read(socket: u32, (bytes, pointer): (&mut [u8], Pointer)) -> Answer<usize> {
    let (most, mut actual) = (bytes.len(), 0);
    // SAFETY: there is room for so many bytes, or there is no memory; the number outlives the call.
    let status = unsafe {
        let actual = Pointer::Valid.to(&mut actual);
        jacinth_capi_calls::zx_socket_read(socket, 0, pointer.buffer(bytes), most, actual)
    };
    Status::ok(status).map(|()| actual)
}

/// `zx_socket_share`
pub fn socket_share(socket: u32, shared: u32) -> Answer {
    // SAFETY: numbers alone.
    Status::ok(unsafe { jacinth_capi_calls::zx_socket_share(socket, shared) })
}

/// `zx_socket_accept`
pub fn socket_accept(socket: u32, pointer: Pointer) -> Answer<u32> {
    // SAFETY: the pointer leads to the number, which outlives the call, or to no memory.
    one(|accepted| unsafe { jacinth_capi_calls::zx_socket_accept(socket, pointer.to(accepted)) })
}

/// `zx_channel_write`
pub fn write(channel: u32, bytes: (&[u8], Pointer), handles: &[u32]) -> Answer {
    let (bytes, pointer) = bytes;
    // SAFETY: so many bytes and handles are there, or no memory is.
    Status::ok(unsafe {
        let handles_at = Pointer::Valid.from(handles);
        jacinth_capi_calls::zx_channel_write(
            channel,
            0,
            pointer.from(bytes),
            len(bytes),
            handles_at,
            len(handles),
        )
    })
}

/// A reader's buffers for bytes and handles, whether its pointers to them are valid, and how much it has read.
pub struct Buffers<H> {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The handles.
    pub handles: Vec<H>,
    /// The pointers to bytes and handles.
    pub pointers: (Pointer, Pointer),
    /// How many bytes and handles the last call returned.
    pub actual: (u32, u32),
}

impl<H: Clone + Default> Buffers<H> {
    /// Buffers for so many bytes and handles, with valid pointers.
    pub fn new(bytes: usize, handles: usize) -> Self {
        Self {
            bytes: vec![0; bytes],
            handles: vec![H::default(); handles],
            pointers: (Pointer::Valid, Pointer::Valid),
            actual: (0, 0),
        }
    }

    fn buffers(&mut self) -> (UserOut<u8>, UserOut<H>) {
        (self.pointers.0.buffer(&mut self.bytes), self.pointers.1.buffer(&mut self.handles))
    }

    fn actual(&mut self) -> (UserOut<u32>, UserOut<u32>) {
        (Pointer::Valid.to(&mut self.actual.0), Pointer::Valid.to(&mut self.actual.1))
    }
}

/// `zx_channel_read`. `may_discard` is the option of that name.
pub fn read(channel: u32, may_discard: bool, into: &mut Buffers<u32>) -> Answer {
    let (most_bytes, most_handles) = (len(&into.bytes), len(&into.handles));
    let ((bytes, handles), actual) = (into.buffers(), into.actual());
    let options = may_discard.into();
    // SAFETY: there is room for so many bytes and handles, or there is no memory; the numbers outlive the call.
    Status::ok(unsafe {
        jacinth_capi_calls::zx_channel_read(
            channel,
            options,
            bytes,
            handles,
            most_bytes,
            most_handles,
            actual.0,
            actual.1,
        )
    })
}

/// `zx_channel_read_etc`
pub fn read_etc(channel: u32, into: &mut Buffers<zx_handle_info_t>) -> Answer {
    let (most_bytes, most_handles) = (len(&into.bytes), len(&into.handles));
    let ((bytes, handles), actual) = (into.buffers(), into.actual());
    // SAFETY: there is room for so many bytes and handles, or there is no memory; the numbers outlive the call.
    Status::ok(unsafe {
        jacinth_capi_calls::zx_channel_read_etc(
            channel,
            0,
            bytes,
            handles,
            most_bytes,
            most_handles,
            actual.0,
            actual.1,
        )
    })
}

/// How a call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// `zx_channel_call`
    Whole,
    /// `zx_channel_call_noretry`
    NoRetry,
    /// `zx_channel_call_finish`
    Finish,
}

/// Sends the question with its handles, unless they have been sent, and waits for the reply.
pub fn call(
    call: Call,
    channel: u32,
    deadline: MonotonicInstant,
    (question, along): (&[u8], &[u32]),
    reply: &mut Buffers<u32>,
) -> Answer {
    let (buffers, actual) = (reply.buffers(), reply.actual());
    let args = zx_channel_call_args_t {
        wr_bytes: question.as_ptr().into(),
        wr_handles: along.as_ptr().into(),
        rd_bytes: buffers.0,
        rd_handles: buffers.1,
        wr_num_bytes: len(question),
        wr_num_handles: len(along),
        rd_num_bytes: len(&reply.bytes),
        rd_num_handles: len(&reply.handles),
    };
    let (args, deadline) = (UserIn::from(&raw const args), deadline.into_nanos());
    let (bytes, handles) = actual;
    // SAFETY: so much is there to be sent, and so much room for the reply; all of it outlives the call.
    Status::ok(unsafe {
        match call {
            Call::Whole => jacinth_capi_calls::zx_channel_call(channel, 0, deadline, args, bytes, handles),
            Call::NoRetry => {
                jacinth_capi_calls::zx_channel_call_noretry(channel, 0, deadline, args, bytes, handles)
            }
            Call::Finish => jacinth_capi_calls::zx_channel_call_finish(deadline, args, bytes, handles),
        }
    })
}

/// The handles to the process, its job, its address space, and the calling thread.
pub fn self_handles() -> [u32; 4] {
    // SAFETY: numbers alone.
    unsafe {
        [
            jacinth_capi_calls::zx_process_self(),
            jacinth_capi_calls::zx_job_default(),
            jacinth_capi_calls::zx_vmar_root_self(),
            jacinth_capi_calls::zx_thread_self(),
        ]
    }
}

/// `zx_thread_self`
pub fn thread_self() -> u32 {
    // SAFETY: numbers alone.
    unsafe { jacinth_capi_calls::zx_thread_self() }
}

/// `zx_process_exit`
pub fn process_exit(code: i64) -> ! {
    // SAFETY: a number alone.
    unsafe { jacinth_capi_calls::zx_process_exit(code) }
}

/// `zx_take_startup_handle`
pub fn take_startup_handle() -> u32 {
    // SAFETY: numbers alone.
    unsafe { jacinth_capi_calls::zx_take_startup_handle(0xf0) }
}

/// `jacinth_attach`
pub fn attach(socket: &CStr) -> Answer {
    // SAFETY: a text that ends in a NUL.
    Status::ok(unsafe { jacinth_capi_calls::jacinth_attach(socket.as_ptr().cast::<u8>().into()) })
}

/// `jacinth_spawn`. `pointer` is the argument for the process id.
pub fn spawn(program: &CStr, startup: u32, pointer: Pointer) -> Answer<i32> {
    let (program, mut id) = (UserIn::from(program.as_ptr().cast::<u8>()), 0);
    // SAFETY: a text that ends in a NUL, no arguments, this program's environment, and a number that outlives the call.
    let status = unsafe {
        jacinth_capi_calls::jacinth_spawn(program, UserIn::NULL, UserIn::NULL, startup, pointer.to(&mut id))
    };
    Status::ok(status).map(|()| id)
}

/// From now on [`interrupt`] interrupts the system calls of this program's threads, and has no other effect.
pub fn accept_interruptions() {
    extern "C" fn nothing(_: c_int) {}
    let action = SigAction::new(SigHandler::Handler(nothing), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler is empty.
    unsafe { sigaction(Signal::SIGUSR1, &action) }.expect("a handler");
}

/// Sends the thread a signal. Has no effect on a thread that has ended.
pub fn interrupt(thread: i32) {
    // SAFETY: numbers alone.
    unsafe { libc::syscall(libc::SYS_tkill, thread, libc::SIGUSR1) };
}

fn len<T>(slice: &[T]) -> u32 {
    slice.len().try_into().expect("no message is that long")
}
