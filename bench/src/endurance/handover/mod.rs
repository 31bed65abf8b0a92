//! Channel ends, events and VM objects that one side makes and another closes.
//!
//! The side that closes an object last is not the one that makes the next. So free memory piles up on one side,
//! unless the other one finds it.

pub mod pages;

use super::meter::Meter;
use super::peer::{Part, Peer, receive, send};
use anyhow::{Result, ensure};
use jacinth::{Channel, Event, MessageBuf, NullableHandle, Supervisor};

/// How many handles are on their way before the closing side says that it has closed them.
const WINDOW: usize = 64;
/// How many events travel in one message.
const EVENTS: usize = 32;

/// Channel ends for another thread.
pub fn to_thread(meter: &mut Meter<'_>) -> Result<()> {
    let (line, theirs) = Channel::try_create()?;
    let closer = std::thread::spawn(move || close_what_comes(&theirs));
    let sent = channel_ends(&line, meter);
    drop(line);
    closer.join().expect("the closing thread does not panic")?;
    sent
}

/// Channel ends for another process.
pub fn to_process(supervisor: &Supervisor, meter: &mut Meter<'_>) -> Result<()> {
    let peer = Peer::spawn(supervisor, Part::Closer, 0)?;
    meter.count_memory_of(vec![peer.id()]);
    channel_ends(&peer.line, meter)
}

/// Makes channels, sends one end of each, and closes the other.
fn channel_ends(line: &Channel, meter: &mut Meter<'_>) -> Result<()> {
    one_by_one(line, meter, || {
        let (ours, theirs) = Channel::try_create()?;
        Ok((theirs.into(), ours))
    })
}

/// Sends a handle after the other to the closing side. `make` gives it, and what is kept until it is sent.
fn one_by_one<K>(
    line: &Channel,
    meter: &mut Meter<'_>,
    make: impl Fn() -> Result<(NullableHandle, K)>,
) -> Result<()> {
    let mut message = MessageBuf::new();
    while !meter.is_over() {
        for index in 1..=WINDOW {
            meter.time(1, || {
                let (handle, kept) = make()?;
                send(line, b"", &mut [handle])?;
                drop(kept);
                if index == WINDOW {
                    ensure!(receive(line, &mut message)?, "the closing side is gone");
                }
                Ok(())
            })?;
        }
    }
    Ok(())
}

/// Events for another process: never more of them at once than travel in one message.
pub fn events_to_process(supervisor: &Supervisor, meter: &mut Meter<'_>) -> Result<()> {
    let peer = Peer::spawn(supervisor, Part::Closer, 0)?;
    meter.count_memory_of(vec![peer.id()]);
    let mut message = MessageBuf::new();
    let mut handles = Vec::with_capacity(EVENTS);
    while !meter.is_over() {
        meter.time(2 * EVENTS as u64, || {
            for _ in 0..WINDOW / EVENTS {
                for _ in 0..EVENTS {
                    handles.push(NullableHandle::from(Event::try_create()?));
                }
                send(&peer.line, b"", &mut handles)?;
                handles.clear();
            }
            ensure!(receive(&peer.line, &mut message)?, "the closing side is gone");
            Ok(())
        })?;
    }
    Ok(())
}

/// The closing side: closes a window's handles when it has them all, and says so.
pub fn close_what_comes(line: &Channel) -> Result<()> {
    let mut message = MessageBuf::new();
    let mut held = Vec::new();
    while receive(line, &mut message)? {
        held.extend((0..message.n_handles()).filter_map(|index| message.take_handle(index)));
        if held.len() >= WINDOW {
            held.clear();
            send(line, b"", &mut Vec::new())?;
        }
    }
    Ok(())
}
