//! `AsyncRead` and `AsyncWrite`, of the futures crates and of tokio.

use super::end::{End, is_end};
use crate::reactor::source::Place;
use jacinth::AsHandleRef;
use std::io;
use std::task::{Context, Poll, ready};

/// An end of a socket by reference, with the traits [`futures_io::AsyncRead`] and [`futures_io::AsyncWrite`], and those of tokio with
/// the feature `tokio`: [`Socket::io`](crate::Socket::io). Each of any number of tasks has its own, as they have no place in a `&Socket`.
#[derive(Debug)]
pub struct SocketIo<'a> {
    end: &'a End,
    places: Places,
}

impl<'a> SocketIo<'a> {
    pub(super) fn new(end: &'a End) -> Self {
        Self { end, places: Places::default() }
    }
}

impl Drop for SocketIo<'_> {
    fn drop(&mut self) {
        let Self { end, places: Places { read, write } } = self;
        let handle = end.socket.as_handle_ref();
        end.ready.leave_readable(&handle, read);
        end.ready.leave_writable(&handle, write);
    }
}

/// The places of the one task that reads, and of the one that writes.
#[derive(Debug, Default)]
pub(super) struct Places {
    read: Place,
    write: Place,
}

impl Places {
    pub(super) fn poll_read(
        &mut self,
        end: &End,
        context: &Context<'_>,
        bytes: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let handle = end.socket.as_handle_ref();
        let read = || end.socket.read(bytes);
        Poll::Ready(match ready!(end.ready.poll_read(&handle, context, &mut self.read, read)) {
            Err(status) if is_end(status) => Ok(0),
            read => read.map_err(Into::into),
        })
    }

    pub(super) fn poll_write(
        &mut self,
        end: &End,
        context: &Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let handle = end.socket.as_handle_ref();
        let write = || end.socket.write(bytes);
        end.ready.poll_write(&handle, context, &mut self.write, write).map_err(Into::into)
    }
}

/// A write is in the socket at once, so there is nothing to be flushed. Closing ends writing, and the rest can still be read.
macro_rules! reads_and_writes {
    ($Io:ty) => {
        const _: () = {
            use std::io;
            use std::pin::Pin;
            #[cfg(feature = "tokio")]
            use std::task::ready;
            use std::task::{Context, Poll};

            impl futures_io::AsyncRead for $Io {
                fn poll_read(
                    mut self: Pin<&mut Self>,
                    context: &mut Context<'_>,
                    bytes: &mut [u8],
                ) -> Poll<io::Result<usize>> {
                    let Self { end, places } = &mut *self;
                    places.poll_read(end, context, bytes)
                }
            }

            impl futures_io::AsyncWrite for $Io {
                fn poll_write(
                    mut self: Pin<&mut Self>,
                    context: &mut Context<'_>,
                    bytes: &[u8],
                ) -> Poll<io::Result<usize>> {
                    let Self { end, places } = &mut *self;
                    places.poll_write(end, context, bytes)
                }

                fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
                    Poll::Ready(Ok(()))
                }

                fn poll_close(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
                    Poll::Ready(self.end.socket.half_close().map_err(Into::into))
                }
            }

            #[cfg(feature = "tokio")]
            impl tokio::io::AsyncRead for $Io {
                fn poll_read(
                    mut self: Pin<&mut Self>,
                    context: &mut Context<'_>,
                    bytes: &mut tokio::io::ReadBuf<'_>,
                ) -> Poll<io::Result<()>> {
                    let Self { end, places } = &mut *self;
                    let actual = ready!(places.poll_read(end, context, bytes.initialize_unfilled()))?;
                    bytes.advance(actual);
                    Poll::Ready(Ok(()))
                }
            }

            #[cfg(feature = "tokio")]
            impl tokio::io::AsyncWrite for $Io {
                fn poll_write(
                    self: Pin<&mut Self>,
                    context: &mut Context<'_>,
                    bytes: &[u8],
                ) -> Poll<io::Result<usize>> {
                    futures_io::AsyncWrite::poll_write(self, context, bytes)
                }

                fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
                    futures_io::AsyncWrite::poll_flush(self, context)
                }

                fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
                    futures_io::AsyncWrite::poll_close(self, context)
                }
            }
        };
    };
}

pub(super) use reads_and_writes;

reads_and_writes!(SocketIo<'_>);
