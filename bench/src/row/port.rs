//! Rows of ports.

use super::definition::Row;
use crate::measure::Alone;
use crate::measure::jacinth::port::{MANY, ObserveOnce, PacketAmong, WriteReadBeside};
use crate::measure::limit::epoll::EpollOneshot;

static PACKET_MANY: Alone<PacketAmong<MANY>> = Alone::new("port_wait_flat");
static PACKET_ONE: Alone<PacketAmong<1>> = Alone::new("port_wait_flat");
static OBSERVE_ONCE: Alone<ObserveOnce> = Alone::new("wait_async");
static EPOLL_ONESHOT: Alone<EpollOneshot> = Alone::new("each");
static WRITE_BESIDE_PORT: Alone<WriteReadBeside<1000>> = Alone::new("write_unobserved");
static WRITE_WITHOUT_PORT: Alone<WriteReadBeside<0>> = Alone::new("write_unobserved");

/// The rows, in the order of the report.
pub static ROWS: &[Row] = &[
    Row {
        name: "port_wait_flat",
        about: "a message written, its packet awaited at a port, the message read: one channel of 100,000 that the port \
                observes, against one of one",
        jacinth: &PACKET_MANY,
        reference: &PACKET_ONE,
        peers: &[],
        target: 1.1,
        conditions: &[],
    },
    Row {
        name: "wait_async",
        about: "a ready channel observed for one packet and the packet awaited, against epoll_ctl with ONESHOT and \
                epoll_wait on a ready socket",
        jacinth: &OBSERVE_ONCE,
        reference: &EPOLL_ONESHOT,
        peers: &[],
        target: 0.3,
        conditions: &[],
    },
    Row {
        name: "write_unobserved",
        about: "64 bytes written and read over a channel that no port observes, in a process whose port observes 1,000 \
                others, against a process without ports",
        jacinth: &WRITE_BESIDE_PORT,
        reference: &WRITE_WITHOUT_PORT,
        peers: &[],
        target: 1.02,
        conditions: &[],
    },
];
