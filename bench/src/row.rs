//! The table: what stands beside what, and the ratio that is asked for.

use crate::measure::jacinth::{
    call::Call, channel::ChannelEnd, channel_batch::ChannelBatch, transfer::Transfer,
};
use crate::measure::limit::{cache_line::CacheLine, futex::Futex, ring::Ring};
use crate::measure::peer::{Blocking, Spinning, pipe::Pipe, unix_fd::UnixFd, unix_seqpacket::UnixSeqpacket};
use crate::measure::{Better, Measurement, RoundTrip, Stream, full_name};

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

/// A bare ring of 1,024 slots; of 64 KiB only 64 of them, so that it stays within what a processor caches.
static RING_RTT: RoundTrip<Ring<64, 1024>, 64> = RoundTrip::new("rtt_64B");
static RING_64: Stream<Ring<64, 1024>, 64> = Stream::new("rate_64B");
static RING_1K: Stream<Ring<KIB, 1024>, KIB> = Stream::new("rate_1KiB");
static RING_64K: Stream<Ring<{ 64 * KIB }, 64>, { 64 * KIB }> = Stream::new("rate_64KiB");
static FUTEX_RTT: RoundTrip<Futex, 8> = RoundTrip::new("rtt");

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

/// Every row, in the order of the report.
pub static ROWS: [Row; 8] = [
    Row {
        name: "channel_rtt_64B",
        about: "64 bytes written, read by the peer and answered; both sides spin",
        jacinth: &CHANNEL_RTT,
        reference: &RING_RTT,
        peers: &[&CacheLine, &UNIX_RTT, &PIPE_RTT],
        bar: 1.3,
    },
    Row {
        name: "channel_rate_64B",
        about: "64 bytes: one write and one read for each message",
        jacinth: &CHANNEL_64,
        reference: &RING_64,
        peers: &[&UNIX_64, &UNIX_64_SLEEPING],
        bar: 0.35,
    },
    Row {
        name: "channel_rate_64B_batch",
        about: "64 bytes, written and read in batches of 32",
        jacinth: &ChannelBatch,
        reference: &RING_64,
        peers: &[&UNIX_64],
        bar: 0.75,
    },
    Row {
        name: "channel_rate_1KiB",
        about: "1 KiB, copied in and copied out",
        jacinth: &CHANNEL_1K,
        reference: &RING_1K,
        peers: &[&UNIX_1K],
        bar: 0.65,
    },
    Row {
        name: "channel_rate_64KiB",
        about: "64 KiB, copied in and copied out (the bare ring has 64 slots)",
        jacinth: &CHANNEL_64K,
        reference: &RING_64K,
        peers: &[&UNIX_64K],
        bar: 0.85,
    },
    Row {
        name: "channel_rtt_blocking",
        about: "64 bytes there and back, both sides asleep whenever they wait",
        jacinth: &CHANNEL_SLEEPING,
        reference: &FUTEX_RTT,
        peers: &[&UNIX_SLEEPING, &PIPE_SLEEPING],
        bar: 1.15,
    },
    Row {
        name: "channel_call_rtt",
        about: "a call of 64 bytes, one caller, the server spins",
        jacinth: &Call,
        reference: &RING_RTT,
        peers: &[],
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
