//! The part that the operations on ports share: the survivor's object and port, and what it checks of them.

use crate::operation::event::check_last_handle;
use crate::operation::fixture::{Fixture, receive_handles, startup_channel};
use crate::operation::outcome::{CheckResult, Outcome};
use crate::ports::{self, Mode};
use jacinth::*;

/// The place of the survivor's object in the fixture's list; [`check_last_handle`] has it too.
pub(super) const OBJECT: usize = 0;
/// The place of its port.
pub(super) const PORT: usize = 1;

/// The survivor keeps a new event and a new port. The victim is sent a duplicate of each.
pub(super) fn shared_event_and_port() -> Fixture {
    shared_with_port(Event::create().into())
}

/// The same with another object.
pub(super) fn shared_with_port(object: NullableHandle) -> Fixture {
    let mut fixture = Fixture::new();
    fixture.kept = vec![object, ports::create()];
    let duplicates = fixture.kept.iter().map(|kept| kept.duplicate(Rights::SAME_RIGHTS).unwrap());
    fixture.send(duplicates.collect());
    fixture
}

/// The same. The port has the memory for its ring, and for one purpose of its cells: for user packets or for observers.
/// A new ring is cleared word by word, and one operation of that length is enough.
pub(super) fn shared_event_and_used_port(is_for_packets: bool) -> Fixture {
    let fixture = shared_event_and_port();
    use_ring(&fixture, is_for_packets);
    fixture
}

/// Uses the ring of the survivor's port once.
pub(super) fn use_ring(fixture: &Fixture, is_for_packets: bool) {
    let (object, port) = (&fixture.kept[OBJECT], &fixture.kept[PORT]);
    if is_for_packets {
        ports::queue(port, 1).unwrap();
        assert_eq!(ports::take_all(port), Ok(vec![1]));
    } else {
        ports::observe(object, port, 1, Signals::USER_0, Mode::Once);
        assert!(ports::cancel(port, object, 1));
    }
}

/// In the victim: its control channel, and its two handles.
pub(super) fn object_and_port() -> (Channel, NullableHandle, NullableHandle) {
    set_spin(MonotonicDuration::ZERO);
    let control = startup_channel();
    let mut handles = receive_handles(&control);
    let port = handles.pop().unwrap();
    (control, handles.pop().unwrap(), port)
}

/// In the victim: takes the packet with the key 1.
pub(super) fn wait_for_first() -> impl FnOnce() -> (NullableHandle, Channel) {
    let (control, _event, port) = object_and_port();
    move || {
        assert_eq!(ports::wait(&port, MonotonicInstant::INFINITE), Ok(1));
        (port, control)
    }
}

/// Changes the signals of the survivor's object.
pub(super) fn signal(fixture: &Fixture, clear: Signals, set: Signals) -> CheckResult {
    fixture.kept[OBJECT].signal(clear, set).map_err(|status| format!("signalling: {status}"))
}

/// The survivor's port has packets with exactly these keys.
pub(super) fn check_packets(fixture: &Fixture, expected: &[u64], when: &str) -> CheckResult {
    let keys = ports::take_all(&fixture.kept[PORT])?;
    if keys == expected { Ok(()) } else { Err(format!("{when}: packets {keys:?} instead of {expected:?}")) }
}

/// The port has the packets `before` if the victim died before its step committed, else `after`.
pub(super) fn check_before_or_after(
    fixture: &Fixture,
    outcome: Outcome,
    before: &[u64],
    after: &[u64],
) -> CheckResult {
    let keys = ports::take_all(&fixture.kept[PORT])?;
    if keys == after || outcome == Outcome::Killed && keys == before {
        return Ok(());
    }
    Err(format!("packets {keys:?}; {after:?} were expected, or {before:?} before the step ({outcome:?})"))
}

/// The survivor's two observers have fired, or none of them.
pub(super) fn check_fired(fixture: &Fixture, is_asserted: bool) -> CheckResult {
    let expected: &[u64] = if is_asserted { &[1, 2] } else { &[] };
    let mut keys = ports::take_all(&fixture.kept[PORT])?;
    keys.sort_unstable();
    if keys == expected {
        return Ok(());
    }
    Err(format!("the signal was asserted: {is_asserted}; packets {keys:?} instead of {expected:?}"))
}

/// Ends the repeating observer, and that which fires once if it has not fired.
pub(super) fn check_ends(fixture: &Fixture, has_fired: bool) -> CheckResult {
    let (object, port) = (&fixture.kept[OBJECT], &fixture.kept[PORT]);
    let ended = (ports::cancel(port, object, 1), ports::cancel(port, object, 2));
    if ended == (!has_fired, true) {
        Ok(())
    } else {
        Err(format!("cancelled: {ended:?}, fired: {has_fired}"))
    }
}

/// The survivor's event has no observer but new ones, and the port works.
pub(super) fn check_no_observer(fixture: &mut Fixture) -> CheckResult {
    signal(fixture, Signals::USER_0, Signals::NONE)?;
    signal(fixture, Signals::NONE, Signals::USER_0)?;
    check_packets(fixture, &[], "an observer was left behind")?;
    check_new_observers(fixture)?;
    check_last_handle(fixture)
}

/// New observers of the survivor's event fire: each by its rule.
pub(super) fn check_new_observers(fixture: &Fixture) -> CheckResult {
    signal(fixture, Signals::USER_0, Signals::NONE)?;
    let (object, port) = (&fixture.kept[OBJECT], &fixture.kept[PORT]);
    ports::observe_in_both_modes(object, port, Signals::USER_0);
    for expected in [&[1, 2][..], &[2]] {
        check_packets(fixture, &[], "nothing was signalled")?;
        signal(fixture, Signals::NONE, Signals::USER_0)?;
        let mut keys = ports::take_all(port)?;
        keys.sort_unstable();
        if keys != expected {
            return Err(format!("new observers: packets {keys:?} instead of {expected:?}"));
        }
        signal(fixture, Signals::USER_0, Signals::NONE)?;
    }
    if ports::cancel(port, object, 2) { Ok(()) } else { Err("a repeating observer was gone".into()) }
}

/// The port takes as many packets as it should, and gives them back in their order.
pub(super) fn check_capacity(fixture: &Fixture) -> CheckResult {
    let port = &fixture.kept[PORT];
    for key in 0..ports::MOST_PACKETS {
        ports::queue(port, key).map_err(|status| format!("packet {key}: {status}"))?;
    }
    match ports::queue(port, 0) {
        Err(Status::SHOULD_WAIT) => {}
        other => return Err(format!("a packet too many: {other:?}")),
    }
    let keys = ports::take_all(port)?;
    if keys.iter().copied().eq(0..ports::MOST_PACKETS) {
        Ok(())
    } else {
        Err(format!("of {} packets {} came back, or in another order", ports::MOST_PACKETS, keys.len()))
    }
}
