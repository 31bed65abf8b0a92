//! The table: what stands beside what, and the ratio that is asked for.

use crate::measure::death::Death;
use crate::measure::jacinth::{
    call::Call,
    channel::ChannelEnd,
    channel_batch::ChannelBatch,
    crowd::{Crowded, FEW, MANY},
    loan::LoanStream,
    operation::{Both, ChannelCreateClose, DuplicateClose, EventCreateClose, HandleLookup, WriteRead},
    peer_closed::PeerClosed,
    transfer::Transfer,
    writers::Writers,
};
use crate::measure::limit::{
    cache_line::CacheLine,
    futex::Futex,
    kernel::{DupClose, EventFd, FcntlGetfd, NullCall, SocketPair},
    memcpy::Memcpy,
    pidfd::Pidfd,
    ring::Ring,
};
#[cfg(feature = "aeron")]
use crate::measure::peer::aeron::Ipc;
use crate::measure::peer::iceoryx2::{
    loan::LoanStream as Iceoryx2Loan, publish_subscribe::PublishSubscribe, request_response::RequestResponse,
};
use crate::measure::peer::{
    Blocking, Spinning,
    crossbeam::{Crossbeam, CrossbeamWriters},
    ipc_channel::IpcChannel,
    pipe::Pipe,
    rtrb::Rtrb,
    unix_fd::UnixFd,
    unix_seqpacket::UnixSeqpacket,
};
use crate::measure::{Alone, Better, Measurement, RoundTrip, Stream, Threads, full_name};

/// A measurement, as the table refers to it.
pub type Measured = &'static dyn Measurement;

/// One figure of jacinth's, the figure it is held against, and those of its peers.
pub struct Row {
    /// Its name in reports and for `--only`.
    pub name: &'static str,
    /// What is measured.
    pub about: &'static str,
    /// Jacinth's.
    pub jacinth: Measured,
    /// What the bar is a ratio to.
    pub reference: Measured,
    /// What else does the same.
    pub peers: &'static [Measured],
    /// jacinth / reference: at most this where lower is better, at least this where higher is.
    pub bar: f64,
}

impl Row {
    /// All that is measured for this row.
    pub fn measurements(&self) -> impl Iterator<Item = Measured> {
        [self.jacinth, self.reference].into_iter().chain(self.peers.iter().copied())
    }

    /// Whether a ratio meets the bar.
    pub fn met_by(&self, ratio: f64) -> bool {
        match self.jacinth.unit().better() {
            Better::Lower => ratio <= self.bar,
            Better::Higher => ratio >= self.bar,
        }
    }
}

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// A bare ring of 1,024 slots; of 64 KiB only 64 of them, so that it stays within what a processor caches.
static RING_RTT: RoundTrip<Ring<64, 1024>, 64> = RoundTrip::new("rtt_64B");
static RING_64: Stream<Ring<64, 1024>, 64> = Stream::new("rate_64B");
static RING_1K: Stream<Ring<KIB, 1024>, KIB> = Stream::new("rate_1KiB");
static RING_64K: Stream<Ring<{ 64 * KIB }, 64>, { 64 * KIB }> = Stream::new("rate_64KiB");
static FUTEX_RTT: RoundTrip<Futex, 8> = RoundTrip::new("rtt");
static MEMCPY_1K: Alone<Memcpy<KIB>> = Alone::new("rate_1KiB");
static MEMCPY_64K: Alone<Memcpy<{ 64 * KIB }>> = Alone::new("rate_64KiB");

static CHANNEL_RTT: RoundTrip<ChannelEnd<Spinning>, 64> = RoundTrip::new("channel_rtt_64B");
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

static DUPLICATE_CLOSE: Alone<DuplicateClose> = Alone::new("duplicate_close");
static EVENT_CREATE_CLOSE: Alone<EventCreateClose> = Alone::new("event_create_close");
static CHANNEL_CREATE_CLOSE: Alone<ChannelCreateClose> = Alone::new("channel_create_close");
static HANDLE_LOOKUP: Alone<HandleLookup> = Alone::new("handle_lookup");
static DUP_CLOSE: Alone<DupClose> = Alone::new("each");
static EVENTFD: Alone<EventFd> = Alone::new("each");
static SOCKETPAIR: Alone<SocketPair> = Alone::new("each");
static FCNTL_GETFD: Alone<FcntlGetfd> = Alone::new("each");
static NULL_CALL: Alone<NullCall> = Alone::new("each");

type Mixed = Both<DuplicateClose, WriteRead>;
static MIXED_MANY: Alone<Crowded<Mixed, MANY>> = Alone::new("scale");
static MIXED_FEW: Alone<Crowded<Mixed, FEW>> = Alone::new("scale");
static DUPLICATE_MANY: Alone<Crowded<DuplicateClose, MANY>> = Alone::new("scale_duplicate_close");
static DUPLICATE_FEW: Alone<Crowded<DuplicateClose, FEW>> = Alone::new("scale_duplicate_close");
static WRITE_READ_MANY: Alone<Crowded<WriteRead, MANY>> = Alone::new("scale_write_read");
static WRITE_READ_FEW: Alone<Crowded<WriteRead, FEW>> = Alone::new("scale_write_read");

static PEER_CLOSED: Death<PeerClosed> = Death::new("death", 0);
static PIDFD: Death<Pidfd> = Death::new("death", 0);
static PEER_CLOSED_256M: Death<PeerClosed> = Death::new("death_256MiB", 256 * MIB);
static PIDFD_256M: Death<Pidfd> = Death::new("death_256MiB", 256 * MIB);

/// Every row, in the order of the report.
pub static ROWS: [Row; 19] = [
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
        bar: 1.3,
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
        bar: 0.35,
    },
    Row {
        name: "channel_rate_64B_batch",
        about: "64 bytes, written and read in batches of 32",
        jacinth: &ChannelBatch,
        reference: &RING_64,
        peers: &[&ICEORYX2_64, &UNIX_64],
        bar: 0.75,
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
        bar: 0.65,
    },
    Row {
        name: "channel_rate_64KiB",
        about: "64 KiB, copied in and copied out (the bare ring has 64 slots)",
        jacinth: &CHANNEL_64K,
        reference: &RING_64K,
        peers: &[&MEMCPY_64K, &ICEORYX2_64K, &UNIX_64K, &IPC_64K],
        bar: 0.85,
    },
    Row {
        name: "channel_rate_1MiB_loan",
        about: "1 MiB, filled and read where it lies, the first bytes of it touched",
        jacinth: &LoanStream::<MIB>,
        reference: &Iceoryx2Loan::<MIB>,
        peers: &[],
        bar: 3.0,
    },
    Row {
        name: "channel_rtt_blocking",
        about: "64 bytes there and back, both sides asleep whenever they wait",
        jacinth: &CHANNEL_SLEEPING,
        reference: &FUTEX_RTT,
        peers: &[&UNIX_SLEEPING, &PIPE_SLEEPING, &IPC_RTT],
        bar: 1.15,
    },
    Row {
        name: "channel_call_rtt",
        about: "a call of 64 bytes, one caller, the server spins",
        jacinth: &Call,
        reference: &RING_RTT,
        peers: &[&RequestResponse, &UNIX_RTT],
        bar: 1.6,
    },
    Row {
        name: "transfer_rtt",
        about: "an event handle moved there and back",
        jacinth: &Transfer,
        reference: &UnixFd,
        peers: &[],
        bar: 0.15,
    },
    Row {
        name: "duplicate_close",
        about: "a handle duplicated, and the duplicate closed",
        jacinth: &DUPLICATE_CLOSE,
        reference: &DUP_CLOSE,
        peers: &[],
        bar: 0.18,
    },
    Row {
        name: "event_create_close",
        about: "an event made and closed",
        jacinth: &EVENT_CREATE_CLOSE,
        reference: &EVENTFD,
        peers: &[],
        bar: 0.08,
    },
    Row {
        name: "channel_create_close",
        about: "a channel made and both its ends closed",
        jacinth: &CHANNEL_CREATE_CLOSE,
        reference: &SOCKETPAIR,
        peers: &[],
        bar: 0.08,
    },
    Row {
        name: "handle_lookup",
        about: "the validity of a handle (HANDLE_VALID)",
        jacinth: &HANDLE_LOOKUP,
        reference: &FCNTL_GETFD,
        peers: &[&NULL_CALL],
        bar: 0.05,
    },
    Row {
        name: "scale",
        about: "a handle duplicated and closed, 64 bytes written and read, in a process that holds 1,000,000 handles \
                of as many events, against 1,000",
        jacinth: &MIXED_MANY,
        reference: &MIXED_FEW,
        peers: &[],
        bar: 1.3,
    },
    Row {
        name: "scale_duplicate_close",
        about: "the first half of scale by itself",
        jacinth: &DUPLICATE_MANY,
        reference: &DUPLICATE_FEW,
        peers: &[],
        bar: 1.3,
    },
    Row {
        name: "scale_write_read",
        about: "the second half of scale by itself",
        jacinth: &WRITE_READ_MANY,
        reference: &WRITE_READ_FEW,
        peers: &[],
        bar: 1.3,
    },
    Row {
        name: "death_to_peer_closed",
        about: "from SIGKILL to a sleeping waiter that sees PEER_CLOSED",
        jacinth: &PEER_CLOSED,
        reference: &PIDFD,
        peers: &[],
        bar: 1.7,
    },
    Row {
        name: "death_to_peer_closed_256MiB",
        about: "the same, the victim having touched 256 MiB of its own memory",
        jacinth: &PEER_CLOSED_256M,
        reference: &PIDFD_256M,
        peers: &[],
        bar: 0.1,
    },
    Row {
        name: "writers_4",
        about: "64 bytes written to one end by four threads of a process, on one processor",
        jacinth: &Writers,
        reference: &CrossbeamWriters,
        peers: &[],
        bar: 1.0,
    },
];

/// The measurements of these rows, each once, in the order of the rows.
pub fn measurements<'r>(rows: impl IntoIterator<Item = &'r Row>) -> Vec<Measured> {
    let mut all: Vec<Measured> = Vec::new();
    for measurement in rows.into_iter().flat_map(Row::measurements) {
        if !all.iter().any(|have| full_name(*have) == full_name(measurement)) {
            all.push(measurement);
        }
    }
    all
}

/// The measurement of this name.
pub fn find(name: &str) -> Option<Measured> {
    std::iter::once::<Measured>(&CacheLine).chain(measurements(&ROWS)).find(|one| full_name(*one) == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_row_compares_figures_of_one_unit() {
        for row in &ROWS {
            let unit = row.jacinth.unit();
            assert!(row.measurements().all(|one| one.unit() == unit), "{}", row.name);
        }
    }

    #[test]
    fn the_heads_of_a_rows_columns_differ() {
        for row in &ROWS {
            let heads: Vec<_> = row.measurements().map(|one| one.who()).collect();
            assert_eq!(heads.iter().collect::<HashSet<_>>().len(), heads.len(), "{}", row.name);
        }
    }

    #[test]
    fn measurements_and_rows_are_found_by_names_that_differ() {
        assert_eq!(ROWS.iter().map(|row| row.name).collect::<HashSet<_>>().len(), ROWS.len());
        for one in measurements(&ROWS) {
            let found = find(&full_name(one)).expect("every measurement of a row is found");
            assert_eq!((found.who(), found.what()), (one.who(), one.what()));
        }
    }
}
