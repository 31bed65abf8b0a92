//! Calls over a channel: write a request and wait for the reply with the same transaction id.

use super::message::{Buffers, Handles, close_beyond, close_unsent, error_before_bad_memory, message_bytes};
use crate::call_macro::calls;
use crate::process::entry::enter;
use crate::types::{zx_channel_call_args_t, zx_handle_t, zx_time_t};
use crate::user_memory::{UserIn, UserOut};
use arrayvec::ArrayVec;
use jacinth::{MonotonicInstant, Rights, Status, raw};

calls! {
    /// Writes a message and waits for its reply.
    fn zx_channel_call, _zx_channel_call(
        handle: zx_handle_t,
        options: u32,
        deadline: zx_time_t,
        args: UserIn<zx_channel_call_args_t>,
        actual_bytes: UserOut<u32>,
        actual_handles: UserOut<u32>,
    ) {
        enter()?;
        let actual = ReplySizes { bytes: actual_bytes, handles: actual_handles };
        Call { handle, options, deadline, on_signal: OnSignal::WaitOn }.run(args, actual)
    }

    /// The same, except that it returns `ZX_ERR_INTERNAL_INTR_RETRY` if a signal handler interrupts it after the message
    /// is sent.
    fn zx_channel_call_noretry, _zx_channel_call_noretry(
        handle: zx_handle_t,
        options: u32,
        deadline: zx_time_t,
        args: UserIn<zx_channel_call_args_t>,
        actual_bytes: UserOut<u32>,
        actual_handles: UserOut<u32>,
    ) {
        enter()?;
        let actual = ReplySizes { bytes: actual_bytes, handles: actual_handles };
        Call { handle, options, deadline, on_signal: OnSignal::Return }.run(args, actual)
    }

    /// Waits further for the reply of an interrupted call.
    fn zx_channel_call_finish, _zx_channel_call_finish(
        deadline: zx_time_t,
        args: UserIn<zx_channel_call_args_t>,
        actual_bytes: UserOut<u32>,
        actual_handles: UserOut<u32>,
    ) {
        enter()?;
        let mut reply = reply_buffers(&args.load()?);
        let actual = ReplySizes { bytes: actual_bytes, handles: actual_handles };
        actual.check()?;
        let result = raw::call_finish(MonotonicInstant::from_nanos(deadline), &mut reply);
        finish(IsSent(true), result, &reply, actual)
    }
}

/// The outputs of a call: the sizes of the reply.
#[derive(Clone, Copy)]
struct ReplySizes {
    bytes: UserOut<u32>,
    handles: UserOut<u32>,
}

impl ReplySizes {
    fn check(self) -> Result<(), Status> {
        self.bytes.check()?;
        self.handles.check()
    }

    fn store(self, reply: &Buffers<zx_handle_t>) -> Result<(), Status> {
        // A message has at most 65,536 bytes and 64 handles.
        self.bytes.store(reply.received_bytes() as u32)?;
        self.handles.store(reply.received_handles() as u32)
    }
}

/// The reaction of a call to a signal handler that interrupts its wait.
#[derive(Clone, Copy)]
enum OnSignal {
    WaitOn,
    Return,
}

/// Whether the request of a call was sent.
#[derive(Clone, Copy)]
struct IsSent(bool);

#[derive(Clone, Copy)]
struct Call {
    handle: zx_handle_t,
    options: u32,
    deadline: zx_time_t,
    on_signal: OnSignal,
}

impl Call {
    fn run(self, args: UserIn<zx_channel_call_args_t>, actual: ReplySizes) -> Result<(), Status> {
        let args = args.load()?;
        let bad_memory = |_| self.error_before_bad_memory(&args);
        let mut handles = Handles::new();
        args.wr_handles.load_into(args.wr_num_handles as usize, &mut handles).map_err(bad_memory)?;
        // From here on the call consumes the handles, also when it fails.
        let called = self.run_with(&args, &handles, actual);
        close_beyond(&handles, args.wr_handles, args.wr_num_handles);
        called
    }

    fn run_with(
        self,
        args: &zx_channel_call_args_t,
        handles: &[zx_handle_t],
        actual: ReplySizes,
    ) -> Result<(), Status> {
        let checked = match self.options {
            0 => actual.check().map_err(|_| self.error_before_bad_memory(args)),
            _ => Err(Status::INVALID_ARGS),
        };
        let bytes = checked.and_then(|()| {
            message_bytes(args.wr_bytes, args.wr_num_bytes).map_err(|_| self.error_before_bad_memory(args))
        });
        let bytes = bytes.inspect_err(|_| close_unsent(handles))?;
        let mut reply = reply_buffers(args);
        let (is_sent, result) = if reply.overlap(bytes) {
            // A reply must not be written into bytes that are borrowed as the request.
            match ArrayVec::<u8, 256>::try_from(bytes) {
                Ok(copy) => self.send(&copy, handles, &mut reply),
                Err(_) => {
                    let copy = bytes.to_vec();
                    self.send(&copy, handles, &mut reply)
                }
            }
        } else {
            self.send(bytes, handles, &mut reply)
        };
        finish(is_sent, result, &reply, actual)
    }

    /// The status of a call whose memory is bad.
    fn error_before_bad_memory(self, args: &zx_channel_call_args_t) -> Status {
        let both = Rights::READ | Rights::WRITE;
        error_before_bad_memory(self.handle, both, args.wr_num_bytes, args.wr_num_handles)
    }

    fn send(
        self,
        bytes: &[u8],
        handles: &[zx_handle_t],
        reply: &mut Buffers<zx_handle_t>,
    ) -> (IsSent, Result<(), Status>) {
        let deadline = MonotonicInstant::from_nanos(self.deadline);
        let (sent, result) = match self.on_signal {
            OnSignal::WaitOn => raw::call(self.handle, deadline, bytes, handles, reply),
            OnSignal::Return => raw::call_noretry(self.handle, deadline, bytes, handles, reply),
        };
        (IsSent(sent.is_ok()), result)
    }
}

fn reply_buffers(args: &zx_channel_call_args_t) -> Buffers<zx_handle_t> {
    Buffers::new(args.rd_bytes, args.rd_num_bytes, args.rd_handles, args.rd_num_handles)
}

fn finish(
    is_sent: IsSent,
    result: Result<(), Status>,
    reply: &Buffers<zx_handle_t>,
    actual: ReplySizes,
) -> Result<(), Status> {
    match result {
        Ok(()) => actual.store(reply),
        // As in Zircon, a reply that cannot be stored is lost.
        Err(Status::BUFFER_TOO_SMALL) if reply.has_bad_memory() => Err(Status::INVALID_ARGS),
        // NO_RESOURCES promises that no request was sent and that the handles stay. Here the request was sent, and the table
        // is too full for the reply, which stays in the channel.
        Err(Status::NO_RESOURCES) if is_sent.0 => Err(Status::NO_MEMORY),
        error => error,
    }
}
