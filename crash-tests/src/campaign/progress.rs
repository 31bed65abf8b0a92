//! What a stage finds wrong, and what it tells the program that has started it.

use serde::{Deserialize, Serialize};

/// A kind of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Something is left over.
    Leak,
    /// The audit found something out of place.
    Audit,
    /// A sleeper sleeps on.
    LostWake,
    /// A survivor saw what it must not see.
    Promise,
    /// The victim did not come to an end.
    Hang,
    /// The victim failed at what it was to do.
    Victim,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Leak => "leak",
            Self::Audit => "audit failure",
            Self::LostWake => "lost wake",
            Self::Promise => "broken promise",
            Self::Hang => "hang",
            Self::Victim => "the victim failed",
        })
    }
}

/// One failure.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Finding {
    /// What kind it is.
    pub kind: Kind,
    /// The operation.
    pub operation: String,
    /// The instruction before which the victim was killed; none when it had completed the operation.
    pub at: Option<usize>,
    /// That instruction's function and line.
    pub place: String,
    /// What was found.
    pub text: String,
    /// Arguments that bring it about again.
    pub again: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kind, operation, at, place, text, again } = self;
        match at {
            Some(at) => writeln!(f, "{kind}: {operation}, killed before instruction {at} ({place})")?,
            None => writeln!(f, "{kind}: {operation}, {place}")?,
        }
        write!(f, "  {text}\n  again: cargo run --release -p jacinth-crash -- {again}")
    }
}

/// One line from a stage.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    /// The operation was recorded: its length in instructions, and at how many of them victims are to be killed.
    Recorded {
        /// Instructions, those of libraries included.
        instructions: usize,
        /// Kill points that are new.
        points: usize,
    },
    /// One victim was killed at a kill point.
    Killed,
    /// So many kill points were not reached in the end: victims took another way.
    Missed(usize),
    /// Something is wrong. The stage ends; its arena cannot be trusted any more.
    Found(Finding),
    /// All is done.
    Done,
}
