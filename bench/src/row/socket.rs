//! Rows of sockets.

use super::definition::{Condition, Row};
use crate::measure::jacinth::socket::shared::SharedSocket;
use crate::measure::jacinth::socket::{BesideSocket, SocketCreateClose, SocketEnd};
use crate::measure::limit::kernel::SocketPair;
use crate::measure::limit::ring::Ring;
use crate::measure::peer::unix::shared_stream::SharedUnixStream;
use crate::measure::peer::unix::stream::UnixStream;
use crate::measure::peer::{Blocking, Spinning};
use crate::measure::shared::Shared;
use crate::measure::{Alone, RoundTrip, Stream};

const KIB_4: usize = 4 * 1024;
const KIB_64: usize = 64 * 1024;

static RATE: Stream<SocketEnd<Spinning>, KIB_64> = Stream::new("socket_stream_rate");
static RATE_SLEEPING: Stream<SocketEnd<Blocking>, KIB_64> = Stream::new("stream_64KiB");
/// As many bytes as a socket holds, but for less than one slot.
static RING: Stream<Ring<KIB_64, 4>, KIB_64> = Stream::new("stream_64KiB");
static UNIX: Stream<UnixStream<Spinning>, KIB_64> = Stream::new("stream_64KiB");
static UNIX_SLEEPING: Stream<UnixStream<Blocking>, KIB_64> = Stream::new("stream_64KiB");
static SHARED: Shared<SharedSocket, KIB_4> = Shared::new("socket_shared_4");
static UNIX_SHARED: Shared<SharedUnixStream, KIB_4> = Shared::new("shared_4KiB");
static SHARED_64K: Shared<SharedSocket, KIB_64> = Shared::new("socket_shared_4_64KiB");
static UNIX_SHARED_64K: Shared<SharedUnixStream, KIB_64> = Shared::new("shared_64KiB");
static RTT: RoundTrip<SocketEnd<Spinning>, 64> = RoundTrip::new("socket_rtt");
static CHANNEL_RTT: RoundTrip<BesideSocket, 64> = RoundTrip::new("rtt_64B");
static UNIX_RTT: RoundTrip<UnixStream<Spinning>, 64> = RoundTrip::new("rtt_64B");
static UNIX_RTT_SLEEPING: RoundTrip<UnixStream<Blocking>, 64> = RoundTrip::new("rtt_64B");
static SOCKET_CREATE_CLOSE: Alone<SocketCreateClose> = Alone::new("socketpair_create_close");
static SOCKETPAIR: Alone<SocketPair> = Alone::new("each");

/// The rows, in the order of the report.
pub static ROWS: &[Row] = &[
    Row {
        name: "socket_stream_rate",
        about: "64 KiB written and read, one owner at each end; both sides spin. Beside a ring of four slots of 64 KiB",
        jacinth: &RATE,
        reference: &UNIX,
        peers: &[&RING, &UNIX_SLEEPING, &RATE_SLEEPING],
        target: 2.0,
        conditions: &[Condition::Peer(&RING, 0.6)],
    },
    Row {
        name: "socket_shared_4",
        about: "bytes of writes of 4 KiB through one socket that two processes write and two read; no process is pinned, and \
                who cannot go on sleeps",
        jacinth: &SHARED,
        reference: &UNIX_SHARED,
        peers: &[],
        target: 1.5,
        conditions: &[],
    },
    Row {
        name: "socket_shared_4_64KiB",
        about: "the same of writes of 64 KiB",
        jacinth: &SHARED_64K,
        reference: &UNIX_SHARED_64K,
        peers: &[],
        target: 1.5,
        conditions: &[],
    },
    Row {
        name: "socket_rtt",
        about: "64 bytes written, read by the peer and answered; both sides spin",
        jacinth: &RTT,
        reference: &CHANNEL_RTT,
        peers: &[&UNIX_RTT, &UNIX_RTT_SLEEPING],
        target: 1.3,
        conditions: &[],
    },
    Row {
        name: "socketpair_create_close",
        about: "a socket, made and both its ends closed",
        jacinth: &SOCKET_CREATE_CLOSE,
        reference: &SOCKETPAIR,
        peers: &[],
        target: 0.1,
        conditions: &[],
    },
];
