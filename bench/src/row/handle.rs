//! Rows of handles of any object.

use super::definition::Row;
use super::limits::NULL_CALL;
use crate::measure::Alone;
use crate::measure::jacinth::operation::DuplicateClose;
use crate::measure::jacinth::operation::HandleLookup;
use crate::measure::jacinth::transfer::Transfer;
use crate::measure::jacinth::vmo::VmoHandover;
use crate::measure::limit::kernel::DupClose;
use crate::measure::limit::kernel::FcntlGetfd;
use crate::measure::peer::unix::fd::UnixFd;
use crate::measure::peer::unix::memfd::MemfdHandover;

static DUPLICATE_CLOSE: Alone<DuplicateClose> = Alone::new("duplicate_close");
static HANDLE_LOOKUP: Alone<HandleLookup> = Alone::new("handle_lookup");
static DUP_CLOSE: Alone<DupClose> = Alone::new("each");
static FCNTL_GETFD: Alone<FcntlGetfd> = Alone::new("each");

/// The rows, in the order of the report.
pub static ROWS: &[Row] = &[
    Row {
        name: "transfer_rtt",
        about: "an event handle moved there and back",
        jacinth: &Transfer,
        reference: &UnixFd,
        peers: &[],
        target: 0.1,
        conditions: &[],
    },
    Row {
        name: "vmo_handover_16MiB",
        about: "16 MiB made known to another process, which maps them, reads two bytes, unmaps them and gives them back",
        jacinth: &VmoHandover,
        reference: &MemfdHandover,
        peers: &[],
        target: 0.5,
        conditions: &[],
    },
    Row {
        name: "duplicate_close",
        about: "a handle duplicated, and the duplicate closed",
        jacinth: &DUPLICATE_CLOSE,
        reference: &DUP_CLOSE,
        peers: &[],
        target: 0.18,
        conditions: &[],
    },
    Row {
        name: "handle_lookup",
        about: "the validity of a handle (HANDLE_VALID)",
        jacinth: &HANDLE_LOOKUP,
        reference: &FCNTL_GETFD,
        peers: &[&NULL_CALL],
        target: 0.05,
        conditions: &[],
    },
];
