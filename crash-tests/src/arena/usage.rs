//! The contents of an arena, as far as they must be the same after every death.

use jacinth::{Audit, Supervisor};

/// How much of an arena is in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResourceUsage {
    /// Attached processes.
    pub processes: u32,
    /// Threads with a row; `None` when their number is unknown.
    pub threads: Option<u32>,
    objects: u32,
    /// Objects that have ended and still take a slot.
    pub retired: u32,
    /// Handles in the tables of processes.
    pub handles: u32,
    in_transit: u32,
    messages: u64,
    blocks: u32,
}

impl ResourceUsage {
    /// The usage of the arena now.
    pub fn of(supervisor: &Supervisor) -> Self {
        let Audit { processes, threads, objects, retired, handles, in_transit, messages, blocks, .. } =
            supervisor.inspect();
        Self { processes, threads: Some(threads), objects, retired, handles, in_transit, messages, blocks }
    }

    /// The usage once the initial leader is dead. Threads of this process take over from the leader's, so the number of
    /// threads is unknown then.
    pub fn without_initial_leader(self) -> Self {
        Self { processes: self.processes - 1, threads: None, ..self }
    }

    /// Whether this is the expected usage.
    pub fn matches(&self, expected: &Self) -> bool {
        let threads = if expected.threads.is_none() { None } else { self.threads };
        Self { threads, ..*self } == *expected
    }
}

impl std::fmt::Display for ResourceUsage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { processes, threads, objects, retired, handles, in_transit, messages, blocks } = self;
        write!(
            f,
            "{processes} processes, {} threads, {objects} objects ({retired} retired), {handles} handles, \
             {in_transit} in transit, {messages} messages, {blocks} blocks",
            threads.map_or("some".into(), |threads| threads.to_string())
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_threads_match_any_number() {
        let now = ResourceUsage { processes: 2, threads: Some(5), handles: 3, ..ResourceUsage::default() };
        let expected = ResourceUsage { processes: 3, threads: Some(9), ..now }.without_initial_leader();
        assert!(now.matches(&expected));
        assert!(!ResourceUsage { handles: 4, ..now }.matches(&expected));
        assert!(!now.matches(&ResourceUsage { threads: Some(6), ..now }));
    }
}
