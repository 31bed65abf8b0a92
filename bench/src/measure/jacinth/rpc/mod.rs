//! Calls from client processes to a server with one thread, which waits at a port, with the default settings.

pub mod tasks;

use super::READABLE_OR_CLOSED;
use crate::measure::rpc::Service;
use crate::measure::rpc::calls::Calls;
use crate::measure::rpc::seat::{ClientSeat, ServerSeat};
use crate::process::team::{Part, Seat};
use anyhow::{Context as _, Result};
use jacinth::{Channel, MessageBuf, MonotonicInstant, Port, Status, Supervisor, WaitAsyncOpts};
use std::process::{Child, Command};

/// The service: a channel for each client, and one port.
pub struct ChannelCall;

impl Service for ChannelCall {
    const WHO: &'static str = super::WHO;

    /// Each client has its end of a channel as its startup handle. The server gets the other ends over its own.
    fn starter(clients: usize) -> Result<impl FnMut(&Seat, &mut Command) -> Result<Child>> {
        let supervisor = Supervisor::get()?;
        let pairs = (0..clients).map(|_| Channel::try_create()).collect::<Result<Vec<_>, _>>();
        let (ends, served): (Vec<_>, Vec<_>) =
            pairs.context("making the clients' channels")?.into_iter().unzip();
        let (line, startup) = Channel::try_create().context("making the server's channel")?;
        line.write(b"", &mut served.into_iter().map(Into::into).collect::<Vec<_>>())?;
        let mut ends: Vec<_> = ends.into_iter().map(Some).collect();
        let mut startup = Some(startup);
        Ok(move |seat: &Seat, program: &mut Command| {
            let handle = match seat.part {
                Part::Server => startup.take(),
                Part::Client => ends.get_mut(seat.index).and_then(Option::take),
                Part::Writer | Part::Reader => None,
            };
            Ok(supervisor.spawn(program, handle.context("a member is started twice")?)?)
        })
    }

    fn serve(seat: &ServerSeat<'_>) -> Result<u64> {
        let mut channels: Vec<Option<Channel>> = clients_channels()?.into_iter().map(Some).collect();
        let mut message = MessageBuf::new();
        seat.listening(vec![String::new(); channels.len()])?;

        let port = Port::create();
        for (key, channel) in (0..).zip(channels.iter().flatten()) {
            channel.wait_async(&port, key, READABLE_OR_CLOSED, WaitAsyncOpts::REPEATING)?;
        }
        let mut answered = 0;
        while channels.iter().any(Option::is_some) {
            let client = usize::try_from(port.wait(MonotonicInstant::INFINITE)?.key())?;
            // A channel that is closed may have left a packet.
            while let Some(channel) = &channels[client] {
                match channel.read(&mut message) {
                    // The transaction id stands first in both.
                    Ok(()) => channel.write(message.bytes(), &mut [])?,
                    // The next message sends the next packet.
                    Err(Status::SHOULD_WAIT) => break,
                    Err(Status::PEER_CLOSED) => {
                        channels[client] = None;
                        break;
                    }
                    Err(status) => return Err(status.into()),
                }
                answered += 1;
            }
        }
        Ok(answered)
    }

    fn call(seat: &ClientSeat<'_>) -> Result<Calls> {
        let channel = Channel::from(jacinth::take_startup_handle()?);
        let mut reply = MessageBuf::new();
        let mut calls = seat.connected()?;
        while let Some(request) = calls.next_request() {
            channel.call(MonotonicInstant::INFINITE, &request, &mut [], &mut reply)?;
            calls.replied(reply.bytes())?;
        }
        Ok(calls)
    }
}

/// The server's ends of all clients' channels, which its starter gave to it.
pub(super) fn clients_channels() -> Result<Vec<Channel>> {
    let line = Channel::from(jacinth::take_startup_handle()?);
    let mut message = MessageBuf::new();
    line.read(&mut message).context("taking the clients' channels")?;
    Ok(message.take_handles().into_iter().map(Channel::from).collect())
}
