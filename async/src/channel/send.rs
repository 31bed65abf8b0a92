//! Sending a message, when there is room.

use super::end::End;
use crate::reactor::source::Place;
use jacinth::{AsHandleRef, NullableHandle, Status};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A future's place among those that wait for room. Leaves it when it is dropped.
#[derive(Debug)]
pub(super) struct Sender<'a> {
    pub(super) end: &'a End,
    place: Place,
}

impl<'a> Sender<'a> {
    pub(super) fn new(end: &'a End) -> Self {
        Self { end, place: Place::default() }
    }

    /// Tries until `send` gives something other than SHOULD_WAIT.
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
        send: impl FnMut() -> Result<(), Status>,
    ) -> Poll<Result<(), Status>> {
        let End { ready, channel, .. } = self.end;
        ready.poll_write(&channel.as_handle_ref(), context, &mut self.place, send)
    }
}

impl Drop for Sender<'_> {
    fn drop(&mut self) {
        let End { ready, channel, .. } = self.end;
        ready.leave_writable(&channel.as_handle_ref(), &mut self.place);
    }
}

/// The future of [`Channel::send`](crate::Channel::send).
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct Send<'a> {
    sender: Sender<'a>,
    bytes: &'a [u8],
    handles: &'a mut [NullableHandle],
}

impl<'a> Send<'a> {
    pub(super) fn new(end: &'a End, bytes: &'a [u8], handles: &'a mut [NullableHandle]) -> Self {
        Self { sender: Sender::new(end), bytes, handles }
    }
}

impl Future for Send<'_> {
    type Output = Result<(), Status>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { sender, bytes, handles } = &mut *self;
        let channel = &sender.end.channel;
        sender.poll(context, || channel.write(bytes, handles))
    }
}
