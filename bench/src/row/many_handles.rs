//! Rows of operations in a process that holds a million handles.

use super::definition::Row;
use crate::measure::Alone;
use crate::measure::jacinth::many_handles::AmongHandles;
use crate::measure::jacinth::many_handles::FEW;
use crate::measure::jacinth::many_handles::MANY;
use crate::measure::jacinth::operation::Both;
use crate::measure::jacinth::operation::DuplicateClose;
use crate::measure::jacinth::operation::WriteRead;

type Mixed = Both<DuplicateClose, WriteRead>;
static MIXED_MANY: Alone<AmongHandles<Mixed, MANY>> = Alone::new("scale");
static MIXED_FEW: Alone<AmongHandles<Mixed, FEW>> = Alone::new("scale");
static DUPLICATE_MANY: Alone<AmongHandles<DuplicateClose, MANY>> = Alone::new("scale_duplicate_close");
static DUPLICATE_FEW: Alone<AmongHandles<DuplicateClose, FEW>> = Alone::new("scale_duplicate_close");
static WRITE_READ_MANY: Alone<AmongHandles<WriteRead, MANY>> = Alone::new("scale_write_read");
static WRITE_READ_FEW: Alone<AmongHandles<WriteRead, FEW>> = Alone::new("scale_write_read");

/// The rows, in the order of the report.
pub static ROWS: &[Row] = &[
    Row {
        name: "scale",
        about: "a handle duplicated and closed, 64 bytes written and read, in a process that holds 1,000,000 handles \
                of as many events, against 1,000",
        jacinth: &MIXED_MANY,
        reference: &MIXED_FEW,
        peers: &[],
        target: 1.3,
        conditions: &[],
    },
    Row {
        name: "scale_duplicate_close",
        about: "the first half of scale by itself",
        jacinth: &DUPLICATE_MANY,
        reference: &DUPLICATE_FEW,
        peers: &[],
        target: 1.3,
        conditions: &[],
    },
    Row {
        name: "scale_write_read",
        about: "the second half of scale by itself",
        jacinth: &WRITE_READ_MANY,
        reference: &WRITE_READ_FEW,
        peers: &[],
        target: 1.3,
        conditions: &[],
    },
];
