//! A row of the table.

use crate::measure::{Better, Measurement};

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
}

impl Row {
    /// All that is measured for this row.
    pub fn measurements(&self) -> impl Iterator<Item = Measured> {
        [self.jacinth, self.reference].into_iter().chain(self.peers.iter().copied())
    }

    /// Whether a ratio meets the target.
    pub fn met_by(&self, ratio: f64) -> bool {
        match self.jacinth.unit().better() {
            Better::Lower => ratio <= self.target,
            Better::Higher => ratio >= self.target,
        }
    }
}
