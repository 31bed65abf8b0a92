//! Programs and threads that come, do a little, and go.
//!
//! A new process knows of no free block or slot, and a thread that ends loses those it knew.

use super::meter::Meter;
use super::peer::{Part, Peer, receive, send};
use anyhow::{Result, ensure};
use jacinth::{Channel, MessageBuf, Supervisor};

/// How many messages a client program sends.
pub const MESSAGES: u64 = 1000;
/// The length of one of them, in bytes.
const LARGE: usize = 60_000;
/// The length of the others.
const SMALL: usize = 64;

/// One client program after the other.
pub fn programs(supervisor: &Supervisor, meter: &mut Meter<'_>) -> Result<()> {
    let mut message = MessageBuf::new();
    while !meter.is_over() {
        meter.time(MESSAGES, || {
            let mut client = Peer::spawn(supervisor, Part::Client, 0)?;
            let mut received = 0;
            while receive(&client.line, &mut message)? {
                received += 1;
            }
            ensure!(received == MESSAGES, "a client's {MESSAGES} messages: {received} came");
            client.join()
        })?;
    }
    Ok(())
}

/// The client: it sends, and ends.
pub fn be_a_client(line: &Channel) -> Result<()> {
    let bytes = vec![0x5a; LARGE];
    for _ in 1..MESSAGES {
        send(line, &bytes[..SMALL], &mut Vec::new())?;
    }
    send(line, &bytes, &mut Vec::new())
}

/// The loans of a thread's request, in bytes. Most requests are small.
const LOANS: [usize; 8] = [200, 1 << 20, 4096, 60_000, 200, 16 << 10, 1 << 20, 1000];

/// A thread for each request.
pub fn threads(meter: &mut Meter<'_>) -> Result<()> {
    let mut loans = LOANS.into_iter().cycle();
    while !meter.is_over() {
        let bytes = loans.next().expect("a cycle has no end");
        meter.time(1, || {
            std::thread::spawn(move || be_a_request(bytes)).join().expect("a request does not panic")
        })?;
    }
    Ok(())
}

/// The request: a channel of its own, and a loan of this size through it.
fn be_a_request(bytes: usize) -> Result<()> {
    let (ours, theirs) = Channel::try_create()?;
    let mut loan = ours.reserve(bytes)?;
    // A small loan is written whole, of a large one a part.
    loan.write_at(0, &[0x5a; LARGE][..bytes.min(LARGE)])?;
    loan.commit()?;
    let message = theirs.read_in_place()?;
    ensure!(message.len() == bytes, "{bytes} bytes were lent, {} came", message.len());
    message.finish()?;
    Ok(())
}
