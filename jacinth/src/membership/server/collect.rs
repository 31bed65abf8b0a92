//! Collecting everything now, when a process asks for it.

use crate::membership::report::CollectReport;
use crate::membership::server::deaths::{check_pidfds, check_suspects, has_news};
use crate::membership::server::recovery::SLICE;
use crate::membership::server::state::Server;
use crate::types::status::Status;

/// Recovers all that are dead by now, finishes unfinished recoveries, collects garbage cycles, reclaims, and gives free
/// memory back to the system.
pub(crate) fn collect(server: &mut Server) -> Result<CollectReport, Status> {
    check_pidfds(server, None);
    server.recovery.take_up_unfinished(&server.thread);
    while !server.recovery.is_complete() {
        server.recovery.run_for(&server.thread, SLICE);
        // The announcement of other deaths comes before the recovery of these.
        if has_news(&server.members, server.death_watch.as_ref()) {
            check_suspects(server);
            check_pidfds(server, None);
        }
    }
    server.recovery.collect(&server.thread)
}
