//! The outcome of a mutant's trial.

use crate::site::Mutant;
use std::time::Duration;

/// A mutant, its verdict, and the time that the trial took.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub mutant: Mutant,
    pub verdict: Verdict,
    pub took: Duration,
}

/// Whether a model noticed the weakening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// By the model that failed.
    Caught(String),
    /// By the model that did not end in time.
    Hangs(String),
    /// After so many models.
    Survived(usize),
    /// The time ran out after so many models of so many.
    Undecided(usize, usize),
    /// No model passes there.
    Unreached,
}

impl Outcome {
    pub fn survived(&self) -> bool {
        !matches!(self.verdict, Verdict::Caught(_) | Verdict::Hangs(_))
    }
}
