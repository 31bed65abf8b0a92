//! A sink of messages.

use super::end::End;
use super::send::Sender;
use futures_sink::Sink;
use jacinth::{MessageBuf, Status};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The sink of [`Channel::sink`](crate::Channel::sink).
#[derive(Debug)]
#[must_use = "sinks do nothing unless they are polled"]
pub struct MessageSink<'a> {
    sender: Sender<'a>,
    next: Option<MessageBuf>,
}

impl<'a> MessageSink<'a> {
    pub(super) fn new(end: &'a End) -> Self {
        Self { sender: Sender::new(end), next: None }
    }
}

impl Sink<MessageBuf> for MessageSink<'_> {
    type Error = Status;

    fn poll_ready(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Status>> {
        self.poll_flush(context)
    }

    fn start_send(mut self: Pin<&mut Self>, message: MessageBuf) -> Result<(), Status> {
        self.next = Some(message);
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Status>> {
        let Self { sender, next } = &mut *self;
        let Some(message) = next else { return Poll::Ready(Ok(())) };
        let channel = &sender.end.channel;
        let (bytes, handles) = message.split_mut();
        let sent = ready!(sender.poll(context, || channel.write(bytes, handles)));
        *next = None;
        Poll::Ready(sent)
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Status>> {
        self.poll_flush(context)
    }
}
