//! The `extern "C"` functions as victims call them: with numbers, with pointers to what they have, and with pointers
//! that lead nowhere.
//!
//! All that is unsafe about C's calls is here: that the pointers are what the declarations say.
#![expect(unsafe_code, reason = "they are C's functions")]

use jacinth::{MonotonicInstant, Rights, Signals, Status};
use jacinth_calls::types::{zx_channel_call_args_t, zx_handle_info_t, zx_wait_item_t};
use jacinth_calls::{UserIn, UserOut};
use nix::libc;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use std::ffi::{CStr, c_int};

type Answer<T = ()> = Result<T, Status>;

/// Where a pointer leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// To what the caller means.
    Here,
    /// To where no process has any memory.
    Nowhere,
}

/// In the first page, which Linux gives to nobody.
const NOWHERE: usize = 64;

impl Place {
    fn to<T>(self, here: &mut T) -> UserOut<T> {
        self.pick(&raw mut *here, NOWHERE as *mut T).into()
    }

    fn room<T>(self, here: &mut [T]) -> UserOut<T> {
        self.pick(here.as_mut_ptr(), NOWHERE as *mut T).into()
    }

    fn from<T>(self, here: &[T]) -> UserIn<T> {
        self.pick(here.as_ptr(), NOWHERE as *const T).into()
    }

    fn pick<P>(self, here: P, nowhere: P) -> P {
        if self == Self::Here { here } else { nowhere }
    }
}

/// What a call says that leaves one number behind.
fn one(call: impl FnOnce(&mut u32) -> i32) -> Answer<u32> {
    let mut number = 0;
    Status::ok(call(&mut number)).map(|()| number)
}

fn two(call: impl FnOnce(&mut u32, &mut u32) -> i32) -> Answer<(u32, u32)> {
    let (mut first, mut second) = (0, 0);
    Status::ok(call(&mut first, &mut second)).map(|()| (first, second))
}

pub fn event_create(place: Place) -> Answer<u32> {
    // SAFETY: what the pointer leads to is the number, which outlives the call, or nothing.
    one(|event| unsafe { jacinth_calls::zx_event_create(0, place.to(event)) })
}

pub fn eventpair_create() -> Answer<(u32, u32)> {
    // SAFETY: the pointers lead to the numbers, which outlive the call.
    two(|first, second| unsafe {
        jacinth_calls::zx_eventpair_create(0, Place::Here.to(first), Place::Here.to(second))
    })
}

/// `place` is the second end's.
pub fn channel_create(place: Place) -> Answer<(u32, u32)> {
    // SAFETY: the pointers lead to the numbers, which outlive the call, or to nothing.
    two(|first, second| unsafe {
        jacinth_calls::zx_channel_create(0, Place::Here.to(first), place.to(second))
    })
}

pub fn close(handle: u32) -> Answer {
    // SAFETY: numbers alone.
    Status::ok(unsafe { jacinth_calls::zx_handle_close(handle) })
}

pub fn close_many(handles: &[u32]) -> Answer {
    // SAFETY: so many handles are there.
    Status::ok(unsafe { jacinth_calls::zx_handle_close_many(Place::Here.from(handles), handles.len()) })
}

pub fn duplicate(handle: u32, rights: Rights, place: Place) -> Answer<u32> {
    // SAFETY: what the pointer leads to is the number, which outlives the call, or nothing.
    one(|other| unsafe { jacinth_calls::zx_handle_duplicate(handle, rights.bits(), place.to(other)) })
}

pub fn replace(handle: u32, rights: Rights, place: Place) -> Answer<u32> {
    // SAFETY: what the pointer leads to is the number, which outlives the call, or nothing.
    one(|other| unsafe { jacinth_calls::zx_handle_replace(handle, rights.bits(), place.to(other)) })
}

pub fn set_name(handle: u32, name: &[u8]) -> Answer {
    const NAME: u32 = 3;
    // SAFETY: the name is as long as it is.
    Status::ok(unsafe {
        jacinth_calls::zx_object_set_property(handle, NAME, Place::Here.from(name), name.len())
    })
}

pub fn signal(handle: u32, set: Signals) -> Answer {
    // SAFETY: numbers alone.
    Status::ok(unsafe { jacinth_calls::zx_object_signal(handle, 0, set.bits()) })
}

pub fn signal_peer(handle: u32, set: Signals) -> Answer {
    // SAFETY: numbers alone.
    Status::ok(unsafe { jacinth_calls::zx_object_signal_peer(handle, 0, set.bits()) })
}

pub fn wait_one(handle: u32, signals: Signals, deadline: MonotonicInstant) -> Answer<u32> {
    // SAFETY: the pointer leads to the number, which outlives the call.
    one(|seen| unsafe {
        let deadline = deadline.into_nanos();
        jacinth_calls::zx_object_wait_one(handle, signals.bits(), deadline, Place::Here.to(seen))
    })
}

/// Each item is a handle, and what is waited for on it.
pub fn wait_many<const N: usize>(items: [(u32, Signals); N], deadline: MonotonicInstant) -> Answer {
    let mut items =
        items.map(|(handle, signals)| zx_wait_item_t { handle, waitfor: signals.bits(), pending: 0 });
    // SAFETY: so many items are there.
    Status::ok(unsafe {
        jacinth_calls::zx_object_wait_many(Place::Here.room(&mut items), N, deadline.into_nanos())
    })
}

pub fn write(channel: u32, bytes: (&[u8], Place), handles: &[u32]) -> Answer {
    let (bytes, place) = bytes;
    // SAFETY: so many bytes and handles are there; or nothing is.
    Status::ok(unsafe {
        let handles_at = Place::Here.from(handles);
        jacinth_calls::zx_channel_write(channel, 0, place.from(bytes), len(bytes), handles_at, len(handles))
    })
}

/// A reader's buffers for bytes and handles, where it says that they are, and how much has come.
pub struct Buffers<H> {
    pub bytes: Vec<u8>,
    pub handles: Vec<H>,
    pub places: (Place, Place),
    pub actual: (u32, u32),
}

impl<H: Clone + Default> Buffers<H> {
    pub fn new(bytes: usize, handles: usize) -> Self {
        Self {
            bytes: vec![0; bytes],
            handles: vec![H::default(); handles],
            places: (Place::Here, Place::Here),
            actual: (0, 0),
        }
    }

    fn rooms(&mut self) -> (UserOut<u8>, UserOut<H>) {
        (self.places.0.room(&mut self.bytes), self.places.1.room(&mut self.handles))
    }

    fn actual(&mut self) -> (UserOut<u32>, UserOut<u32>) {
        (Place::Here.to(&mut self.actual.0), Place::Here.to(&mut self.actual.1))
    }
}

/// `may_discard` is the option of that name.
pub fn read(channel: u32, may_discard: bool, into: &mut Buffers<u32>) -> Answer {
    let (most_bytes, most_handles) = (len(&into.bytes), len(&into.handles));
    let ((bytes, handles), actual) = (into.rooms(), into.actual());
    let options = may_discard.into();
    // SAFETY: there is room for so many bytes and handles, or there is nothing; the numbers outlive the call.
    Status::ok(unsafe {
        jacinth_calls::zx_channel_read(
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

pub fn read_etc(channel: u32, into: &mut Buffers<zx_handle_info_t>) -> Answer {
    let (most_bytes, most_handles) = (len(&into.bytes), len(&into.handles));
    let ((bytes, handles), actual) = (into.rooms(), into.actual());
    // SAFETY: there is room for so many bytes and handles, or there is nothing; the numbers outlive the call.
    Status::ok(unsafe {
        jacinth_calls::zx_channel_read_etc(
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
    let (rooms, actual) = (reply.rooms(), reply.actual());
    let args = zx_channel_call_args_t {
        wr_bytes: question.as_ptr().into(),
        wr_handles: along.as_ptr().into(),
        rd_bytes: rooms.0,
        rd_handles: rooms.1,
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
            Call::Whole => jacinth_calls::zx_channel_call(channel, 0, deadline, args, bytes, handles),
            Call::NoRetry => {
                jacinth_calls::zx_channel_call_noretry(channel, 0, deadline, args, bytes, handles)
            }
            Call::Finish => jacinth_calls::zx_channel_call_finish(deadline, args, bytes, handles),
        }
    })
}

/// The process, its job, its address space, and the calling thread.
pub fn own() -> [u32; 4] {
    // SAFETY: numbers alone.
    unsafe {
        [
            jacinth_calls::zx_process_self(),
            jacinth_calls::zx_job_default(),
            jacinth_calls::zx_vmar_root_self(),
            jacinth_calls::zx_thread_self(),
        ]
    }
}

pub fn thread_self() -> u32 {
    // SAFETY: numbers alone.
    unsafe { jacinth_calls::zx_thread_self() }
}

pub fn process_exit(code: i64) -> ! {
    // SAFETY: it needs nothing.
    unsafe { jacinth_calls::zx_process_exit(code) }
}

pub fn take_startup_handle() -> u32 {
    // SAFETY: numbers alone.
    unsafe { jacinth_calls::zx_take_startup_handle(0xf0) }
}

pub fn attach(socket: &CStr) -> Answer {
    // SAFETY: a text that ends in a NUL.
    Status::ok(unsafe { jacinth_calls::jacinth_attach(socket.as_ptr().cast::<u8>().into()) })
}

/// `place` is where the process id goes.
pub fn spawn(program: &CStr, startup: u32, place: Place) -> Answer<i32> {
    let (program, mut id) = (UserIn::from(program.as_ptr().cast::<u8>()), 0);
    // SAFETY: a text that ends in a NUL, no arguments, this program's environment, and a number that outlives the call.
    let status = unsafe {
        jacinth_calls::jacinth_spawn(program, UserIn::NULL, UserIn::NULL, startup, place.to(&mut id))
    };
    Status::ok(status).map(|()| id)
}

/// From now on [`interrupt`] interrupts this program's threads, and does nothing else.
pub fn accept_interruptions() {
    extern "C" fn nothing(_: c_int) {}
    let action = SigAction::new(SigHandler::Handler(nothing), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler does nothing.
    unsafe { sigaction(Signal::SIGUSR1, &action) }.expect("a handler");
}

/// Sends the thread a signal, wherever it is; one that has ended gets none.
pub fn interrupt(thread: i32) {
    // SAFETY: numbers alone.
    unsafe { libc::syscall(libc::SYS_tkill, thread, libc::SIGUSR1) };
}

fn len<T>(slice: &[T]) -> u32 {
    slice.len().try_into().expect("no message is that long")
}
