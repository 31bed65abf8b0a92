//! How a victim ended, and the result of a survivor's check.

/// How far the victim came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was killed in the middle of the operation.
    Killed,
    /// It completed the operation, and was killed then.
    Finished,
}

/// The result of a survivor's check: no defect, or a sentence about it.
pub type CheckResult = Result<(), String>;
