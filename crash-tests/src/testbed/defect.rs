//! The defects that a testbed can find.

use serde::{Deserialize, Serialize};

/// A kind of defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DefectKind {
    /// Something is left over.
    Leak,
    /// The audit found an inconsistency.
    Audit,
    /// A sleeper sleeps on.
    LostWake,
    /// A survivor saw a breach of the operation's guarantee.
    BrokenGuarantee,
    /// The victim did not come to an end.
    Hang,
    /// The victim failed at its operation.
    Victim,
    /// The testbed ended by an error, or in a way that it does not check for. Either may be the arena's fault.
    Testbed,
}

impl std::fmt::Display for DefectKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Leak => "leak",
            Self::Audit => "audit failure",
            Self::LostWake => "lost wake",
            Self::BrokenGuarantee => "broken guarantee",
            Self::Hang => "hang",
            Self::Victim => "the victim failed",
            Self::Testbed => "the testbed failed",
        })
    }
}

/// A defect that a round found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Defect {
    /// Its kind.
    pub kind: DefectKind,
    /// A sentence for the reader.
    pub text: String,
}

impl Defect {
    /// A defect of this kind.
    pub fn new(kind: DefectKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }
}

impl std::fmt::Display for Defect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.kind, self.text)
    }
}
