//! Calls with ipc-channel: a server that waits on an `IpcReceiverSet`, in which each client has a receiver.

use crate::measure::rpc::Service;
use crate::measure::rpc::calls::Calls;
use crate::measure::rpc::seat::{ClientSeat, ServerSeat};
use anyhow::{Context as _, Result};
use ipc_channel::ipc::{
    IpcOneShotServer, IpcReceiver, IpcReceiverSet, IpcSelectionResult, IpcSender, channel,
};
use std::collections::HashMap;

/// The service.
pub struct ReceiverSet;

/// The first message of a client: the server's ends of its two channels.
type Ends = (IpcReceiver<Vec<u8>>, IpcSender<Vec<u8>>);

impl Service for ReceiverSet {
    const WHO: &'static str = "ipc_receiver_set";

    fn serve(seat: &ServerSeat<'_>) -> Result<u64> {
        let doors = (0..seat.clients).map(|_| IpcOneShotServer::<Ends>::new());
        let (doors, names) = doors.collect::<Result<(Vec<_>, Vec<_>), _>>()?;
        seat.listening(names)?;
        let mut set = IpcReceiverSet::new()?;
        let mut clients = HashMap::new();
        for door in doors {
            let (_, (requests, replies)) = door.accept()?;
            clients.insert(set.add(requests)?, replies);
        }
        let mut answered = 0;
        while !clients.is_empty() {
            for selected in set.select()? {
                match selected {
                    IpcSelectionResult::MessageReceived(client, request) => {
                        let replies = clients.get(&client).context("a request of an unknown client")?;
                        replies.send(request.to()?)?;
                        answered += 1;
                    }
                    IpcSelectionResult::ChannelClosed(client) => {
                        clients.remove(&client);
                    }
                }
            }
        }
        Ok(answered)
    }

    fn call(seat: &ClientSeat<'_>) -> Result<Calls> {
        let (requests, theirs) = channel::<Vec<u8>>()?;
        let (their_replies, replies) = channel::<Vec<u8>>()?;
        IpcSender::connect(seat.address.to_owned())?.send((theirs, their_replies))?;
        let mut calls = seat.connected()?;
        while let Some(request) = calls.next_request() {
            requests.send(request.to_vec())?;
            calls.replied(&replies.recv()?)?;
        }
        Ok(calls)
    }
}
