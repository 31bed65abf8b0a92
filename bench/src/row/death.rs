//! Rows of the latency of a death.

use super::definition::Row;
use crate::measure::death::Death;
use crate::measure::jacinth::peer_closed::PeerClosed;
use crate::measure::limit::pidfd::Pidfd;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
static PEER_CLOSED: Death<PeerClosed> = Death::new("death", 0);
static PIDFD: Death<Pidfd> = Death::new("death", 0);
static PEER_CLOSED_256M: Death<PeerClosed> = Death::new("death_256MiB", 256 * MIB);
static PIDFD_256M: Death<Pidfd> = Death::new("death_256MiB", 256 * MIB);

/// The rows, in the order of the report.
pub static ROWS: &[Row] = &[
    Row {
        name: "death_to_peer_closed",
        about: "from SIGKILL to a sleeping waiter that sees PEER_CLOSED",
        jacinth: &PEER_CLOSED,
        reference: &PIDFD,
        peers: &[],
        target: 1.7,
        conditions: &[],
    },
    Row {
        name: "death_to_peer_closed_256MiB",
        about: "from SIGKILL to PEER_CLOSED, the victim having touched 256 MiB of its own memory",
        jacinth: &PEER_CLOSED_256M,
        reference: &PIDFD_256M,
        peers: &[],
        target: 0.1,
        conditions: &[],
    },
];
