//! The reports of a testbed to the program that has started it: one line of JSON each.

use crate::testbed::defect::Defect;
use serde::{Deserialize, Serialize};
use std::io::Write as _;

/// A defect, and where it was found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Finding {
    /// The defect.
    pub defect: Defect,
    /// The operation.
    pub operation: String,
    /// The instruction before which the victim was killed; `None` when it had completed the operation.
    pub at: Option<usize>,
    /// That instruction's function and line.
    pub place: String,
    /// The command line arguments that reproduce it.
    pub reproduction: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { defect: Defect { kind, text }, operation, at, place, reproduction } = self;
        match at {
            Some(at) => writeln!(f, "{kind}: {operation}, killed before instruction {at} ({place})")?,
            None => writeln!(f, "{kind}: {operation}, {place}")?,
        }
        write!(f, "  {text}\n  again: cargo run --release -p jacinth-crash-tests -- {reproduction}")
    }
}

/// One line from a testbed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// The operation was recorded.
    Recorded {
        /// Its length, instructions of libraries included.
        instructions: usize,
        /// The number of new kill points.
        points: usize,
    },
    /// A victim met its fault at a kill point.
    Killed,
    /// The number of kill points that were never reached: victims took another path.
    Missed(usize),
    /// A defect. The testbed ends: its arena is of no more use.
    Found(Finding),
    /// The job is done.
    Done,
}

/// Prints the line.
pub fn emit(progress: &Progress) {
    let line = serde_json::to_string(progress).expect("progress is plain data");
    // This fails when the program that started the testbed is gone, and the kernel ends the testbed next.
    let _ = writeln!(std::io::stdout(), "{line}");
}
