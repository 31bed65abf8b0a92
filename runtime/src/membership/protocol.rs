//! What processes and their supervisor say to each other: fixed-size packets over a `SOCK_SEQPACKET` Unix socket,
//! a file descriptor with some of them. Only admission, spawning and collecting go this way; no operation on a
//! handle does.

use crate::membership::fate::Fate;
use crate::membership::report::Report;
use crate::types::status::Status;
use jacinth_shm::{Recovered, Seat};

/// What a process asks of its supervisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Admit me, to this slot if one was prepared. The answer brings the arena's file.
    Join { slot: Option<Seat> },
    /// An earlier supervisor gave me this slot; watch me again.
    Rejoin { slot: Seat },
    /// I have started a process for this slot; its pidfd comes with this.
    Spawned { slot: Seat },
    /// I prepared this slot and nobody will take it.
    CancelSlot { slot: Seat },
    /// What has become of the process with this number, which I have spawned?
    Fate { pid: u32 },
    /// Recover whatever is dead, reclaim whatever is free, and say what you have done so far.
    Collect,
}

/// What the supervisor answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: i32,
    pub(crate) words: [u32; WORDS],
}

/// Every packet has this size.
pub(crate) const PACKET_BYTES: usize = 4 * (WORDS + 1);
/// What follows the kind of a request, or the status of an answer.
const WORDS: usize = 11;

/// Why an answer is NO_RESOURCES, where it is not the arena that has none.
const NO_DESCRIPTORS: u32 = 1;

fn pack(first: u32, words: [u32; WORDS]) -> [u8; PACKET_BYTES] {
    let mut packet = [0; PACKET_BYTES];
    let all = std::iter::once(first).chain(words);
    for (chunk, word) in packet.chunks_exact_mut(4).zip(all) {
        chunk.copy_from_slice(&word.to_le_bytes());
    }
    packet
}

fn unpack(packet: &[u8]) -> Option<(u32, [u32; WORDS])> {
    let (words, rest) = packet.as_chunks::<4>();
    let (first, words) = words.split_first()?;
    let words: [[u8; 4]; WORDS] = words.try_into().ok()?;
    rest.is_empty().then(|| (u32::from_le_bytes(*first), words.map(u32::from_le_bytes)))
}

fn words_of(slot: Seat) -> [u32; WORDS] {
    let mut words = [0; WORDS];
    (words[0], words[1]) = (slot.row.into(), slot.epoch);
    words
}

fn slot_of(words: [u32; WORDS]) -> Option<Seat> {
    Some(Seat { row: u16::try_from(words[0]).ok()?, epoch: words[1] })
}

impl Request {
    pub(crate) fn to_packet(self) -> [u8; PACKET_BYTES] {
        match self {
            Self::Join { slot: None } => pack(1, [0; WORDS]),
            Self::Join { slot: Some(slot) } => pack(2, words_of(slot)),
            Self::Spawned { slot } => pack(3, words_of(slot)),
            Self::CancelSlot { slot } => pack(4, words_of(slot)),
            Self::Collect => pack(5, [0; WORDS]),
            Self::Rejoin { slot } => pack(6, words_of(slot)),
            Self::Fate { pid } => pack(7, [pid; WORDS]),
        }
    }

    pub(crate) fn from_packet(packet: &[u8]) -> Option<Self> {
        let (kind, words) = unpack(packet)?;
        match kind {
            1 => Some(Self::Join { slot: None }),
            2 => Some(Self::Join { slot: Some(slot_of(words)?) }),
            3 => Some(Self::Spawned { slot: slot_of(words)? }),
            4 => Some(Self::CancelSlot { slot: slot_of(words)? }),
            5 => Some(Self::Collect),
            6 => Some(Self::Rejoin { slot: slot_of(words)? }),
            7 => Some(Self::Fate { pid: words[0] }),
            _ => None,
        }
    }
}

impl Answer {
    pub(crate) fn refuse(status: Status) -> Self {
        Self { status: status.into_raw(), words: [0; WORDS] }
    }

    /// The supervisor's process has no descriptor for one more.
    pub(crate) fn no_descriptors() -> Self {
        Self { status: Status::NO_RESOURCES.into_raw(), words: [NO_DESCRIPTORS; WORDS] }
    }

    pub(crate) fn is_no_descriptors(self) -> bool {
        self.status == Status::NO_RESOURCES.into_raw() && self.words[0] == NO_DESCRIPTORS
    }

    pub(crate) fn ok() -> Self {
        Self { status: 0, words: [0; WORDS] }
    }

    /// The slot, and the term of the supervisor who says so.
    pub(crate) fn admitted(slot: Seat, term: u32) -> Self {
        let mut words = words_of(slot);
        words[2] = term;
        Self { status: 0, words }
    }

    pub(crate) fn fate(fate: Fate) -> Self {
        let mut answer = Self::ok();
        [answer.words[0], answer.words[1]] = fate.to_words();
        answer
    }

    pub(crate) fn to_fate(self) -> Result<Fate, Status> {
        Status::ok(self.status)?;
        Ok(Fate::from_words([self.words[0], self.words[1]]))
    }

    pub(crate) fn term(self) -> u32 {
        self.words[2]
    }

    pub(crate) fn report(report: &Report) -> Self {
        let Recovered {
            processes,
            threads,
            handles_closed,
            operations_finished,
            operations_undone,
            blocks_freed,
            objects_retired,
        } = report.recovered;
        let words = [
            processes,
            threads,
            handles_closed,
            operations_finished,
            operations_undone,
            blocks_freed,
            objects_retired,
            report.objects_reclaimed,
            report.ends_collected,
            report.bytes_given_back as u32,
            (report.bytes_given_back >> 32) as u32,
        ];
        Self { status: 0, words }
    }

    pub(crate) fn to_report(self) -> Result<Report, Status> {
        Status::ok(self.status)?;
        let [
            processes,
            threads,
            handles_closed,
            finished,
            undone,
            blocks_freed,
            objects_retired,
            objects_reclaimed,
            ends_collected,
            low,
            high,
        ] = self.words;
        let bytes_given_back = u64::from(high) << 32 | u64::from(low);
        let recovered = Recovered {
            processes,
            threads,
            handles_closed,
            operations_finished: finished,
            operations_undone: undone,
            blocks_freed,
            objects_retired,
        };
        Ok(Report { recovered, objects_reclaimed, ends_collected, bytes_given_back })
    }

    pub(crate) fn slot(self) -> Result<Seat, Status> {
        Status::ok(self.status)?;
        slot_of(self.words).ok_or(Status::INTERNAL)
    }

    pub(crate) fn to_packet(self) -> [u8; PACKET_BYTES] {
        pack(self.status as u32, self.words)
    }

    pub(crate) fn from_packet(packet: &[u8]) -> Option<Self> {
        let (status, words) = unpack(packet)?;
        Some(Self { status: status as i32, words })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_answers_survive_the_wire() {
        let slot = Seat { row: 4095, epoch: 77 };
        for request in [
            Request::Join { slot: None },
            Request::Join { slot: Some(slot) },
            Request::Spawned { slot },
            Request::CancelSlot { slot },
            Request::Collect,
            Request::Rejoin { slot },
            Request::Fate { pid: 77 },
        ] {
            assert_eq!(Request::from_packet(&request.to_packet()), Some(request));
        }
        assert_eq!(Answer::from_packet(&Answer::admitted(slot, 3).to_packet()).unwrap().slot(), Ok(slot));
        let refused = Answer::from_packet(&Answer::refuse(Status::NO_RESOURCES).to_packet()).unwrap();
        assert_eq!(refused.slot(), Err(Status::NO_RESOURCES));
        assert!(!refused.is_no_descriptors() && Answer::no_descriptors().is_no_descriptors());
    }

    #[test]
    fn a_packet_that_is_no_request_is_refused() {
        assert_eq!(Request::from_packet(b"hello"), None);
        assert_eq!(Request::from_packet(&[0; PACKET_BYTES]), None);
        assert_eq!(Request::from_packet(&[9; PACKET_BYTES]), None);
        assert_eq!(Request::from_packet(&[1; PACKET_BYTES + 4]), None);
    }
}
