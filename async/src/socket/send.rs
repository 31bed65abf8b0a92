//! Writing: futures, and a sink.

use super::end::End;
use crate::reactor::places::Writer;
use futures_sink::Sink;
use jacinth::Status;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The future of [`Socket::send`](crate::Socket::send).
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct Send<'a> {
    sender: Sender<'a>,
    bytes: &'a [u8],
}

impl<'a> Send<'a> {
    pub(super) fn new(end: &'a End, bytes: &'a [u8]) -> Self {
        Self { sender: Sender::new(end), bytes }
    }
}

impl Future for Send<'_> {
    type Output = Result<usize, Status>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { sender, bytes } = &mut *self;
        sender.poll(context, bytes)
    }
}

/// The future of [`Socket::send_all`](crate::Socket::send_all).
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct SendAll<'a> {
    sender: Sender<'a>,
    bytes: &'a [u8],
    sent: usize,
}

impl<'a> SendAll<'a> {
    pub(super) fn new(end: &'a End, bytes: &'a [u8]) -> Self {
        Self { sender: Sender::new(end), bytes, sent: 0 }
    }
}

impl Future for SendAll<'_> {
    type Output = Result<(), Status>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { sender, bytes, sent } = &mut *self;
        sender.poll_all(context, bytes, sent)
    }
}

/// The sink of [`Socket::sink`](crate::Socket::sink).
#[derive(Debug)]
#[must_use = "sinks do nothing unless they are polled"]
pub struct SocketSink<'a, T> {
    sender: Sender<'a>,
    next: Option<T>,
    /// How many bytes of the next item are sent.
    sent: usize,
}

impl<'a, T> SocketSink<'a, T> {
    pub(super) fn new(end: &'a End) -> Self {
        Self { sender: Sender::new(end), next: None, sent: 0 }
    }
}

/// No item is pinned.
impl<T> Unpin for SocketSink<'_, T> {}

impl<T: AsRef<[u8]>> Sink<T> for SocketSink<'_, T> {
    type Error = Status;

    fn poll_ready(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Status>> {
        self.poll_flush(context)
    }

    fn start_send(mut self: Pin<&mut Self>, item: T) -> Result<(), Status> {
        (self.next, self.sent) = (Some(item), 0);
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Status>> {
        let Self { sender, next, sent } = &mut *self;
        let Some(item) = next else { return Poll::Ready(Ok(())) };
        let all = ready!(sender.poll_all(context, item.as_ref(), sent));
        *next = None;
        Poll::Ready(all)
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Status>> {
        self.poll_flush(context)
    }
}

/// What writes to the socket for a future, or for a sink.
#[derive(Debug)]
struct Sender<'a> {
    writer: Writer<'a>,
    socket: &'a jacinth::Socket,
}

impl<'a> Sender<'a> {
    fn new(end: &'a End) -> Self {
        Self { writer: end.writer(), socket: &end.socket }
    }

    fn poll(&mut self, context: &Context<'_>, bytes: &[u8]) -> Poll<Result<usize, Status>> {
        let Self { writer, socket } = self;
        writer.poll(context, || socket.write(bytes))
    }

    /// Writes what is left after the first `sent` bytes.
    fn poll_all(
        &mut self,
        context: &Context<'_>,
        bytes: &[u8],
        sent: &mut usize,
    ) -> Poll<Result<(), Status>> {
        loop {
            *sent += ready!(self.poll(context, &bytes[*sent..]))?;
            if *sent >= bytes.len() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}
