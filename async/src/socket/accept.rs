//! Sockets over a socket: accepting and sharing.

use super::end::End;
use crate::on_signals::OnSignals;
use jacinth::{Signals, Status};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The future of [`Socket::accept`](crate::Socket::accept).
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct Accept<'a> {
    socket: &'a jacinth::Socket,
    change: Change<'a>,
}

impl<'a> Accept<'a> {
    pub(super) fn new(end: &'a End) -> Self {
        Self { socket: &end.socket, change: Change::new(end, Signals::SOCKET_ACCEPT) }
    }
}

impl Future for Accept<'_> {
    type Output = Result<jacinth::Socket, Status>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { socket, change } = &mut *self;
        loop {
            match socket.accept() {
                // Another task or process may take the socket first.
                Err(Status::SHOULD_WAIT) => ready!(change.poll(context))?,
                accepted => return Poll::Ready(accepted),
            }
        }
    }
}

/// The future of [`Socket::share`](crate::Socket::share).
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct Share<'a> {
    socket: &'a jacinth::Socket,
    /// `None` once it is shared, or closed.
    shared: Option<jacinth::Socket>,
    change: Change<'a>,
}

impl<'a> Share<'a> {
    pub(super) fn new(end: &'a End, shared: jacinth::Socket) -> Self {
        let change = Change::new(end, Signals::SOCKET_SHARE);
        Self { socket: &end.socket, shared: Some(shared), change }
    }
}

impl Future for Share<'_> {
    type Output = Result<(), Status>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { socket, shared, change } = &mut *self;
        loop {
            let Some(next) = shared.take() else { return Poll::Ready(Err(Status::BAD_STATE)) };
            match socket.try_share(next) {
                Ok(()) => return Poll::Ready(Ok(())),
                // Another task or process may use the place first.
                Err((Status::SHOULD_WAIT, kept)) => {
                    *shared = Some(kept);
                    ready!(change.poll(context))?;
                }
                Err((status, _)) => return Poll::Ready(Err(status)),
            }
        }
    }
}

/// The change of a queue that a future waits for.
#[derive(Debug)]
struct Change<'a> {
    socket: &'a jacinth::Socket,
    signal: Signals,
    waiting: Option<OnSignals<'a>>,
}

impl<'a> Change<'a> {
    fn new(end: &'a End, signal: Signals) -> Self {
        Self { socket: &end.socket, signal, waiting: None }
    }

    /// Ready when the signal is asserted. Fails when it never will be, because the peer is closed.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Status>> {
        let Self { socket, signal, waiting } = self;
        let peer_closed = Signals::SOCKET_PEER_CLOSED;
        let on_signals = waiting.get_or_insert_with(|| OnSignals::new(*socket, *signal | peer_closed));
        let seen = ready!(Pin::new(on_signals).poll(context));
        *waiting = None;
        Poll::Ready(if seen?.contains(*signal) { Ok(()) } else { Err(Status::PEER_CLOSED) })
    }
}
