//! Calls over Unix sockets: a server with a thread for each client. All threads block.

use super::epoll::{answer, call_over, listen_at};
use crate::measure::rpc::Service;
use crate::measure::rpc::calls::Calls;
use crate::measure::rpc::seat::{ClientSeat, ServerSeat};
use anyhow::{Context as _, Result, anyhow};
use rustix::net::{SocketFlags, accept_with};
use std::os::fd::OwnedFd;

/// The service.
pub struct UnixThreads;

impl Service for UnixThreads {
    const WHO: &'static str = "unix_threads";

    fn serve(seat: &ServerSeat<'_>) -> Result<u64> {
        let name = seat.new_name();
        let listener = listen_at(&name, seat.clients)?;
        seat.listening(vec![name; seat.clients])?;
        let mut threads = Vec::with_capacity(seat.clients);
        for _ in 0..seat.clients {
            let connection = accept_with(&listener, SocketFlags::CLOEXEC).context("accept")?;
            threads.push(std::thread::Builder::new().spawn(move || serve_one(connection))?);
        }
        threads
            .into_iter()
            .map(|thread| thread.join().map_err(|_| anyhow!("a thread of the server panicked"))?)
            .sum()
    }

    fn call(seat: &ClientSeat<'_>) -> Result<Calls> {
        call_over(seat)
    }
}

/// Answers a client until it is gone.
fn serve_one(connection: OwnedFd) -> Result<u64> {
    let mut answered = 0;
    while answer(&connection)? {
        answered += 1;
    }
    Ok(answered)
}
