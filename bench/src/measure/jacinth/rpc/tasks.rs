//! Calls from client processes to a server of tasks: tokio on one thread, over `jacinth-async`, whose port tokio waits for
//! by a file descriptor. The clients are as `unix_tokio`'s, on a runtime of one thread too, or make blocking calls.

use super::{ChannelCall, clients_channels};
use crate::measure::peer::unix::tokio::on_one_thread;
use crate::measure::rpc::Service;
use crate::measure::rpc::calls::Calls;
use crate::measure::rpc::seat::{ClientSeat, ServerSeat};
use crate::process::team::Seat;
use anyhow::{Context as _, Result};
use jacinth::{MessageBuf, Status};
use jacinth_async::{Channel, Driver, runtime};
use std::process::{Child, Command};
use tokio::task::JoinSet;

/// The service, and clients that call it as tasks.
pub struct AsyncCall;

impl Service for AsyncCall {
    const WHO: &'static str = crate::measure::jacinth::WHO;

    fn starter(clients: usize) -> Result<impl FnMut(&Seat, &mut Command) -> Result<Child>> {
        ChannelCall::starter(clients)
    }

    fn serve(seat: &ServerSeat<'_>) -> Result<u64> {
        let channels = clients_channels()?;
        on_one_thread(async {
            tokio::spawn(runtime::tokio::drive(Driver::install()?));
            seat.listening(vec![String::new(); channels.len()])?;
            let mut tasks = JoinSet::new();
            for channel in channels {
                tasks.spawn(serve_one(Channel::from(channel)));
            }
            let mut answered = 0;
            while let Some(task) = tasks.join_next().await {
                answered += task.context("a task of the server panicked")??;
            }
            Ok(answered)
        })
    }

    fn call(seat: &ClientSeat<'_>) -> Result<Calls> {
        let channel = Channel::from(jacinth::Channel::from(jacinth::take_startup_handle()?));
        on_one_thread(async {
            tokio::spawn(runtime::tokio::drive(Driver::install()?));
            let mut calls = seat.connected()?;
            while let Some(request) = calls.next_request() {
                calls.replied(channel.call(&request, &mut []).await?.bytes())?;
            }
            Ok(calls)
        })
    }
}

/// The same service, and clients that block in their calls.
pub struct BlockingClients;

impl Service for BlockingClients {
    const WHO: &'static str = "blocking_clients";

    fn starter(clients: usize) -> Result<impl FnMut(&Seat, &mut Command) -> Result<Child>> {
        ChannelCall::starter(clients)
    }

    fn serve(seat: &ServerSeat<'_>) -> Result<u64> {
        AsyncCall::serve(seat)
    }

    fn call(seat: &ClientSeat<'_>) -> Result<Calls> {
        ChannelCall::call(seat)
    }
}

/// Answers a client until it is gone.
async fn serve_one(channel: Channel) -> Result<u64> {
    let (mut message, mut answered) = (MessageBuf::new(), 0);
    loop {
        match channel.recv_into(&mut message).await {
            // The transaction id stands first in both.
            Ok(()) => channel.send(message.bytes(), &mut []).await?,
            Err(Status::PEER_CLOSED) => return Ok(answered),
            Err(status) => return Err(status.into()),
        }
        answered += 1;
    }
}
