//! The messages as a stream.

use super::end::End;
use super::recv::Receiver;
use futures_core::Stream;
use jacinth::{MessageBuf, Status};
use std::pin::Pin;
use std::task::{Context, Poll};

/// The stream of [`Channel::messages`](crate::Channel::messages).
#[derive(Debug)]
#[must_use = "streams do nothing unless they are polled"]
pub struct Messages<'a> {
    receiver: Receiver<'a>,
    has_ended: bool,
}

impl<'a> Messages<'a> {
    pub(super) fn new(end: &'a End) -> Self {
        Self { receiver: Receiver::new(end), has_ended: false }
    }
}

impl Stream for Messages<'_> {
    type Item = Result<MessageBuf, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        let end = self.receiver.end;
        let mut message = MessageBuf::new();
        match self.receiver.poll(context, || end.try_receive(&mut message)) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(())) => Poll::Ready(Some(Ok(message))),
            Poll::Ready(Err(status)) => {
                // After an error too: the next look would find the same.
                self.has_ended = true;
                Poll::Ready((status != Status::PEER_CLOSED).then_some(Err(status)))
            }
        }
    }
}
