//! Calls over Unix sockets: a server with one thread that asks epoll, level-triggered, which sockets have a request.
//! Its clients write and read, and sleep in between. The sockets are seqpacket ones, which keep messages whole.

use crate::measure::rpc::Service;
use crate::measure::rpc::calls::{BYTES, Calls};
use crate::measure::rpc::seat::{ClientSeat, ServerSeat};
use anyhow::{Context as _, Result, ensure};
use rustix::buffer::spare_capacity;
use rustix::event::epoll;
use rustix::io::retry_on_intr;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, connect,
    listen, recv, send, socket_with,
};
use std::os::fd::{AsFd, OwnedFd};

/// The service.
pub struct UnixEpoll;

/// In place of a connection's number.
const LISTENER: u64 = u64::MAX;

impl Service for UnixEpoll {
    const WHO: &'static str = "unix_epoll";

    fn serve(seat: &ServerSeat<'_>) -> Result<u64> {
        let name = seat.new_name();
        let listener = listen_at(&name, seat.clients)?;
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &listener, epoll::EventData::new_u64(LISTENER), epoll::EventFlags::IN)?;
        seat.listening(vec![name; seat.clients])?;

        let mut connections: Vec<Option<OwnedFd>> = Vec::new();
        let mut gone = 0;
        let mut answered = 0;
        let mut events = Vec::with_capacity(64);
        while gone < seat.clients {
            retry_on_intr(|| epoll::wait(&epoll, spare_capacity(&mut events), None)).context("epoll_wait")?;
            for event in events.drain(..) {
                if event.data.u64() == LISTENER {
                    let connection = accept_with(&listener, SocketFlags::CLOEXEC).context("accept")?;
                    let number = epoll::EventData::new_u64(connections.len() as u64);
                    epoll::add(&epoll, &connection, number, epoll::EventFlags::IN)?;
                    connections.push(Some(connection));
                    continue;
                }
                let slot = connections.get_mut(event.data.u64() as usize).context("an unknown connection")?;
                let connection = slot.as_ref().context("a closed connection")?;
                if answer(connection)? {
                    answered += 1;
                } else {
                    // epoll forgets it with the descriptor.
                    *slot = None;
                    gone += 1;
                }
            }
        }
        Ok(answered)
    }

    fn call(seat: &ClientSeat<'_>) -> Result<Calls> {
        call_over(seat)
    }
}

/// A socket that so many clients can connect to at once.
pub(super) fn listen_at(name: &str, clients: usize) -> Result<OwnedFd> {
    let listener = socket()?;
    bind(&listener, &SocketAddrUnix::new_abstract_name(name.as_bytes())?).context("bind")?;
    listen(&listener, i32::try_from(clients)?).context("listen")?;
    Ok(listener)
}

/// Receives a request and sends it back. `false`: the client is gone.
#[inline]
pub(super) fn answer(connection: impl AsFd) -> Result<bool> {
    let mut request = [0; BYTES];
    let (_, bytes) =
        retry_on_intr(|| recv(&connection, &mut request[..], RecvFlags::empty())).context("recv")?;
    if bytes == 0 {
        return Ok(false);
    }
    ensure!(bytes == BYTES, "a request of {bytes} bytes");
    retry_on_intr(|| send(&connection, &request, SendFlags::NOSIGNAL)).context("send")?;
    Ok(true)
}

/// A client that blocks.
pub(super) fn call_over(seat: &ClientSeat<'_>) -> Result<Calls> {
    let connection = socket()?;
    connect(&connection, &SocketAddrUnix::new_abstract_name(seat.address.as_bytes())?).context("connect")?;
    let mut reply = [0; BYTES];
    let mut calls = seat.connected()?;
    while let Some(request) = calls.next_request() {
        retry_on_intr(|| send(&connection, &request, SendFlags::NOSIGNAL)).context("send")?;
        let (_, bytes) =
            retry_on_intr(|| recv(&connection, &mut reply[..], RecvFlags::empty())).context("recv")?;
        calls.replied(&reply[..bytes])?;
    }
    Ok(calls)
}

fn socket() -> Result<OwnedFd> {
    socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).context("socket")
}
