//! Operations of ports.

use super::{ALL, HostileOperation, Turn};
use jacinth_shm::{AsyncWait, HandleValue, ObjectClass, ResolvedHandle, Result, Rights, Signals, Thread};

/// The operations of ports.
pub const OPERATIONS: &[HostileOperation] =
    &[create, queue, queue_many, wait, wait_all, observe, observe, cancel];

/// The keys of packets and registrations. A cancellation that chooses among few finds some.
const KEYS: usize = 3;

fn create(turn: &mut Turn<'_>) -> Result<()> {
    let (one, other) = turn.thread.create(ObjectClass::Port, ALL)?;
    turn.hands.values.push(one);
    turn.hands.values.extend(other);
    Ok(())
}

/// A port of the process: mostly one that it has, if it has one.
fn port(turn: &mut Turn<'_>) -> Result<HandleValue> {
    let is_port = |value: &&HandleValue| {
        turn.thread.lookup(**value).and_then(|found| turn.thread.class(found)) == Ok(ObjectClass::Port)
    };
    let ports: Vec<HandleValue> = turn.hands.values.iter().filter(is_port).copied().collect();
    if ports.is_empty() || turn.choices.below(16) == 0 {
        return Ok(turn.value);
    }
    Ok(ports[turn.choices.below(ports.len())])
}

fn found_port(turn: &mut Turn<'_>) -> Result<ResolvedHandle> {
    let value = port(turn)?;
    turn.thread.lookup(value)
}

fn queue(turn: &mut Turn<'_>) -> Result<()> {
    let (port, key) = (found_port(turn)?, turn.choices.below(KEYS) as u64);
    turn.thread.port_queue(port, key, -1, [key; 4])
}

/// As many packets as a port takes, or nearly as many.
fn queue_many(turn: &mut Turn<'_>) -> Result<()> {
    let port = found_port(turn)?;
    for _ in 0..turn.choices.below(2100) {
        turn.thread.port_queue(port, 0, 0, [0; 4])?;
    }
    Ok(())
}

fn wait(turn: &mut Turn<'_>) -> Result<()> {
    let port = port(turn)?;
    turn.thread.set_spin_ns(turn.choices.below(10_000) as i64);
    turn.thread.port_wait(port, Rights::empty(), turn.deadline_ns).map(drop)
}

/// Empties a port. Damage may make up packets, so not without a limit.
fn wait_all(turn: &mut Turn<'_>) -> Result<()> {
    let port = port(turn)?;
    for _ in 0..5000 {
        turn.thread.port_wait(port, Rights::empty(), 0)?;
    }
    Ok(())
}

fn observe(turn: &mut Turn<'_>) -> Result<()> {
    let port = found_port(turn)?;
    let trigger = if turn.choices.below(2) == 0 { turn.signals() } else { Signals::READABLE };
    let (key, is_repeating) = (turn.choices.below(KEYS) as u64, turn.choices.below(2) == 0);
    turn.thread.wait_async(turn.found()?, port, AsyncWait { key, trigger, is_repeating })
}

/// A port with packets and with observers of each kind; the handles of all that it observes.
pub fn busy(thread: &Thread) -> Result<Vec<HandleValue>> {
    let mut values = Vec::new();
    for class in [ObjectClass::Port, ObjectClass::Event, ObjectClass::EventPair, ObjectClass::Channel] {
        let (one, other) = thread.create(class, ALL)?;
        values.push(one);
        values.extend(other);
    }
    let port = thread.lookup(values[0])?;
    for source in &values[1..] {
        for number in 0..6 {
            let trigger =
                [Signals::READABLE, Signals::WRITABLE, Signals::from_bits_retain(1 << 24)][number % 3];
            let wait = AsyncWait { key: (number % KEYS) as u64, trigger, is_repeating: number < 3 };
            thread.wait_async(thread.lookup(*source)?, port, wait)?;
            thread.port_queue(port, wait.key, 0, [0; 4])?;
        }
    }
    Ok(values)
}

fn cancel(turn: &mut Turn<'_>) -> Result<()> {
    let (port, key) = (found_port(turn)?, turn.choices.below(KEYS) as u64);
    turn.thread.port_cancel(port, turn.found()?, key).map(drop)
}
