//! The next message.

use super::end::End;
use crate::reactor::places::Reader;
use jacinth::{AsHandleRef, MessageBuf, Status};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A future's place among those that wait for a message.
#[derive(Debug)]
pub(super) struct Receiver<'a> {
    pub(super) end: &'a End,
    reader: Reader<'a>,
}

impl<'a> Receiver<'a> {
    pub(super) fn new(end: &'a End) -> Self {
        Self { end, reader: Reader::new(&end.ready, end.channel.as_handle_ref()) }
    }

    /// Tries until `receive` gives something other than SHOULD_WAIT.
    pub(super) fn poll<T>(
        &mut self,
        context: &Context<'_>,
        receive: impl FnMut() -> Result<T, Status>,
    ) -> Poll<Result<T, Status>> {
        self.reader.poll(context, receive)
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
