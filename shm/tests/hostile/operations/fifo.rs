//! Operations of fifos.

use super::{ALL, HostileOperation, Turn};
use core::mem::MaybeUninit;
use jacinth_shm::{HandleValue, MAX_FIFO_BYTES, ObjectClass, Result, Rights, Signals, Thread, WaitItem};

/// The operations of fifos.
pub const OPERATIONS: &[HostileOperation] =
    &[create, write, write, write, write_many, read, read, read, read_all, duplicate, wait];

/// The sizes of fifos, in elements and in bytes an element. An operation that chooses among few names the right one often.
const SIZES: [(usize, usize); 4] = [(4, 3), (1, 1), (64, 8), (MAX_FIFO_BYTES, 1)];

/// A fifo of the process: mostly one that it has, if it has one.
fn fifo(turn: &mut Turn<'_>) -> HandleValue {
    turn.of_class(ObjectClass::Fifo)
}

fn size(turn: &mut Turn<'_>) -> (usize, usize) {
    SIZES[turn.choices.below(SIZES.len())]
}

fn create(turn: &mut Turn<'_>) -> Result<()> {
    let (elements, element_bytes) = size(turn);
    let (one, other) = turn.thread.fifo_create(elements, element_bytes, ALL)?;
    turn.hands.values.extend([one, other]);
    Ok(())
}

fn write(turn: &mut Turn<'_>) -> Result<()> {
    let (fifo, (_, element_bytes)) = (fifo(turn), size(turn));
    turn.thread.fifo_write(fifo, Rights::empty(), element_bytes, &turn.bytes).map(drop)
}

/// One element at a time, until there is no room: at a shared end as many items as there can be.
fn write_many(turn: &mut Turn<'_>) -> Result<()> {
    let (fifo, (elements, element_bytes)) = (fifo(turn), size(turn));
    for _ in 0..elements.min(100) {
        turn.thread.fifo_write(fifo, Rights::empty(), element_bytes, &[2; 8][..element_bytes])?;
    }
    Ok(())
}

fn read(turn: &mut Turn<'_>) -> Result<()> {
    let (fifo, (_, element_bytes)) = (fifo(turn), size(turn));
    let mut buffer = vec![MaybeUninit::uninit(); turn.bytes.len()];
    turn.thread.fifo_read(fifo, Rights::empty(), element_bytes, &mut buffer).map(drop)
}

/// Empties a fifo. Damage may make up elements, so not without a limit.
fn read_all(turn: &mut Turn<'_>) -> Result<()> {
    let (fifo, (_, element_bytes)) = (fifo(turn), size(turn));
    let mut buffer = [MaybeUninit::uninit(); 8];
    for _ in 0..MAX_FIFO_BYTES {
        turn.thread.fifo_read(fifo, Rights::empty(), element_bytes, &mut buffer)?;
    }
    Ok(())
}

/// Its end is shared from then on.
fn duplicate(turn: &mut Turn<'_>) -> Result<()> {
    let fifo = fifo(turn);
    let value = turn.thread.duplicate(turn.thread.lookup(fifo)?, ALL)?;
    turn.hands.values.push(value);
    Ok(())
}

/// For room, or for elements.
fn wait(turn: &mut Turn<'_>) -> Result<()> {
    let waitfor = [Signals::READABLE, Signals::WRITABLE][turn.choices.below(2)];
    let mut items = [WaitItem { handle: fifo(turn), waitfor, pending: Signals::empty() }];
    turn.thread.set_spin_ns(turn.choices.below(10_000) as i64);
    turn.thread.wait_many(&mut items, Rights::empty(), turn.deadline_ns)
}

/// Fifos with exclusive and with shared ends, each with elements unread in both directions.
pub fn busy(thread: &Thread) -> Result<Vec<HandleValue>> {
    let mut values = Vec::new();
    for (number, (elements, element_bytes)) in SIZES.into_iter().enumerate() {
        let (one, other) = thread.fifo_create(elements, element_bytes, ALL)?;
        values.extend([one, other]);
        if number % 2 == 0 {
            values.push(thread.duplicate(thread.lookup(one)?, ALL)?);
        }
        for end in [one, other] {
            for _ in 0..elements.min(3) {
                thread.fifo_write(end, Rights::empty(), element_bytes, &[1; 8][..element_bytes])?;
            }
        }
    }
    Ok(values)
}
