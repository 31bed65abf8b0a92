//! Contention: a thread of the survivor writes or reads at the victim's end, or reads at the other one, all the while.

use crate::operation::contention::until_victim_is_gone;
use crate::operation::fifo::scene::{
    OWN, SHARED, Shared, check_blocks, check_goes_on, control_and_end, elements, fifo, read, read_all, skip,
    write, write_bytes,
};
use crate::operation::fixture::Fixture;
use crate::operation::outcome::CheckResult;
use crate::operation::spec::OperationSpec;
use jacinth::*;
use std::sync::{Arc, Mutex};

pub(super) fn operations() -> Vec<OperationSpec> {
    vec![two_writers(), two_readers(), reader_of_writer()]
}

/// The numbers that a thread of the survivor has written and read.
#[derive(Default)]
struct Seen {
    written: Vec<u8>,
    read: Vec<u8>,
}

type SharedSeen = Arc<Mutex<Seen>>;

/// The numbers of the survivor's elements; those of the victim's are below.
const OURS: u8 = 100;
/// The elements that the victim writes or reads at most.
const THEIRS: u8 = 6;

/// What the survivor's thread saw, and what is left.
fn all_read(seen: &SharedSeen, end: &NullableHandle) -> Result<Seen, String> {
    let Seen { written, mut read } = std::mem::take(&mut *seen.lock().map_err(|_| "the thread panicked")?);
    read.extend(read_all(end)?.0);
    Ok(Seen { written, read })
}

fn check_goes_on_without_blocks(fixture: &mut Fixture, shared: Shared) -> CheckResult {
    check_goes_on(fixture, shared)?;
    check_blocks(fixture)
}

/// The victim and the survivor write at one end. The survivor reads.
fn two_writers() -> OperationSpec {
    let seen = SharedSeen::default();
    let checked = seen.clone();
    OperationSpec::new("contended_fifo_write", "each element arrives once, those of a writer in their order")
        .set_up(move || {
            let mut fixture = fifo(Shared::Theirs, |_, _| {});
            *seen.lock().unwrap() = Seen::default();
            let (to, from, seen) =
                (fixture.kept[SHARED].raw_handle(), fixture.kept[OWN].raw_handle(), seen.clone());
            let mut next = OURS;
            fixture.partner = Some(until_victim_is_gone(&fixture.control, move || {
                let mut seen = seen.lock().unwrap();
                if next == u8::MAX {
                    return;
                }
                if write(&handle(to), next..next + 1) == Ok(1) {
                    seen.written.push(next);
                    next += 1;
                }
                if let Ok(numbers) = read(&handle(from), 2).unwrap() {
                    seen.read.extend(numbers);
                }
            }));
            fixture
        })
        .prepare(|| {
            let (control, end) = control_and_end();
            let writes = [elements(0..2), elements(2..3), elements(3..THEIRS)];
            move || {
                // There may be no room.
                let written =
                    writes.iter().map(|elements| write_bytes(&end, elements).unwrap_or(0)).sum::<usize>();
                (written, end, control)
            }
        })
        .check(move |fixture, _| {
            let Seen { written, read } = all_read(&checked, &fixture.kept[OWN])?;
            let (ours, theirs): (Vec<u8>, Vec<u8>) = read.iter().partition(|number| **number >= OURS);
            if ours != written {
                return Err(format!("the survivor wrote {written:?} and read {ours:?}"));
            }
            if !theirs.is_sorted_by(|one, next| one < next) || theirs.iter().any(|number| *number >= THEIRS) {
                return Err(format!("of the victim the survivor read {theirs:?}"));
            }
            check_goes_on_without_blocks(fixture, Shared::Theirs)
        })
}

/// The victim and the survivor read at one end. The survivor writes at the other.
fn two_readers() -> OperationSpec {
    const MODULUS: u8 = 250;
    let seen = SharedSeen::default();
    let checked = seen.clone();
    OperationSpec::new("contended_fifo_read", "an element is read once at most, and in its order")
        .set_up(move || {
            let mut fixture = fifo(Shared::Both, |_, _| {});
            *seen.lock().unwrap() = Seen::default();
            let (to, from, seen) =
                (fixture.kept[OWN].raw_handle(), fixture.kept[SHARED].raw_handle(), seen.clone());
            let mut next = 0;
            fixture.partner = Some(until_victim_is_gone(&fixture.control, move || {
                let mut seen = seen.lock().unwrap();
                for _ in 0..2 {
                    if write(&handle(to), next..next + 1) == Ok(1) {
                        seen.written.push(next);
                        next = (next + 1) % MODULUS;
                    }
                }
                if let Ok(numbers) = read(&handle(from), 1).unwrap() {
                    seen.read.extend(numbers);
                }
            }));
            fixture
        })
        .prepare(|| {
            let (control, end) = control_and_end();
            move || {
                // There may be none.
                let read = (0..3).map(|_| skip(&end, 2).unwrap_or(0)).sum::<usize>();
                (read, end, control)
            }
        })
        .check(move |fixture, _| {
            let Seen { written, read } = all_read(&checked, &fixture.kept[SHARED])?;
            let mut left = written.iter();
            let are_in_order = read.iter().all(|number| left.any(|written| written == number));
            if are_in_order && written.len() - read.len() <= usize::from(THEIRS) {
                return check_goes_on_without_blocks(fixture, Shared::Both);
            }
            Err(format!("the survivor wrote {written:?} and read {read:?} beside the victim"))
        })
}

/// The victim writes at an end that it holds alone, and the survivor reads at the other.
fn reader_of_writer() -> OperationSpec {
    let seen = SharedSeen::default();
    let checked = seen.clone();
    OperationSpec::new("contended_fifo_ring", "the elements arrive in their order, none twice")
        .set_up(move || {
            let mut fixture = fifo(Shared::Neither, |_, _| {});
            *seen.lock().unwrap() = Seen::default();
            let (from, seen) = (fixture.kept[OWN].raw_handle(), seen.clone());
            fixture.partner = Some(until_victim_is_gone(&fixture.control, move || {
                if let Ok(numbers) = read(&handle(from), 2).unwrap() {
                    seen.lock().unwrap().read.extend(numbers);
                }
            }));
            fixture
        })
        .prepare(|| {
            let (control, end) = control_and_end();
            let elements: Vec<_> = (0..2 * THEIRS).map(|number| elements(number..number + 1)).collect();
            move || {
                let mut left = elements.iter();
                for _ in 0..2 * THEIRS {
                    // There may be no room: then the next attempt is for the same element.
                    let Some(next) = left.as_slice().first() else { break };
                    if write_bytes(&end, next).is_ok() {
                        left.next();
                    }
                }
                (end, control)
            }
        })
        .check(move |fixture, _| {
            let Seen { read, .. } = all_read(&checked, &fixture.kept[OWN])?;
            if read.iter().copied().eq(0..read.len() as u8) {
                return Ok(());
            }
            Err(format!("the victim wrote numbers from 0 on, and the survivor read {read:?}"))
        })
}

/// The handle of this value, which the fixture keeps.
fn handle(value: u32) -> Unowned<'static, NullableHandle> {
    Unowned::from_raw_handle(value)
}
