//! A row of the table.

use crate::measure::{Measurement, full_name};

/// A measurement, as the table refers to it.
pub type Measured = &'static dyn Measurement;

/// One figure of jacinth's, the figure it is held against, and those of its peers.
pub struct Row {
    /// Its name in reports and for `--only`.
    pub name: &'static str,
    /// A description of the figure.
    pub about: &'static str,
    /// Jacinth's.
    pub jacinth: Measured,
    /// The figure that the target is a ratio to.
    pub reference: Measured,
    /// Other libraries and system calls that do the same.
    pub peers: &'static [Measured],
    /// jacinth / reference: at most this where lower is better, at least this where higher is.
    pub target: f64,
    /// What is to hold beside the target.
    pub conditions: &'static [Condition],
}

/// A condition beside the target of a row.
pub enum Condition {
    /// A bound for jacinth / this peer, which is one of the row's; as the target is one for jacinth / reference.
    Peer(Measured, f64),
    /// Jacinth's slowest round is at least as good as the reference's slowest round.
    SlowestRound,
    /// A bound for the processor time of a call: jacinth's / the reference's, at most this.
    ProcessorTime(f64),
}

impl Row {
    /// All that is measured for this row.
    pub fn measurements(&self) -> impl Iterator<Item = Measured> {
        [self.jacinth, self.reference].into_iter().chain(self.peers.iter().copied())
    }

    /// The bound for the ratio to one of the row's measurements, if there is one.
    pub fn bound_for(&self, name: &str) -> Option<f64> {
        if full_name(self.reference) == name {
            return Some(self.target);
        }
        self.conditions.iter().find_map(|condition| match condition {
            Condition::Peer(peer, bound) => (full_name(*peer) == name).then_some(*bound),
            Condition::SlowestRound | Condition::ProcessorTime(_) => None,
        })
    }

    /// The bound for the ratio of the processor times, if there is one.
    pub fn bound_for_processor_time(&self) -> Option<f64> {
        self.conditions.iter().find_map(|condition| match condition {
            Condition::ProcessorTime(bound) => Some(*bound),
            Condition::Peer(..) | Condition::SlowestRound => None,
        })
    }

    /// Whether the slowest rounds are compared too.
    pub fn compares_slowest_rounds(&self) -> bool {
        self.conditions.iter().any(|condition| matches!(condition, Condition::SlowestRound))
    }
}
