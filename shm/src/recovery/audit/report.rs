//! The result of an audit: what there is, and the faults.

/// The counts and the findings of an audit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Audit {
    /// Attached processes.
    pub processes: u32,
    /// Threads with a row.
    pub threads: u32,
    /// Live objects; a pair counts once.
    pub objects: u32,
    /// Objects without references that wait to be reclaimed.
    pub retired: u32,
    /// Handles in tables.
    pub handles: u32,
    /// Handles in messages.
    pub in_transit: u32,
    /// Messages sent and not received.
    pub messages: u64,
    /// Blocks that belong to objects.
    pub blocks: u32,
    /// The faults, a sentence each. Empty when the arena is consistent.
    pub findings: Vec<String>,
}

impl Audit {
    /// Whether there are no findings.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    pub(super) fn find(&mut self, finding: String) {
        // One damaged word can show up in many places; a hundred findings are enough.
        if self.findings.len() < 100 {
            self.findings.push(finding);
        }
    }
}

impl core::fmt::Display for Audit {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "{} processes, {} threads, {} objects ({} retired), {} handles, {} in transit, {} messages, {} blocks: ",
            self.processes,
            self.threads,
            self.objects,
            self.retired,
            self.handles,
            self.in_transit,
            self.messages,
            self.blocks
        )?;
        match self.findings.as_slice() {
            [] => f.write_str("clean"),
            findings => write!(f, "{} findings\n  {}", findings.len(), findings.join("\n  ")),
        }
    }
}
