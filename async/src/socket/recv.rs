//! Reading: a future, and a stream of datagrams.

use super::end::{End, is_end};
use crate::reactor::places::Reader;
use futures_core::Stream;
use jacinth::{Status, raw};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The future of [`Socket::recv`](crate::Socket::recv).
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct Recv<'a> {
    reader: Reader<'a>,
    socket: &'a jacinth::Socket,
    bytes: &'a mut [u8],
}

impl<'a> Recv<'a> {
    pub(super) fn new(end: &'a End, bytes: &'a mut [u8]) -> Self {
        Self { reader: end.reader(), socket: &end.socket, bytes }
    }
}

impl Future for Recv<'_> {
    type Output = Result<usize, Status>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { reader, socket, bytes } = &mut *self;
        reader.poll(context, || socket.read(bytes))
    }
}

/// The stream of [`Socket::datagrams`](crate::Socket::datagrams).
#[derive(Debug)]
#[must_use = "streams do nothing unless they are polled"]
pub struct Datagrams<'a> {
    reader: Reader<'a>,
    socket: &'a jacinth::Socket,
    /// Room for the largest datagram. The system gives pages only for the part that was ever used.
    room: Box<[u8]>,
    has_ended: bool,
}

impl<'a> Datagrams<'a> {
    pub(super) fn new(end: &'a End) -> Self {
        let room = vec![0; raw::MAX_SOCKET_BYTES].into_boxed_slice();
        Self { reader: end.reader(), socket: &end.socket, room, has_ended: false }
    }
}

impl Stream for Datagrams<'_> {
    type Item = Result<Vec<u8>, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { reader, socket, room, has_ended } = &mut *self;
        if *has_ended {
            return Poll::Ready(None);
        }
        Poll::Ready(match ready!(reader.poll(context, || socket.read(room))) {
            Ok(actual) => Some(Ok(room[..actual].to_vec())),
            Err(status) => {
                // After an error too: the next look would find the same.
                *has_ended = true;
                (!is_end(status)).then_some(Err(status))
            }
        })
    }
}
