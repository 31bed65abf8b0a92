//! Clients of a port: each is observed, asks, and goes. The port itself is replaced now and then.

use super::meter::Meter;
use anyhow::{Result, ensure};
use jacinth::{Channel, MessageBuf, MonotonicInstant, Port, Signals, WaitAsyncOpts};

/// How many clients a port serves.
const CLIENTS_OF_A_PORT: u64 = 1000;

/// A channel for each client, observed once for its request, and repeatedly for its end.
pub fn clients(meter: &mut Meter<'_>) -> Result<()> {
    let mut message = MessageBuf::new();
    let mut key = 0;
    while !meter.is_over() {
        let port = Port::try_create()?;
        // These observers end with their port.
        let (idle, _peer) = Channel::try_create()?;
        idle.wait_async(&port, u64::MAX, Signals::CHANNEL_READABLE, WaitAsyncOpts::REPEATING)?;
        for _ in 0..CLIENTS_OF_A_PORT {
            key += 1;
            meter.time(1, || serve(&port, key, &mut message))?;
        }
    }
    Ok(())
}

fn serve(port: &Port, key: u64, message: &mut MessageBuf) -> Result<()> {
    let (ours, theirs) = Channel::try_create()?;
    ours.wait_async(port, key, Signals::CHANNEL_READABLE, WaitAsyncOpts::ONCE)?;
    theirs.write(b"a request", &mut [])?;
    ensure!(port.wait(MonotonicInstant::INFINITE_PAST)?.key() == key, "a packet of another client");
    ours.read(message)?;
    ours.wait_async(port, key, Signals::CHANNEL_PEER_CLOSED, WaitAsyncOpts::REPEATING)?;
    drop(theirs);
    ensure!(port.wait(MonotonicInstant::INFINITE_PAST)?.key() == key, "a packet of another client");
    Ok(())
}
