//! Operations of VM objects.

use super::{ALL, HostileOperation, Turn};
use jacinth_shm::{HandleValue, ObjectClass, Result, Rights, Thread, VmoRangeOp};

/// The operations of VM objects.
pub const OPERATIONS: &[HostileOperation] =
    &[create, write, write, read, read, size, info, list, set_size, set_size, op_range, duplicate];

const NONE: Rights = Rights::empty();

/// Sizes and offsets: in each extent, at its edges, and far outside.
const SIZES: [u64; 9] =
    [0, 1, 4096, 5000, 16 << 10, (64 << 10) - 1, 200 << 10, (256 << 10) + 4096, u64::MAX - 4096];

fn any(turn: &mut Turn<'_>) -> u64 {
    SIZES[turn.choices.below(SIZES.len())]
}

/// A VM object of the process: mostly one that it has, if it has one.
fn vmo(turn: &mut Turn<'_>) -> HandleValue {
    let is_vmo = |value: &&HandleValue| {
        turn.thread.lookup(**value).and_then(|found| turn.thread.class(found)) == Ok(ObjectClass::Vmo)
    };
    let vmos: Vec<HandleValue> = turn.hands.values.iter().filter(is_vmo).copied().collect();
    if vmos.is_empty() || turn.choices.below(16) == 0 {
        return turn.value;
    }
    vmos[turn.choices.below(vmos.len())]
}

fn create(turn: &mut Turn<'_>) -> Result<()> {
    let (bytes, is_resizable) = (any(turn), turn.choices.below(4) != 0);
    let value = turn.thread.vmo_create(bytes, is_resizable, ALL)?;
    turn.hands.values.push(value);
    Ok(())
}

fn write(turn: &mut Turn<'_>) -> Result<()> {
    let (vmo, offset) = (vmo(turn), any(turn));
    turn.thread.vmo_write(turn.thread.lookup(vmo)?, NONE, offset, &turn.bytes)
}

fn read(turn: &mut Turn<'_>) -> Result<()> {
    let (vmo, offset) = (vmo(turn), any(turn));
    let mut buffer = vec![0; turn.bytes.len()];
    turn.thread.vmo_read_bytes(turn.thread.lookup(vmo)?, NONE, offset, &mut buffer)
}

fn size(turn: &mut Turn<'_>) -> Result<()> {
    let vmo = vmo(turn);
    turn.thread.vmo_size(turn.thread.lookup(vmo)?, NONE).map(drop)
}

fn info(turn: &mut Turn<'_>) -> Result<()> {
    let vmo = vmo(turn);
    turn.thread.vmo_info(turn.thread.lookup(vmo)?, NONE).map(drop)
}

fn list(turn: &mut Turn<'_>) -> Result<()> {
    turn.thread.mapped_ranges()?;
    turn.thread.vmos().map(drop)
}

fn set_size(turn: &mut Turn<'_>) -> Result<()> {
    let (vmo, bytes) = (vmo(turn), any(turn));
    turn.thread.vmo_set_size(turn.thread.lookup(vmo)?, NONE, bytes)
}

fn op_range(turn: &mut Turn<'_>) -> Result<()> {
    let (vmo, offset, len) = (vmo(turn), any(turn), any(turn));
    let op = [VmoRangeOp::Commit, VmoRangeOp::Decommit, VmoRangeOp::Cache][turn.choices.below(3)];
    turn.thread.vmo_op_range(turn.thread.lookup(vmo)?, NONE, op, offset, len)
}

fn duplicate(turn: &mut Turn<'_>) -> Result<()> {
    let vmo = vmo(turn);
    let value = turn.thread.duplicate(turn.thread.lookup(vmo)?, ALL)?;
    turn.hands.values.push(value);
    Ok(())
}

/// VM objects with several extents, some of which were shrunk.
pub fn busy(thread: &Thread) -> Result<Vec<HandleValue>> {
    let mut values = Vec::new();
    for (number, bytes) in SIZES[1..4].iter().enumerate() {
        let value = thread.vmo_create(*bytes, true, ALL)?;
        thread.vmo_set_size(thread.lookup(value)?, NONE, 64 << 10)?;
        thread.vmo_write(thread.lookup(value)?, NONE, 0, &[1; 64 << 10])?;
        if number % 2 == 0 {
            thread.vmo_set_size(thread.lookup(value)?, NONE, 8 << 10)?;
        }
        values.push(value);
    }
    Ok(values)
}
