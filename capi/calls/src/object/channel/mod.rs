//! Channels.

use crate::arena::enter;
use crate::object::handle::{give_both, require};
use crate::types::{zx_channel_call_args_t, zx_handle_info_t, zx_handle_t, zx_time_t};
use crate::user_memory::{Checked, Plain, UserIn, UserOut};
use jacinth::{MAX_MSG_BYTES, MAX_MSG_HANDLES, MonotonicInstant, ObjectType, Rights, Status, TooSmall, raw};
use smallvec::SmallVec;
use std::cell::Cell;
use std::mem::MaybeUninit;

/// `ZX_CHANNEL_READ_MAY_DISCARD`.
const MAY_DISCARD: u32 = 1;

calls! {
    /// Makes a channel.
    fn zx_channel_create, _zx_channel_create(
        options: u32,
        out0: UserOut<zx_handle_t>,
        out1: UserOut<zx_handle_t>,
    ) {
        if options != 0 {
            return Err(Status::INVALID_ARGS);
        }
        enter()?;
        let ends = raw::create(raw::Shape::Channel, ObjectType::CHANNEL, Rights::CHANNEL_DEFAULT)?;
        give_both(ends, out0, out1)
    }

    /// Reads the next message.
    fn zx_channel_read, _zx_channel_read(
        handle: zx_handle_t,
        options: u32,
        bytes: UserOut<u8>,
        handles: UserOut<zx_handle_t>,
        num_bytes: u32,
        num_handles: u32,
        actual_bytes: UserOut<u32>,
        actual_handles: UserOut<u32>,
    ) {
        enter()?;
        let sizes = Sizes::of(handle, actual_bytes, actual_handles)?;
        read(handle, options, Buffers::new(bytes, num_bytes, handles, num_handles), sizes)
    }

    /// Reads the next message; each handle comes with its type and rights.
    fn zx_channel_read_etc, _zx_channel_read_etc(
        handle: zx_handle_t,
        options: u32,
        bytes: UserOut<u8>,
        handles: UserOut<zx_handle_info_t>,
        num_bytes: u32,
        num_handles: u32,
        actual_bytes: UserOut<u32>,
        actual_handles: UserOut<u32>,
    ) {
        enter()?;
        let sizes = Sizes::of(handle, actual_bytes, actual_handles)?;
        read(handle, options, Buffers::new(bytes, num_bytes, handles, num_handles), sizes)
    }

    /// Writes a message.
    fn zx_channel_write, _zx_channel_write(
        handle: zx_handle_t,
        options: u32,
        bytes: UserIn<u8>,
        num_bytes: u32,
        handles: UserIn<zx_handle_t>,
        num_handles: u32,
    ) {
        enter()?;
        let nowhere = |_| what_is_wrong(handle, Rights::WRITE, num_bytes, num_handles);
        if num_handles == 0 && options == 0 {
            return raw::channel_write(handle, message(bytes, num_bytes).map_err(nowhere)?, &[]);
        }
        let handles = handles.copy(num_handles as usize).map_err(nowhere)?;
        let checked = if options == 0 { Ok(()) } else { Err(Status::INVALID_ARGS) };
        let bytes = checked.and_then(|()| message(bytes, num_bytes).map_err(nowhere));
        raw::channel_write(handle, bytes.inspect_err(|_| discard(&handles))?, &handles)
    }

    /// Writes a message and waits for the one that answers it.
    fn zx_channel_call, _zx_channel_call(
        handle: zx_handle_t,
        options: u32,
        deadline: zx_time_t,
        args: UserIn<zx_channel_call_args_t>,
        actual_bytes: UserOut<u32>,
        actual_handles: UserOut<u32>,
    ) {
        enter()?;
        let actual = Actual { bytes: actual_bytes, handles: actual_handles };
        call(handle, options, args, actual, |bytes, handles, reply| {
            raw::call(handle, MonotonicInstant::from_nanos(deadline), bytes, handles, reply)
        })
    }

    /// The same, but it gives `ZX_ERR_INTERNAL_INTR_RETRY` when a signal handler interrupted it, once the message is sent.
    fn zx_channel_call_noretry, _zx_channel_call_noretry(
        handle: zx_handle_t,
        options: u32,
        deadline: zx_time_t,
        args: UserIn<zx_channel_call_args_t>,
        actual_bytes: UserOut<u32>,
        actual_handles: UserOut<u32>,
    ) {
        enter()?;
        let actual = Actual { bytes: actual_bytes, handles: actual_handles };
        call(handle, options, args, actual, |bytes, handles, reply| {
            raw::call_noretry(handle, MonotonicInstant::from_nanos(deadline), bytes, handles, reply)
        })
    }

    /// Goes on waiting for the answer.
    fn zx_channel_call_finish, _zx_channel_call_finish(
        deadline: zx_time_t,
        args: UserIn<zx_channel_call_args_t>,
        actual_bytes: UserOut<u32>,
        actual_handles: UserOut<u32>,
    ) {
        enter()?;
        let mut reply = Buffers::of_reply(&args.load()?);
        let actual = Actual { bytes: actual_bytes, handles: actual_handles };
        actual.check()?;
        let result = raw::call_finish(MonotonicInstant::from_nanos(deadline), &mut reply);
        finish(Ok(()), result, &reply, actual)
    }
}

/// A message longer than any may be: what stands for one that nobody will look into.
static TOO_LONG: [u8; MAX_MSG_BYTES + 1] = [0; MAX_MSG_BYTES + 1];

fn message<'a>(bytes: UserIn<u8>, num_bytes: u32) -> Result<&'a [u8], Status> {
    // What is wrong with the channel counts for more than the message's length: so it is looked at by whoever looks at both.
    if num_bytes as usize > MAX_MSG_BYTES { Ok(&TOO_LONG) } else { bytes.slice(num_bytes as usize) }
}

/// Why a message cannot be sent whose bytes or handles are nowhere: that, or what Zircon looks at before it looks at those.
#[cold]
fn what_is_wrong(handle: zx_handle_t, rights: Rights, num_bytes: u32, num_handles: u32) -> Status {
    let too_long = num_bytes as usize > MAX_MSG_BYTES || num_handles as usize > MAX_MSG_HANDLES;
    match require(handle, ObjectType::CHANNEL, rights) {
        Err(status) => status,
        Ok(()) if too_long => Status::OUT_OF_RANGE,
        Ok(()) => Status::INVALID_ARGS,
    }
}

/// Closes the handles of a message that is not sent.
#[cold]
fn discard(handles: &[zx_handle_t]) {
    // Those that are no handles are no loss.
    let _ = raw::close_many(handles);
}

/// Where a call says how long the reply was.
#[derive(Clone, Copy)]
struct Actual {
    bytes: UserOut<u32>,
    handles: UserOut<u32>,
}

impl Actual {
    fn check(self) -> Result<(), Status> {
        self.bytes.check()?;
        self.handles.check()
    }

    fn store(self, bytes: usize, handles: usize) -> Result<(), Status> {
        // Both are far below what 32 bits hold.
        self.bytes.store(bytes as u32)?;
        self.handles.store(handles as u32)
    }
}

/// Where a read says how long the message was, if anybody wants to know.
#[derive(Clone, Copy)]
struct Sizes {
    bytes: Checked<u32>,
    handles: Checked<u32>,
}

impl Sizes {
    #[inline]
    fn of(handle: zx_handle_t, bytes: UserOut<u32>, handles: UserOut<u32>) -> Result<Self, Status> {
        let nowhere = |_| what_is_wrong(handle, Rights::READ, 0, 0);
        let bytes = bytes.check_optional().map_err(nowhere)?;
        Ok(Self { bytes, handles: handles.check_optional().map_err(nowhere)? })
    }

    #[inline]
    fn store(self, actual: raw::Actual) {
        // Both are far below what 32 bits hold.
        self.bytes.store(actual.bytes as u32);
        self.handles.store(actual.handles as u32);
    }
}

/// How a call gives a handle that it has received.
trait Arrived: Plain {
    fn arrived(received: raw::Received) -> Self;
}

impl Arrived for zx_handle_t {
    fn arrived(received: raw::Received) -> Self {
        received.value
    }
}

impl Arrived for zx_handle_info_t {
    fn arrived(received: raw::Received) -> Self {
        Self { handle: received.value, r#type: received.kind.into(), rights: received.rights, unused: 0 }
    }
}

/// The caller's buffers, looked into only once a message is known to fit.
struct Buffers<H> {
    bytes: UserOut<u8>,
    num_bytes: usize,
    handles: UserOut<H>,
    num_handles: usize,
    /// How many bytes of the message are there.
    filled: usize,
    /// How many of its handles are.
    received: usize,
    /// The message would fit, but not where the caller says.
    is_nowhere: Cell<bool>,
}

impl<H: Arrived> Buffers<H> {
    #[inline]
    fn new(bytes: UserOut<u8>, num_bytes: u32, handles: UserOut<H>, num_handles: u32) -> Self {
        let (num_bytes, num_handles) = (num_bytes as usize, num_handles as usize);
        Self { bytes, num_bytes, handles, num_handles, filled: 0, received: 0, is_nowhere: Cell::new(false) }
    }
}

impl Buffers<zx_handle_t> {
    fn of_reply(args: &zx_channel_call_args_t) -> Self {
        let (bytes, handles) = (UserOut(args.rd_bytes.cast()), UserOut(args.rd_handles));
        Self::new(bytes, args.rd_num_bytes, handles, args.rd_num_handles)
    }
}

// SAFETY: what is done with the caller's pointers neither panics nor waits.
unsafe impl<H: Arrived> raw::Sink for Buffers<H> {
    #[inline(always)]
    fn room(&mut self, len: usize) -> Option<&mut [MaybeUninit<u8>]> {
        if len > self.num_bytes {
            return None;
        }
        let room = self.bytes.room(len).ok();
        self.is_nowhere.set(self.is_nowhere.get() || room.is_none());
        room
    }

    #[inline(always)]
    fn takes_handles(&self, count: usize) -> bool {
        if count > self.num_handles {
            return false;
        }
        let is_there = count == 0 || self.handles.is_writable(count);
        self.is_nowhere.set(self.is_nowhere.get() || !is_there);
        is_there
    }

    #[inline(always)]
    unsafe fn filled(&mut self, len: usize) {
        self.filled = len;
    }

    fn handle(&mut self, handle: raw::Received) {
        // There is room for it: `takes_handles` has looked.
        let _ = self.handles.at(self.received).store(H::arrived(handle));
        self.received += 1;
    }
}

#[inline]
fn read<H: Arrived>(
    handle: zx_handle_t,
    options: u32,
    mut buffers: Buffers<H>,
    sizes: Sizes,
) -> Result<(), Status> {
    if options & !MAY_DISCARD != 0 {
        return require(handle, ObjectType::CHANNEL, Rights::READ).and(Err(Status::NOT_SUPPORTED));
    }
    let (result, actual) = raw::receive(handle, TooSmall::Keep, &mut buffers);
    match result {
        Ok(()) => sizes.store(actual),
        Err(Status::BUFFER_TOO_SMALL) => return too_small(handle, options, buffers, actual, sizes),
        Err(_) => {}
    }
    result
}

/// A message that would not fit, or fit where nothing is. What leads nowhere costs nobody a message: so only one that is
/// really too large is discarded, by another look.
#[cold]
fn too_small<H: Arrived>(
    handle: zx_handle_t,
    options: u32,
    mut buffers: Buffers<H>,
    mut actual: raw::Actual,
    sizes: Sizes,
) -> Result<(), Status> {
    let mut result = Err(Status::BUFFER_TOO_SMALL);
    if options & MAY_DISCARD != 0 && !buffers.is_nowhere.get() {
        // Another thread may have read it meanwhile: then this is the next one.
        (result, actual) = raw::receive(handle, TooSmall::Discard, &mut buffers);
    }
    match result {
        Err(Status::BUFFER_TOO_SMALL) if buffers.is_nowhere.get() => return Err(Status::INVALID_ARGS),
        Ok(()) | Err(Status::BUFFER_TOO_SMALL) => sizes.store(actual),
        Err(_) => {}
    }
    result
}

fn call(
    handle: zx_handle_t,
    options: u32,
    args: UserIn<zx_channel_call_args_t>,
    actual: Actual,
    run: impl FnOnce(&[u8], &[zx_handle_t], &mut Buffers<zx_handle_t>) -> (Result<(), Status>, Result<(), Status>),
) -> Result<(), Status> {
    let args = args.load()?;
    let nowhere =
        |_| what_is_wrong(handle, Rights::READ | Rights::WRITE, args.wr_num_bytes, args.wr_num_handles);
    let handles = UserIn(args.wr_handles).copy(args.wr_num_handles as usize).map_err(nowhere)?;
    let checked = if options == 0 { actual.check().map_err(nowhere) } else { Err(Status::INVALID_ARGS) };
    let bytes =
        checked.and_then(|()| message(UserIn(args.wr_bytes.cast()), args.wr_num_bytes).map_err(nowhere));
    let bytes = bytes.inspect_err(|_| discard(&handles))?;
    let mut reply = Buffers::of_reply(&args);
    let (sent, result) = if overlaps(bytes, &reply) {
        // The reply is written where the request is read.
        run(&SmallVec::<[u8; 256]>::from_slice(bytes), &handles, &mut reply)
    } else {
        run(bytes, &handles, &mut reply)
    };
    finish(sent, result, &reply, actual)
}

fn overlaps(request: &[u8], reply: &Buffers<zx_handle_t>) -> bool {
    let request = request.as_ptr_range();
    let (bytes, handles) = (reply.bytes.0.cast_const(), reply.handles.0.cast_const().cast::<u8>());
    let handles_end = reply.handles.at(reply.num_handles).0.cast_const().cast::<u8>();
    let meets = |start: *const u8, end: *const u8| start < request.end && request.start < end;
    meets(bytes, bytes.wrapping_add(reply.num_bytes)) || meets(handles, handles_end)
}

fn finish(
    sent: Result<(), Status>,
    result: Result<(), Status>,
    reply: &Buffers<zx_handle_t>,
    actual: Actual,
) -> Result<(), Status> {
    match result {
        Ok(()) => actual.store(reply.filled, reply.received),
        // As in Zircon, a reply that cannot be given is gone.
        Err(Status::BUFFER_TOO_SMALL) if reply.is_nowhere.get() => Err(Status::INVALID_ARGS),
        // NO_RESOURCES says that nothing was sent, and leaves the handles. It was sent: what there is no room for is the
        // reply, which stays.
        Err(Status::NO_RESOURCES) if sent.is_ok() => Err(Status::NO_MEMORY),
        error => error,
    }
}
