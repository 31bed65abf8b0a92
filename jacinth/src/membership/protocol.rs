//! The packets between processes and their supervisor, over a `SOCK_SEQPACKET` Unix socket, some with a file
//! descriptor. Only admission, spawning and collecting go this way; no operation on a handle does.
//!
//! Both packets have a fixed size, and the machine's own byte order. A field that a packet does not need is 0.

use crate::membership::environment::SlotToken;
use crate::membership::report::CollectReport;
use crate::membership::spawn_status::SpawnStatus;
use crate::types::status::Status;
use jacinth_shm::{ProcessIndex, ProcessSlot};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// A process's question to its supervisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Admit this process, to this slot if a spawner prepared it. The answer brings the arena's file.
    Join { slot: Option<SlotToken> },
    /// An earlier supervisor gave this process this slot: watch it again.
    Rejoin { slot: ProcessSlot },
    /// This process has started a program for this slot. The program's pidfd comes with the request.
    Spawned { slot: ProcessSlot },
    /// This process prepared this slot, and no program will take it.
    CancelSlot { slot: ProcessSlot },
    /// Give the status of the process with this number, which this process has spawned.
    SpawnStatus { pid: u32 },
    /// Recover the dead, reclaim free memory, and report the counts so far.
    Collect,
}

/// A slot on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, Immutable, IntoBytes, KnownLayout)]
#[repr(C)]
struct WireSlot {
    row: u32,
    epoch: u32,
}

impl From<ProcessSlot> for WireSlot {
    fn from(slot: ProcessSlot) -> Self {
        Self { row: slot.row.0.into(), epoch: slot.epoch }
    }
}

impl WireSlot {
    fn read(self) -> Option<ProcessSlot> {
        Some(ProcessSlot { row: ProcessIndex(u16::try_from(self.row).ok()?), epoch: self.epoch })
    }
}

/// A request on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, Immutable, IntoBytes, KnownLayout)]
#[repr(C)]
pub(crate) struct RequestPacket {
    kind: u32,
    slot: WireSlot,
    pid: u32,
    /// The arena that the slot belongs to, for a process that joins.
    arena: u64,
}

impl Request {
    pub(crate) fn to_packet(self) -> RequestPacket {
        // No kind is 0, so that a packet of zeros is no request.
        let (kind, slot, pid) = match self {
            Self::Join { slot: None } => (1, None, 0),
            Self::Join { slot: Some(token) } => (2, Some(token.slot), 0),
            Self::Spawned { slot } => (3, Some(slot), 0),
            Self::CancelSlot { slot } => (4, Some(slot), 0),
            Self::Collect => (5, None, 0),
            Self::Rejoin { slot } => (6, Some(slot), 0),
            Self::SpawnStatus { pid } => (7, None, pid),
        };
        let arena = if let Self::Join { slot: Some(token) } = self { token.arena } else { 0 };
        RequestPacket { kind, slot: slot.map(WireSlot::from).unwrap_or_default(), pid, arena }
    }

    /// `None` for bytes that are no request.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let packet = RequestPacket::read_from_bytes(bytes).ok()?;
        let slot = packet.slot.read();
        match packet.kind {
            1 => Some(Self::Join { slot: None }),
            2 => Some(Self::Join { slot: Some(SlotToken { slot: slot?, arena: packet.arena }) }),
            3 => Some(Self::Spawned { slot: slot? }),
            4 => Some(Self::CancelSlot { slot: slot? }),
            5 => Some(Self::Collect),
            6 => Some(Self::Rejoin { slot: slot? }),
            7 => Some(Self::SpawnStatus { pid: packet.pid }),
            _ => None,
        }
    }
}

/// The supervisor's answer, as it is on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, Immutable, IntoBytes, KnownLayout)]
#[repr(C)]
pub(crate) struct Answer {
    status: i32,
    /// Not 0 when the status is NO_RESOURCES because the supervisor's process has no descriptors left.
    no_descriptors: u32,
    slot: WireSlot,
    /// The term of the supervisor that answers.
    term: u32,
    spawn_status: [u32; 2],
    /// Always 0: the report begins at a multiple of 8 bytes.
    unused: u32,
    report: CollectReport,
}

impl Answer {
    pub(crate) fn ok() -> Self {
        Self::default()
    }

    pub(crate) fn refuse(status: Status) -> Self {
        Self { status: status.into_raw(), ..Self::default() }
    }

    /// The supervisor's process has no descriptor for another process.
    pub(crate) fn no_descriptors() -> Self {
        Self { no_descriptors: 1, ..Self::refuse(Status::NO_RESOURCES) }
    }

    /// The process is in the arena, with this slot.
    pub(crate) fn admitted(slot: ProcessSlot, term: u32) -> Self {
        Self { slot: slot.into(), term, ..Self::default() }
    }

    pub(crate) fn spawn_status(status: SpawnStatus) -> Self {
        Self { spawn_status: status.to_words(), ..Self::default() }
    }

    pub(crate) fn report(report: CollectReport) -> Self {
        Self { report, ..Self::default() }
    }

    /// `None` for bytes that are no answer.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::read_from_bytes(bytes).ok()
    }

    pub(crate) fn status(self) -> Result<(), Status> {
        Status::ok(self.status)
    }

    pub(crate) fn is_no_descriptors(self) -> bool {
        self.status == Status::NO_RESOURCES.into_raw() && self.no_descriptors != 0
    }

    pub(crate) fn to_slot(self) -> Result<ProcessSlot, Status> {
        self.status()?;
        self.slot.read().ok_or(Status::INTERNAL)
    }

    pub(crate) fn term(self) -> u32 {
        self.term
    }

    pub(crate) fn to_spawn_status(self) -> Result<SpawnStatus, Status> {
        self.status().map(|()| SpawnStatus::from_words(self.spawn_status))
    }

    pub(crate) fn to_report(self) -> Result<CollectReport, Status> {
        self.status().map(|()| self.report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_survive_the_wire() {
        let slot = ProcessSlot { row: ProcessIndex(4095), epoch: 77 };
        for request in [
            Request::Join { slot: None },
            Request::Join { slot: Some(SlotToken { slot, arena: u64::MAX }) },
            Request::Spawned { slot },
            Request::CancelSlot { slot },
            Request::Collect,
            Request::Rejoin { slot },
            Request::SpawnStatus { pid: 77 },
        ] {
            assert_eq!(Request::from_bytes(request.to_packet().as_bytes()), Some(request));
        }
    }

    #[test]
    fn answers_survive_the_wire() {
        let slot = ProcessSlot { row: ProcessIndex(4095), epoch: 77 };
        let again = |answer: Answer| Answer::from_bytes(answer.as_bytes()).unwrap();
        assert_eq!(again(Answer::admitted(slot, 3)).to_slot(), Ok(slot));
        assert_eq!(again(Answer::admitted(slot, 3)).term(), 3);
        let refused = again(Answer::refuse(Status::NO_RESOURCES));
        assert_eq!(refused.to_slot(), Err(Status::NO_RESOURCES));
        assert!(!refused.is_no_descriptors());
        assert!(again(Answer::no_descriptors()).is_no_descriptors());
        assert_eq!(again(Answer::spawn_status(SpawnStatus::Ended)).to_spawn_status(), Ok(SpawnStatus::Ended));
        let mut report = CollectReport::default();
        (report.processes, report.bytes_decommitted) = (7, 1 << 40);
        assert_eq!(again(Answer::report(report)).to_report(), Ok(report));
    }

    #[test]
    fn other_bytes_are_no_request() {
        const BYTES: usize = size_of::<RequestPacket>();
        assert_eq!(Request::from_bytes(b"hello"), None);
        assert_eq!(Request::from_bytes(&[0; BYTES]), None);
        assert_eq!(Request::from_bytes(&[9; BYTES]), None);
        assert_eq!(Request::from_bytes(&[1; BYTES + 4]), None);
        let far = RequestPacket { kind: 3, slot: WireSlot { row: 1 << 16, epoch: 0 }, pid: 0, arena: 0 };
        assert_eq!(Request::from_bytes(far.as_bytes()), None, "no arena has so many rows");
    }
}
