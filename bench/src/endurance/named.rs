//! Clients of a name: each connects, asks, and goes. The server itself is replaced now and then, and takes its name over.

use super::meter::Meter;
use anyhow::{Result, ensure};
use jacinth::{Listener, MessageBuf, MonotonicInstant, connect, serve};

/// How many clients a server has.
const CLIENTS_OF_A_SERVER: u64 = 1000;

/// A channel by name for each client.
pub fn clients(meter: &mut Meter<'_>) -> Result<()> {
    let mut message = MessageBuf::new();
    while !meter.is_over() {
        let listener = serve("endurance")?;
        for _ in 0..CLIENTS_OF_A_SERVER {
            meter.time(1, || meet(&listener, &mut message))?;
        }
    }
    Ok(())
}

fn meet(listener: &Listener, message: &mut MessageBuf) -> Result<()> {
    let client = connect("endurance", MonotonicInstant::INFINITE_PAST)?;
    client.write(b"a request", &mut [])?;
    let server = listener.accept()?;
    server.read(message)?;
    ensure!(message.bytes() == b"a request", "a message of another client");
    Ok(())
}
