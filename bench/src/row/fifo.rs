//! Rows of fifos.

use super::definition::Row;
use crate::measure::Alone;
use crate::measure::jacinth::fifo::{ChannelBytes, FifoCreateClose, FifoRate};
use crate::measure::limit::kernel::SocketPair;

static FIFO_CREATE_CLOSE: Alone<FifoCreateClose> = Alone::new("fifo_create_close");
static SOCKETPAIR: Alone<SocketPair> = Alone::new("each");

/// The rows, in the order of the report.
pub static ROWS: &[Row] = &[
    Row {
        name: "fifo_rate",
        about: "bytes of elements of 32 bytes, written and read in batches of 16; beside a channel's, of messages of 64 \
                bytes in batches of 32",
        jacinth: &FifoRate,
        reference: &ChannelBytes,
        peers: &[],
        target: 0.8,
        conditions: &[],
    },
    Row {
        name: "fifo_create_close",
        about: "a fifo for 128 elements of 32 bytes each way, made and both its ends closed",
        jacinth: &FIFO_CREATE_CLOSE,
        reference: &SOCKETPAIR,
        peers: &[],
        target: 0.08,
        conditions: &[],
    },
];
