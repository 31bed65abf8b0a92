//! The part that the operations on fifos share: fifos that a victim has an end of, and what the survivor checks of them.
//!
//! An element has three bytes, which follow from its number, so a torn element is seen. The number of bytes divides no
//! block, so that elements wrap within one.

use crate::operation::fixture::{Fixture, receive_handles, startup_channel};
use crate::operation::outcome::{CheckResult, Outcome};
use crate::sleepers::HANG;
use jacinth::*;
use std::ops::Range;
use std::time::Instant;

/// The bytes of an element.
const ELEMENT_BYTES: usize = 3;
/// The elements that each direction holds.
pub(super) const ELEMENTS: usize = 4;

/// The place, in the fixture's list, of the survivor's end: the peer of the victim's.
pub(super) const OWN: usize = 0;
/// The place of the survivor's handle to the victim's end, if that is shared.
pub(super) const SHARED: usize = 1;

/// Which ends have had two handles. The survivor's second handle to its own end stays, behind the others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shared {
    /// None.
    Neither,
    /// The victim's.
    Theirs,
    /// The survivor's.
    Ours,
    /// Both.
    Both,
}

impl Shared {
    /// Whether the victim's end is shared.
    fn has_theirs(self) -> bool {
        matches!(self, Self::Theirs | Self::Both)
    }
}

/// The bytes of the elements with these numbers.
pub(super) fn elements(numbers: Range<u8>) -> Vec<u8> {
    numbers.flat_map(|number| [number, !number, number.wrapping_mul(7)]).collect()
}

/// A fifo.
pub(super) fn create() -> (NullableHandle, NullableHandle) {
    let (one, other) = Fifo::create_of_size(ELEMENTS, ELEMENT_BYTES).expect("a fifo");
    (one.into(), other.into())
}

/// Writes these elements. How many there was room for.
pub(super) fn write(end: &impl AsHandleRef, numbers: Range<u8>) -> Result<usize, Status> {
    write_bytes(end, &elements(numbers))
}

/// The same, with elements that were made before.
pub(super) fn write_bytes(end: &impl AsHandleRef, elements: &[u8]) -> Result<usize, Status> {
    raw::fifo_write(end.as_handle_ref().raw_handle(), ELEMENT_BYTES, elements)
}

/// Reads at most so many elements, and drops them. How many there were.
pub(super) fn skip(end: &impl AsHandleRef, most: usize) -> Result<usize, Status> {
    let mut bytes = [0; ELEMENTS * ELEMENT_BYTES];
    raw::fifo_read(end.as_handle_ref().raw_handle(), ELEMENT_BYTES, &mut bytes[..most * ELEMENT_BYTES])
}

/// Reads at most so many elements, and checks that each is whole. Their numbers.
pub(super) fn read(end: &impl AsHandleRef, most: usize) -> Result<Result<Vec<u8>, Status>, String> {
    let mut bytes = vec![0; most * ELEMENT_BYTES];
    let many = match raw::fifo_read(end.as_handle_ref().raw_handle(), ELEMENT_BYTES, &mut bytes) {
        Ok(many) => many,
        Err(status) => return Ok(Err(status)),
    };
    let numbers: Vec<u8> = bytes.chunks(ELEMENT_BYTES).take(many).map(|element| element[0]).collect();
    match numbers.iter().zip(bytes.chunks(ELEMENT_BYTES)).find(|(n, bytes)| elements(**n..**n + 1) != *bytes)
    {
        None => Ok(Ok(numbers)),
        Some((_, torn)) => Err(format!("a torn element: {torn:?}")),
    }
}

/// Reads until there is no element. The numbers of all, and the status that ended it.
pub(super) fn read_all(end: &impl AsHandleRef) -> Result<(Vec<u8>, Status), String> {
    let mut numbers = Vec::new();
    loop {
        // Two divide the four of the ring, and neither the writes nor their items.
        match read(end, 2)? {
            Ok(more) => numbers.extend(more),
            Err(status) => return Ok((numbers, status)),
        }
    }
}

/// The survivor keeps an end of a fifo and sends the victim the other. `prepare` gets both: the survivor's, and then the
/// victim's.
pub(super) fn fifo(shared: Shared, prepare: impl FnOnce(&NullableHandle, &NullableHandle)) -> Fixture {
    let mut fixture = Fixture::new();
    let (ours, theirs) = create();
    let second = |end: &NullableHandle| end.duplicate(Rights::SAME_RIGHTS).expect("a second handle");
    let kept = shared.has_theirs().then(|| second(&theirs));
    let seconds = matches!(shared, Shared::Ours | Shared::Both).then(|| second(&ours));
    prepare(&ours, &theirs);
    fixture.kept = [Some(ours), kept, seconds].into_iter().flatten().collect();
    fixture.send(vec![theirs]);
    fixture
}

/// In the victim: its control channel and its end.
pub(super) fn control_and_end() -> (Channel, NullableHandle) {
    let control = startup_channel();
    let end = receive_handles(&control).remove(0);
    (control, end)
}

/// Whether these are the elements of one of the states. Of a victim that has finished: of the last one.
fn is_one_of_states(outcome: Outcome, numbers: &[u8], states: &[Range<u8>]) -> bool {
    let last = states.last().expect("a state");
    let is = |state: &Range<u8>| numbers.iter().copied().eq(state.clone());
    is(last) || outcome == Outcome::Killed && states.iter().any(is)
}

/// At the survivor's end there are the elements of one of these states: before the victim's first write, after it, and so
/// on. A victim that has finished has done all of them.
pub(super) fn check_written(
    fixture: &Fixture,
    outcome: Outcome,
    shared: Shared,
    states: &[Range<u8>],
) -> CheckResult {
    let (numbers, end) = read_all(&fixture.kept[OWN])?;
    check_state(outcome, &numbers, states)?;
    check_end(shared, end)?;
    check_goes_on(fixture, shared)
}

/// The survivor, which has the victim's end too, fills the fifo, also where items stand that the victim has read and not
/// cleared. Then it reads there: what was unread in one of these states, and the new elements behind it.
pub(super) fn check_unread(
    fixture: &Fixture,
    outcome: Outcome,
    shared: Shared,
    states: &[Range<u8>],
) -> CheckResult {
    let mut next = states[0].end;
    let full = loop {
        match write(&fixture.kept[OWN], next..next + 1) {
            Ok(many) => next += many as u8,
            Err(status) => break status,
        }
    };
    if full != Status::SHOULD_WAIT {
        return Err(format!("filling the fifo ended with {full}"));
    }
    let filled: Vec<_> = states.iter().map(|state| state.start..state.start + ELEMENTS as u8).collect();
    let (numbers, end) = read_all(&fixture.kept[SHARED])?;
    check_state(outcome, &numbers, &filled)?;
    check_end(shared, end)?;
    check_goes_on(fixture, shared)
}

fn check_state(outcome: Outcome, numbers: &[u8], states: &[Range<u8>]) -> CheckResult {
    if is_one_of_states(outcome, numbers, states) {
        Ok(())
    } else {
        Err(format!("the elements are {numbers:?} ({outcome:?}), and not one of {states:?}"))
    }
}

/// The stream ends as it should: a shared end outlives the victim.
fn check_end(shared: Shared, end: Status) -> CheckResult {
    let expected = if shared.has_theirs() { Status::SHOULD_WAIT } else { Status::PEER_CLOSED };
    if end == expected { Ok(()) } else { Err(format!("the fifo ends with {end} instead of {expected}")) }
}

/// The survivor goes on at an end that it shared with the victim, which is empty, and at its own: in both directions each
/// takes as many elements as it should, and gives them back in their order.
pub(super) fn check_goes_on(fixture: &Fixture, shared: Shared) -> CheckResult {
    if !shared.has_theirs() {
        return Ok(());
    }
    let (ours, theirs) = (&fixture.kept[OWN], &fixture.kept[SHARED]);
    for round in 0..3 {
        check_capacity(theirs, ours).map_err(|text| format!("to the survivor, round {round}: {text}"))?;
        check_capacity(ours, theirs).map_err(|text| format!("from the survivor, round {round}: {text}"))?;
    }
    Ok(())
}

fn check_capacity(from: &NullableHandle, to: &NullableHandle) -> CheckResult {
    for number in 0..ELEMENTS as u8 {
        let written = write(from, number..number + 1);
        if written != Ok(1) {
            return Err(format!("element {number} gave {written:?}"));
        }
    }
    let refused = write(from, 0..1);
    if refused != Err(Status::SHOULD_WAIT) {
        return Err(format!("a full fifo took an element: {refused:?}"));
    }
    let (numbers, end) = read_all(to)?;
    if numbers.iter().copied().eq(0..ELEMENTS as u8) && end == Status::SHOULD_WAIT {
        Ok(())
    } else {
        Err(format!("{ELEMENTS} elements came back as {numbers:?}, with {end}"))
    }
}

/// Closes the fifo, which is empty and whose victim's end was shared: with it go the block of that end's places and the one
/// of the other direction, and no block of an item that was read.
pub(super) fn check_blocks(fixture: &mut Fixture) -> CheckResult {
    let supervisor = Supervisor::get().map_err(|error| error.to_string())?;
    let collect = || -> Result<Audit, String> {
        supervisor.collect().map_err(|status| status.to_string())?;
        Ok(supervisor.inspect())
    };
    let slots = |audit: &Audit| audit.objects + audit.retired;
    let before = collect()?;
    fixture.kept.clear();
    let start = Instant::now();
    loop {
        let now = collect()?;
        if slots(&now) < slots(&before) {
            let freed = before.blocks.saturating_sub(now.blocks);
            return if freed == 2 { Ok(()) } else { Err(format!("an empty fifo had {freed} blocks")) };
        }
        if start.elapsed() > HANG {
            return Err("a closed fifo stays".into());
        }
        std::thread::yield_now();
    }
}
