//! The parts of an end that its futures use.

use crate::reactor::places::{Reader, Writer};
use crate::reactor::ready::Ready;
use jacinth::{AsHandleRef, Status};

/// An end of a socket, and what its futures share.
#[derive(Debug)]
pub(super) struct End {
    /// Before the socket: its keys are taken back before the handle is closed.
    pub(super) ready: Ready,
    pub(super) socket: jacinth::Socket,
}

impl End {
    pub(super) fn reader(&self) -> Reader<'_> {
        Reader::new(&self.ready, self.socket.as_handle_ref())
    }

    pub(super) fn writer(&self) -> Writer<'_> {
        Writer::new(&self.ready, self.socket.as_handle_ref())
    }
}

/// Whether a read gives this status because all was read: the peer is closed, or a shutdown has ended the direction. A process
/// without an arena, whose calls give BAD_STATE too, knows nothing of the end.
pub(super) fn is_end(status: Status) -> bool {
    status == Status::PEER_CLOSED || status == Status::BAD_STATE && jacinth::is_attached()
}
