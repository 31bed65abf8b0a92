//! Rows of channels.

use super::definition::{Condition, Row};
use super::limits::{MEMCPY_1K, MEMCPY_64K, NULL_CALL};
use crate::measure::Alone;
use crate::measure::RoundTrip;
use crate::measure::Stream;
use crate::measure::Threads;
use crate::measure::frames::Frames;
use crate::measure::jacinth::call::Call;
use crate::measure::jacinth::channel::ChannelEnd;
use crate::measure::jacinth::channel::batch::ChannelBatch;
use crate::measure::jacinth::channel::frames::Buffers;
use crate::measure::jacinth::loan::LoanStream;
use crate::measure::jacinth::operation::ChannelCreateClose;
use crate::measure::jacinth::operation::WriteRead;
use crate::measure::jacinth::writers::Writers;
use crate::measure::limit::cache_line::CacheLine;
use crate::measure::limit::frames::BareFrames;
use crate::measure::limit::futex::Futex;
use crate::measure::limit::kernel::SocketPair;
use crate::measure::limit::ring::Ring;
use crate::measure::peer::Blocking;
use crate::measure::peer::Spinning;
#[cfg(feature = "aeron")]
use crate::measure::peer::aeron::Ipc;
use crate::measure::peer::crossbeam::Crossbeam;
use crate::measure::peer::crossbeam::CrossbeamWriters;
use crate::measure::peer::iceoryx2::frames::Published;
use crate::measure::peer::iceoryx2::loan::LoanStream as Iceoryx2Loan;
use crate::measure::peer::iceoryx2::publish_subscribe::PublishSubscribe;
use crate::measure::peer::iceoryx2::request_response::RequestResponse;
use crate::measure::peer::ipc_channel::IpcChannel;
use crate::measure::peer::pipe::Pipe;
use crate::measure::peer::rtrb::Rtrb;
use crate::measure::peer::unix::seqpacket::UnixSeqpacket;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
/// A bare ring of 1,024 slots; of 64 KiB only 64 of them, so that it fits into a processor's caches.
static RING_RTT: RoundTrip<Ring<64, 1024>, 64> = RoundTrip::new("rtt_64B");
static RING_64: Stream<Ring<64, 1024>, 64> = Stream::new("rate_64B");
static RING_1K: Stream<Ring<KIB, 1024>, KIB> = Stream::new("rate_1KiB");
static RING_64K: Stream<Ring<{ 64 * KIB }, 64>, { 64 * KIB }> = Stream::new("rate_64KiB");
static FUTEX_RTT: RoundTrip<Futex, 8> = RoundTrip::new("rtt");
static CHANNEL_RTT: RoundTrip<ChannelEnd<Spinning>, 64> = RoundTrip::new("channel_rtt_64B");
static CHANNEL_RTT_56: RoundTrip<ChannelEnd<Spinning>, 56> = RoundTrip::new("channel_rtt_56B");
static CHANNEL_56: Stream<ChannelEnd<Spinning>, 56> = Stream::new("channel_rate_56B");
static CHANNEL_64: Stream<ChannelEnd<Spinning>, 64> = Stream::new("channel_rate_64B");
static CHANNEL_1K: Stream<ChannelEnd<Spinning>, KIB> = Stream::new("channel_rate_1KiB");
static CHANNEL_64K: Stream<ChannelEnd<Spinning>, { 64 * KIB }> = Stream::new("channel_rate_64KiB");
static CHANNEL_SLEEPING: RoundTrip<ChannelEnd<Blocking>, 64> = RoundTrip::new("channel_rtt_blocking");
static UNIX_RTT: RoundTrip<UnixSeqpacket<Spinning>, 64> = RoundTrip::new("rtt_64B");
static UNIX_SLEEPING: RoundTrip<UnixSeqpacket<Blocking>, 64> = RoundTrip::new("rtt_64B");
static UNIX_64: Stream<UnixSeqpacket<Spinning>, 64> = Stream::new("rate_64B");
static UNIX_64_SLEEPING: Stream<UnixSeqpacket<Blocking>, 64> = Stream::new("rate_64B");
static UNIX_1K: Stream<UnixSeqpacket<Spinning>, KIB> = Stream::new("rate_1KiB");
static UNIX_64K: Stream<UnixSeqpacket<Spinning>, { 64 * KIB }> = Stream::new("rate_64KiB");
static PIPE_RTT: RoundTrip<Pipe<Spinning>, 64> = RoundTrip::new("rtt_64B");
static PIPE_SLEEPING: RoundTrip<Pipe<Blocking>, 64> = RoundTrip::new("rtt_64B");
static PIPE_64: Stream<Pipe<Spinning>, 64> = Stream::new("rate_64B");
static ICEORYX2_RTT: RoundTrip<PublishSubscribe, 64> = RoundTrip::new("rtt_64B");
static ICEORYX2_64: Stream<PublishSubscribe, 64> = Stream::new("rate_64B");
static ICEORYX2_1K: Stream<PublishSubscribe, KIB> = Stream::new("rate_1KiB");
static ICEORYX2_64K: Stream<PublishSubscribe, { 64 * KIB }> = Stream::new("rate_64KiB");
#[cfg(feature = "aeron")]
static AERON_RTT: RoundTrip<Ipc, 64> = RoundTrip::new("rtt_64B");
#[cfg(feature = "aeron")]
static AERON_64: Stream<Ipc, 64> = Stream::new("rate_64B");
#[cfg(feature = "aeron")]
static AERON_1K: Stream<Ipc, KIB> = Stream::new("rate_1KiB");
static IPC_RTT: RoundTrip<IpcChannel, 64> = RoundTrip::new("rtt_64B");
static IPC_64: Stream<IpcChannel, 64> = Stream::new("rate_64B");
static IPC_1K: Stream<IpcChannel, KIB> = Stream::new("rate_1KiB");
static IPC_64K: Stream<IpcChannel, { 64 * KIB }> = Stream::new("rate_64KiB");
static CROSSBEAM_RTT: Threads<RoundTrip<Crossbeam<64>, 64>> = Threads::new(RoundTrip::new("rtt_64B"));
static CROSSBEAM_64: Threads<Stream<Crossbeam<64>, 64>> = Threads::new(Stream::new("rate_64B"));
static RTRB_RTT: Threads<RoundTrip<Rtrb<64>, 64>> = Threads::new(RoundTrip::new("rtt_64B"));
static RTRB_64: Threads<Stream<Rtrb<64>, 64>> = Threads::new(Stream::new("rate_64B"));
static FRAMES: Frames<Buffers> = Frames::new("frames_4MiB_1_to_3");
static FRAMES_BARE: Frames<BareFrames> = Frames::new("frames_4MiB");
static FRAMES_ICEORYX2: Frames<Published> = Frames::new("frames_4MiB");
static WRITE_READ: Alone<WriteRead> = Alone::new("write_read_one_thread");
static CHANNEL_CREATE_CLOSE: Alone<ChannelCreateClose> = Alone::new("channel_create_close");
static SOCKETPAIR: Alone<SocketPair> = Alone::new("each");

/// The rows, in the order of the report.
pub static ROWS: &[Row] = &[
    Row {
        name: "channel_rtt_56B",
        about: "56 bytes, which fit into one line with their header; beside a ring of 64-byte slots",
        jacinth: &CHANNEL_RTT_56,
        reference: &RING_RTT,
        peers: &[&CacheLine],
        target: 0.85,
        conditions: &[Condition::Peer(&CacheLine, 2.2)],
    },
    Row {
        name: "channel_rtt_64B",
        about: "64 bytes written, read by the peer and answered; both sides spin",
        jacinth: &CHANNEL_RTT,
        reference: &RING_RTT,
        peers: &[
            &CacheLine,
            &ICEORYX2_RTT,
            #[cfg(feature = "aeron")]
            &AERON_RTT,
            &UNIX_RTT,
            &PIPE_RTT,
            &IPC_RTT,
            &CROSSBEAM_RTT,
            &RTRB_RTT,
        ],
        target: 1.0,
        conditions: &[
            #[cfg(feature = "aeron")]
            Condition::Peer(&AERON_RTT, 1.0),
        ],
    },
    Row {
        name: "channel_rate_56B",
        about: "56 bytes: one write and one read for each message; beside a ring of 64-byte slots",
        jacinth: &CHANNEL_56,
        reference: &RING_64,
        peers: &[],
        target: 0.8,
        conditions: &[],
    },
    Row {
        name: "channel_rate_64B",
        about: "64 bytes: one write and one read for each message",
        jacinth: &CHANNEL_64,
        reference: &RING_64,
        peers: &[
            &ICEORYX2_64,
            #[cfg(feature = "aeron")]
            &AERON_64,
            &UNIX_64,
            &UNIX_64_SLEEPING,
            &PIPE_64,
            &IPC_64,
            &CROSSBEAM_64,
            &RTRB_64,
        ],
        target: 0.7,
        conditions: &[],
    },
    Row {
        name: "channel_rate_64B_batch",
        about: "64 bytes, written and read in batches of 32",
        jacinth: &ChannelBatch,
        reference: &RING_64,
        peers: &[&ICEORYX2_64, &UNIX_64],
        target: 1.0,
        conditions: &[],
    },
    Row {
        name: "channel_rate_1KiB",
        about: "1 KiB, copied in and copied out",
        jacinth: &CHANNEL_1K,
        reference: &RING_1K,
        peers: &[
            &MEMCPY_1K,
            &ICEORYX2_1K,
            #[cfg(feature = "aeron")]
            &AERON_1K,
            &UNIX_1K,
            &IPC_1K,
        ],
        target: 0.85,
        conditions: &[],
    },
    Row {
        name: "channel_rate_64KiB",
        about: "64 KiB, copied in and copied out (the bare ring has 64 slots)",
        jacinth: &CHANNEL_64K,
        reference: &RING_64K,
        peers: &[&MEMCPY_64K, &ICEORYX2_64K, &UNIX_64K, &IPC_64K],
        target: 0.9,
        conditions: &[],
    },
    Row {
        name: "channel_rate_1MiB_loan",
        about: "1 MiB, filled and read where it lies, the first bytes of it touched",
        jacinth: &LoanStream::<MIB>,
        reference: &Iceoryx2Loan::<MIB>,
        peers: &[],
        target: 3.0,
        conditions: &[],
    },
    Row {
        name: "frames_4MiB_1_to_3",
        about: "4 MiB filled by a slice, sent to three processes and read there, all of it; beside memory without a library",
        jacinth: &FRAMES,
        reference: &FRAMES_BARE,
        peers: &[&FRAMES_ICEORYX2],
        target: 0.9,
        conditions: &[],
    },
    Row {
        name: "channel_rtt_blocking",
        about: "64 bytes there and back, both sides asleep whenever they wait",
        jacinth: &CHANNEL_SLEEPING,
        reference: &FUTEX_RTT,
        peers: &[&UNIX_SLEEPING, &PIPE_SLEEPING, &IPC_RTT],
        target: 1.15,
        conditions: &[],
    },
    Row {
        name: "channel_call_rtt",
        about: "a call of 64 bytes, one caller, the server spins",
        jacinth: &Call,
        reference: &RING_RTT,
        peers: &[&RequestResponse, &UNIX_RTT],
        target: 1.15,
        conditions: &[],
    },
    Row {
        name: "write_read_one_thread",
        about: "64 bytes written, and read by the same thread; beside a null system call",
        jacinth: &WRITE_READ,
        reference: &NULL_CALL,
        peers: &[],
        target: 0.33,
        conditions: &[],
    },
    Row {
        name: "channel_create_close",
        about: "a channel made and both its ends closed",
        jacinth: &CHANNEL_CREATE_CLOSE,
        reference: &SOCKETPAIR,
        peers: &[],
        target: 0.08,
        conditions: &[],
    },
    Row {
        name: "writers_4",
        about: "64 bytes written to one end by four threads of a process, on one processor",
        jacinth: &Writers,
        reference: &CrossbeamWriters,
        peers: &[],
        target: 1.5,
        conditions: &[Condition::SlowestRound],
    },
];
