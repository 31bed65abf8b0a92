//! The next message.

use super::end::End;
use crate::reactor::source::Place;
use jacinth::{AsHandleRef, MessageBuf, Status};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A future's place among those that wait for a message. Leaves it when it is dropped.
#[derive(Debug)]
pub(super) struct Receiver<'a> {
    pub(super) end: &'a End,
    place: Place,
}

impl<'a> Receiver<'a> {
    pub(super) fn new(end: &'a End) -> Self {
        Self { end, place: Place::default() }
    }

    /// Tries until `receive` gives something other than SHOULD_WAIT.
    pub(super) fn poll<T>(
        &mut self,
        context: &Context<'_>,
        mut receive: impl FnMut() -> Result<T, Status>,
    ) -> Poll<Result<T, Status>> {
        let End { ready, channel, .. } = self.end;
        loop {
            let seen = ready.readable();
            match receive() {
                Err(Status::SHOULD_WAIT) => {}
                received => return Poll::Ready(received),
            }
            if ready.wait_readable(&channel.as_handle_ref(), context, &mut self.place, seen)? {
                return Poll::Pending;
            }
        }
    }
}

impl Drop for Receiver<'_> {
    fn drop(&mut self) {
        self.end.ready.leave_readable(&mut self.place);
    }
}

/// The future of [`Channel::recv`](crate::Channel::recv).
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct Recv<'a>(Receiver<'a>);

impl<'a> Recv<'a> {
    pub(super) fn new(end: &'a End) -> Self {
        Self(Receiver::new(end))
    }
}

impl Future for Recv<'_> {
    type Output = Result<MessageBuf, Status>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let end = self.0.end;
        let mut message = MessageBuf::new();
        let polled = self.0.poll(context, || end.try_receive(&mut message));
        polled.map_ok(|()| message)
    }
}

/// The future of [`Channel::recv_into`](crate::Channel::recv_into).
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct RecvInto<'a> {
    receiver: Receiver<'a>,
    message: &'a mut MessageBuf,
}

impl<'a> RecvInto<'a> {
    pub(super) fn new(end: &'a End, message: &'a mut MessageBuf) -> Self {
        Self { receiver: Receiver::new(end), message }
    }
}

impl Future for RecvInto<'_> {
    type Output = Result<(), Status>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { receiver, message } = &mut *self;
        let end = receiver.end;
        receiver.poll(context, || end.try_receive(message))
    }
}
