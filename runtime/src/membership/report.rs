//! What a supervisor has collected.

use jacinth_shm::Recovered;

/// What the supervisor has collected since it took office: since the arena was created, or since the last one died.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What was done for processes that died.
    pub recovered: Recovered,
    /// Objects whose memory was made free again by the supervisor; most are by their users.
    pub objects_reclaimed: u32,
    /// Ends of channels that were queued only inside each other, where nobody could read them.
    pub ends_collected: u32,
    /// Bytes of free memory that went back to the system.
    pub bytes_given_back: u64,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Recovered {
            processes,
            threads,
            handles_closed,
            operations_finished,
            operations_undone,
            blocks_freed,
            objects_retired,
        } = self.recovered;
        write!(
            f,
            "{processes} processes recovered ({threads} threads): {handles_closed} handles closed, \
             {operations_finished} operations finished, {operations_undone} undone, {blocks_freed} blocks freed, \
             {objects_retired} objects retired, {} reclaimed, {} garbage ends of channels, {} bytes given back",
            self.objects_reclaimed, self.ends_collected, self.bytes_given_back
        )
    }
}
