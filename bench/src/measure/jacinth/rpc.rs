//! Calls from client processes to a server with one thread, with the default settings.

use super::READABLE_OR_CLOSED;
use crate::measure::rpc::Service;
use crate::measure::rpc::calls::Calls;
use crate::measure::rpc::seat::{ClientSeat, ServerSeat};
use crate::process::team::{Part, Seat};
use anyhow::{Context as _, Result};
use jacinth::{Channel, MessageBuf, MonotonicInstant, Status, Supervisor, WaitItem, object_wait_many};
use std::process::{Child, Command};

/// The service: a channel for each client.
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
            };
            Ok(supervisor.spawn(program, handle.context("a member is started twice")?)?)
        })
    }

    fn serve(seat: &ServerSeat<'_>) -> Result<u64> {
        let line = Channel::from(jacinth::take_startup_handle()?);
        let mut message = MessageBuf::new();
        line.read(&mut message).context("taking the clients' channels")?;
        let channels: Vec<Channel> = message.take_handles().into_iter().map(Channel::from).collect();
        drop(line);
        seat.listening(vec![String::new(); channels.len()])?;

        let mut waiting = Waiting::on(&channels);
        let mut answered = 0;
        while waiting.has_any() {
            for client in waiting.next_ready()? {
                match channels[client].read(&mut message) {
                    // The transaction id stands first in both.
                    Ok(()) => channels[client].write(message.bytes(), &mut [])?,
                    Err(Status::PEER_CLOSED) => {
                        waiting.forget(client);
                        continue;
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

/// The one place where the server waits.
struct Waiting<'c> {
    items: Vec<WaitItem<'c>>,
    /// The number of each item's channel.
    clients: Vec<usize>,
}

impl<'c> Waiting<'c> {
    /// For requests on any of these channels.
    fn on(channels: &'c [Channel]) -> Self {
        let items = channels.iter().map(|channel| WaitItem::new(channel, READABLE_OR_CLOSED)).collect();
        Self { items, clients: (0..channels.len()).collect() }
    }

    fn has_any(&self) -> bool {
        !self.items.is_empty()
    }

    /// Sleeps until there are some, and gives the numbers of their channels.
    fn next_ready(&mut self) -> Result<Vec<usize>> {
        object_wait_many(&mut self.items, MonotonicInstant::INFINITE)?;
        let ready = self.clients.iter().zip(&self.items);
        Ok(ready
            .filter(|(_, item)| item.pending.intersects(READABLE_OR_CLOSED))
            .map(|(client, _)| *client)
            .collect())
    }

    /// Waits for this channel no longer.
    fn forget(&mut self, client: usize) {
        if let Some(index) = self.clients.iter().position(|other| *other == client) {
            self.clients.remove(index);
            self.items.remove(index);
        }
    }
}
