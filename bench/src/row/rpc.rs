//! Rows of calls from client processes to one server process, with the default settings.

use super::definition::{Condition, Row};
use crate::measure::jacinth::rpc::ChannelCall;
use crate::measure::jacinth::rpc::tasks::{AsyncCall, BlockingClients};
use crate::measure::peer::iceoryx2::wait_set::RequestWaitSet;
use crate::measure::peer::ipc_receiver_set::ReceiverSet;
use crate::measure::peer::unix::epoll::UnixEpoll;
use crate::measure::peer::unix::threads::UnixThreads;
use crate::measure::peer::unix::tokio::UnixTokio;
use crate::measure::rpc::Rpc;

static JACINTH_1: Rpc<ChannelCall> = Rpc::new("rpc_1", 1);
static JACINTH_8: Rpc<ChannelCall> = Rpc::new("rpc_8", 8);
static JACINTH_50: Rpc<ChannelCall> = Rpc::new("rpc_50", 50);
static ASYNC_8: Rpc<AsyncCall> = Rpc::new("rpc_async_8", 8);
static ASYNC_BLOCKING_8: Rpc<BlockingClients> = Rpc::new("rpc_async_8", 8);
static ASYNC_TOKIO_8: Rpc<UnixTokio> = Rpc::new("rpc_async_8", 8);
static EPOLL_1: Rpc<UnixEpoll> = Rpc::new("rpc_1", 1);
static EPOLL_8: Rpc<UnixEpoll> = Rpc::new("rpc_8", 8);
static EPOLL_50: Rpc<UnixEpoll> = Rpc::new("rpc_50", 50);
static THREADS_1: Rpc<UnixThreads> = Rpc::new("rpc_1", 1);
static THREADS_8: Rpc<UnixThreads> = Rpc::new("rpc_8", 8);
static THREADS_50: Rpc<UnixThreads> = Rpc::new("rpc_50", 50);
static TOKIO_1: Rpc<UnixTokio> = Rpc::new("rpc_1", 1);
static TOKIO_8: Rpc<UnixTokio> = Rpc::new("rpc_8", 8);
static TOKIO_50: Rpc<UnixTokio> = Rpc::new("rpc_50", 50);
static IPC_1: Rpc<ReceiverSet> = Rpc::new("rpc_1", 1);
static IPC_8: Rpc<ReceiverSet> = Rpc::new("rpc_8", 8);
static IPC_50: Rpc<ReceiverSet> = Rpc::new("rpc_50", 50);
static ICEORYX2_1: Rpc<RequestWaitSet> = Rpc::new("rpc_1", 1);
static ICEORYX2_8: Rpc<RequestWaitSet> = Rpc::new("rpc_8", 8);
static ICEORYX2_50: Rpc<RequestWaitSet> = Rpc::new("rpc_50", 50);

/// The rows, in the order of the report.
pub static ROWS: &[Row] = &[
    Row {
        name: "rpc_1",
        about: "calls of 64 bytes from one client process, nothing pinned, default settings",
        jacinth: &JACINTH_1,
        reference: &EPOLL_1,
        peers: &[&THREADS_1, &TOKIO_1, &IPC_1, &ICEORYX2_1],
        target: 2.5,
        conditions: &[Condition::SlowestRound, Condition::ProcessorTime(1.0)],
    },
    Row {
        name: "rpc_8",
        about: "the same from 8 client processes to one server process",
        jacinth: &JACINTH_8,
        reference: &EPOLL_8,
        peers: &[&THREADS_8, &TOKIO_8, &IPC_8, &ICEORYX2_8],
        target: 2.0,
        conditions: &[Condition::ProcessorTime(1.0)],
    },
    Row {
        name: "rpc_50",
        about: "the same from 50 client processes to one server process",
        jacinth: &JACINTH_50,
        reference: &EPOLL_50,
        peers: &[&THREADS_50, &TOKIO_50, &IPC_50, &ICEORYX2_50],
        target: 2.0,
        conditions: &[Condition::ProcessorTime(1.0)],
    },
    Row {
        name: "rpc_async_8",
        about: "the same from 8 client processes to one server process, both with tasks on tokio",
        jacinth: &ASYNC_8,
        reference: &ASYNC_TOKIO_8,
        peers: &[&ASYNC_BLOCKING_8],
        target: 2.0,
        conditions: &[Condition::ProcessorTime(1.0)],
    },
];
