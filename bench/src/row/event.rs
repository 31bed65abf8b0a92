//! Rows of events.

use super::definition::Row;
use crate::measure::Alone;
use crate::measure::jacinth::operation::EventCreateClose;
use crate::measure::limit::kernel::EventFd;

static EVENT_CREATE_CLOSE: Alone<EventCreateClose> = Alone::new("event_create_close");
static EVENTFD: Alone<EventFd> = Alone::new("each");

/// The rows, in the order of the report.
pub static ROWS: &[Row] = &[Row {
    name: "event_create_close",
    about: "an event made and closed",
    jacinth: &EVENT_CREATE_CLOSE,
    reference: &EVENTFD,
    peers: &[],
    target: 0.08,
    conditions: &[],
}];
