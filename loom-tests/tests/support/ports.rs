//! What the models of ports use: ports, observers and packets by handle.

use super::*;
use jacinth_shm_loom::{AsyncWait, PacketContent};

/// An arena with room for the blocks of two ports.
pub fn with_ports() -> Config {
    small_with(|config| {
        config.max_objects = 4;
        config.max_handles_per_process = 6;
        config.pool_bytes = 4096;
    })
}

/// A new port.
pub fn create_port(thread: &Thread) -> HandleValue {
    thread.create(ObjectClass::Port, ALL).unwrap().0
}

/// Registers an observer of the object of `source`.
pub fn observe(thread: &Thread, source: HandleValue, port: HandleValue, wait: AsyncWait) -> Result<()> {
    thread.wait_async(thread.lookup(source)?, thread.lookup(port)?, wait)
}

/// A process with a port and a handle to an event, and another with a handle to the event.
pub fn observed_event() -> (Thread, HandleValue, HandleValue, Thread, HandleValue) {
    let one = first(&with_ports());
    let (port, event) = (create_port(&one), create_event(&one));
    let copy = one.duplicate(find(&one, event), ALL).unwrap();
    let two = child(&one, Some(copy));
    let theirs = startup(&two);
    (one, port, event, two, theirs)
}

/// An observer that ends with its first packet.
pub fn once(key: u64, trigger: Signals) -> AsyncWait {
    AsyncWait { key, trigger, is_repeating: false }
}

/// An observer that stays.
pub fn repeating(key: u64, trigger: Signals) -> AsyncWait {
    AsyncWait { key, trigger, is_repeating: true }
}

/// Other signals.
pub const SECOND: Signals = Signals::from_bits_retain(USER.bits() << 1);
pub const THIRD: Signals = Signals::from_bits_retain(USER.bits() << 2);

/// Sets signals of an event.
pub fn set(thread: &Thread, event: HandleValue, signals: Signals) {
    thread.signal(find(thread, event), Signals::empty(), signals).unwrap();
}

/// Reads all messages that are there. How many there were.
pub fn read_all(thread: &Thread, end: HandleValue) -> usize {
    core::iter::from_fn(|| thread.try_receive(end).ok()).count()
}

/// Queues a packet.
pub fn queue(thread: &Thread, port: HandleValue, key: u64) -> Result<()> {
    thread.port_queue(thread.lookup(port)?, key, 0, [key; 4])
}

/// The key of the next packet, if there is one. A packet that a program queued must be whole.
pub fn next(thread: &Thread, port: HandleValue) -> Option<u64> {
    match thread.port_wait(port, Rights::empty(), 0) {
        Ok(packet) => {
            if let PacketContent::User { words, .. } = packet.content {
                assert_eq!(words, [packet.key; 4], "a packet is whole");
            }
            Some(packet.key)
        }
        Err(error) => {
            assert_eq!(error, Error::TimedOut);
            None
        }
    }
}

/// The keys of all packets that are there.
pub fn next_all(thread: &Thread, port: HandleValue) -> Vec<u64> {
    core::iter::from_fn(|| next(thread, port)).collect()
}
