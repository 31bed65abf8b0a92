//! Which process runs the supervisor: one word, and what its successor needs to know of everybody.
//!
//! ```text
//!  63     52 51         32 31              0
//!  ┌────────┬─────────────┬────────────────┐
//!  │ row 12 │ epoch 20    │ term 32        │      0: nobody has led yet
//!  └────────┴─────────────┴────────────────┘
//! ```
//!
//! Only a CAS of the exact word changes it, and only by one who has proof that the process it names is dead. The
//! term advances with every change, so a candidate that was stopped between its proof and its CAS fails, whoever
//! has led and died meanwhile.
//!
//! INV-LEADER-1: a leader is replaced only after its death; so at any time at most one living process leads.
//! INV-LEADER-2: a row names its occupant before it leaves STARTING(spawner): a successor can watch whoever is
//! seated.

use crate::arena::Arena;
use crate::bits::Field;
use crate::error::{Error, Result};
use crate::owner::{Claim, ProcessState};
use crate::process::Seat;
use crate::sync::{Acquire, Relaxed, Release};
use crate::thread::Thread;

/// Who leads, as the arena says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leader(u64);

impl Leader {
    const ROW: Field<52, 12> = Field;
    const EPOCH: Field<32, 20> = Field;
    const TERM: Field<0, 32> = Field;

    /// The seat of the process that leads; `None` before the first.
    pub fn seat(self) -> Option<Seat> {
        let seat = Seat { row: Self::ROW.get(self.0) as u16, epoch: Self::EPOCH.get(self.0) as u32 };
        (seat.row != 0).then_some(seat)
    }

    /// How many have led before, and this one.
    pub fn term(self) -> u32 {
        Self::TERM.get(self.0) as u32
    }

    fn followed_by(self, seat: Seat) -> Self {
        let term = self.term().wrapping_add(1);
        Self(Self::ROW.of(seat.row.into()) | Self::EPOCH.of(seat.epoch.into()) | Self::TERM.of(term.into()))
    }
}

/// A process, as the system knows it. Numbers are used again, so the moment it started belongs to its name.
///
/// ```text
///  63      42 41                        0
///  ┌──────────┬──────────────────────────┐
///  │ pid 22   │ started 42               │     one word, so that nobody sees half of it
///  └──────────┴──────────────────────────┘
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Occupant {
    /// The process's number: Linux has none above 4,194,304.
    pub pid: u32,
    /// When it started, in the system's own unit; 0 where that is not known.
    pub started: u64,
}

impl Occupant {
    const PID: Field<42, 22> = Field;
    const STARTED: Field<0, 42> = Field;

    pub(crate) fn to_word(self) -> u64 {
        Self::PID.of(self.pid.into()) | Self::STARTED.of(self.started)
    }

    /// Whether nothing speaks against both being the same process.
    pub(crate) fn may_be(self, other: Self) -> bool {
        self.pid == other.pid && (self.started == other.started || self.started.min(other.started) == 0)
    }

    pub(crate) fn from_word(word: u64) -> Self {
        Self { pid: Self::PID.get(word) as u32, started: Self::STARTED.get(word) }
    }
}

impl From<u32> for Occupant {
    /// A process of this number, whenever it started.
    fn from(pid: u32) -> Self {
        Self { pid, started: 0 }
    }
}

/// A seat that is taken, and by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seated {
    /// The seat.
    pub seat: Seat,
    /// Who has it, or will: a child that is on its way to it.
    pub occupant: Occupant,
    /// Whether the process has attached.
    pub is_attached: bool,
}

impl Arena {
    /// Who leads.
    pub fn leader(&self) -> Leader {
        // ORDER: Acquire pairs with the Release of `lead`: the row that it names says who it is.
        Leader(self.header().leader.load(Acquire))
    }

    /// Notes which process has the seat, or will have it, for whoever has to watch it later: before it is adopted.
    pub(crate) fn note_occupant(&self, seat: Seat, occupant: Occupant) -> Result<()> {
        let row = self.process(seat.row)?;
        // Relaxed: whoever notes it has reserved the seat, or serves its process.
        if Claim(row.claim.load(Relaxed)).epoch() != seat.epoch {
            return Err(Error::BadState("the seat is another's by now"));
        }
        // ORDER: Release pairs with the Acquire of `occupant`: who sees this one sees the seat's epoch.
        row.occupant.store(occupant.to_word(), Release);
        Ok(())
    }

    /// Who has this seat; `None` once it has been freed.
    pub fn occupant(&self, seat: Seat) -> Result<Option<Occupant>> {
        let row = self.process(seat.row)?;
        // ORDER: Acquire, so the look below is not older than this one: the occupant is of this epoch.
        let occupant = Occupant::from_word(row.occupant.load(Acquire));
        let claim = Claim(row.claim.load(Relaxed));
        let is_taken = claim.epoch() == seat.epoch && claim.process_state() != ProcessState::Free;
        Ok(is_taken.then_some(occupant))
    }

    /// Everybody whom the supervisor has to watch: attached processes, and children on their way that it adopted. A
    /// seat whose spawner has not reported it yet is its spawner's to report.
    pub fn seated(&self) -> Result<Vec<Seated>> {
        let mut all = Vec::new();
        for row in 1..self.layout().processes.count as u16 {
            // ORDER: Acquire pairs with the Release of `adopt_seat` and `sit`: the occupant was noted before.
            let claim = Claim(self.process(row)?.claim.load(Acquire));
            let is_attached = match claim.process_state() {
                ProcessState::Active => true,
                ProcessState::Starting(Claim::NOBODY) => false,
                _ => continue,
            };
            let seat = Seat { row, epoch: claim.epoch() };
            if let Some(occupant) = self.occupant(seat)? {
                all.push(Seated { seat, occupant, is_attached });
            }
        }
        Ok(all)
    }
}

impl Thread {
    /// Takes the lead over from `old`, which is dead, or nobody. `false` when another was quicker, or when this
    /// process, which sat down at `seat`, is taken for dead itself.
    pub fn lead(&self, old: Leader, seat: Seat) -> Result<bool> {
        if !self.arena().is_seated(seat) {
            return Ok(false);
        }
        let new = old.followed_by(seat);
        // ORDER: Release pairs with the Acquire of `leader`: the row says who it is. What its predecessor has done the
        // successor sees by that one's death.
        Ok(self.arena().header().leader.compare_exchange(old.0, new.0, Release, Relaxed).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_what_they_say() {
        let occupant = Occupant { pid: 4_194_303, started: 1 << 41 };
        assert_eq!(Occupant::from_word(occupant.to_word()), occupant);
        let seat = Seat { row: 4095, epoch: 0xf_ffff };
        let leader = Leader(0).followed_by(seat).followed_by(seat);
        assert_eq!((leader.seat(), leader.term()), (Some(seat), 2));
        assert_eq!(Leader(0).seat(), None);
    }
}
