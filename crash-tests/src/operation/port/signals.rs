//! Changing signals that the survivor's port observes.

use crate::operation::contention::until_victim_is_gone;
use crate::operation::fixture::{Fixture, signals_of};
use crate::operation::outcome::Outcome;
use crate::operation::port::scene::{
    OBJECT, PORT, check_ends, check_fired, check_no_observer, object_and_port, shared_event_and_port,
};
use crate::operation::spec::OperationSpec;
use crate::ports::{self, Mode};
use jacinth::*;

const FIRES: &str = "each observer has one packet if its signal was asserted, and none otherwise";

pub(super) fn operations() -> Vec<OperationSpec> {
    vec![set(), pulse(), signal_peer(), write(), read(), overflow(), contended()]
}

/// The survivor observes the event that it shares with the victim.
fn observed_event() -> Fixture {
    let fixture = shared_event_and_port();
    ports::observe_in_both_modes(&fixture.kept[OBJECT], &fixture.kept[PORT], Signals::USER_0);
    fixture
}

fn set() -> OperationSpec {
    OperationSpec::new("port_signal", FIRES)
        .exercises_recovery()
        .set_up(observed_event)
        .prepare(|| {
            let (control, event, port) = object_and_port();
            move || {
                event.signal(Signals::NONE, Signals::USER_0).unwrap();
                (event, port, control)
            }
        })
        .check(|fixture, outcome| {
            let is_set = signals_of(&fixture.kept[OBJECT]).contains(Signals::USER_0);
            if outcome == Outcome::Finished && !is_set {
                return Err("a signal that was set is not there".into());
            }
            check_fired(fixture, is_set)?;
            check_ends(fixture, is_set)?;
            check_no_observer(fixture)
        })
}

fn pulse() -> OperationSpec {
    OperationSpec::new("port_signal_pulse", FIRES)
        .set_up(observed_event)
        .prepare(|| {
            let (control, event, port) = object_and_port();
            move || {
                event.signal(Signals::NONE, Signals::USER_0).unwrap();
                event.signal(Signals::USER_0, Signals::USER_1).unwrap();
                (event, port, control)
            }
        })
        .check(|fixture, _| {
            let was_set = signals_of(&fixture.kept[OBJECT]).intersects(Signals::USER_0 | Signals::USER_1);
            check_fired(fixture, was_set)?;
            check_ends(fixture, was_set)?;
            check_no_observer(fixture)
        })
}

/// The survivor keeps one of two ends, and its port observes that end; the victim is sent the other end.
fn observed_end(ours: NullableHandle, theirs: NullableHandle, signals: Signals) -> Fixture {
    let mut fixture = Fixture::new();
    fixture.kept = vec![ours, ports::create()];
    let (object, port) = (&fixture.kept[OBJECT], &fixture.kept[PORT]);
    ports::observe_in_both_modes(object, port, signals);
    let duplicate = port.duplicate(Rights::SAME_RIGHTS).unwrap();
    fixture.send(vec![theirs, duplicate]);
    fixture
}

fn signal_peer() -> OperationSpec {
    OperationSpec::new("port_signal_peer", FIRES)
        .set_up(|| {
            let (ours, theirs) = EventPair::create();
            observed_end(ours.into(), theirs.into(), Signals::USER_0)
        })
        .prepare(|| {
            let (control, side, port) = object_and_port();
            let side = EventPair::from(side);
            move || {
                side.signal_peer(Signals::NONE, Signals::USER_0).unwrap();
                (side, port, control)
            }
        })
        .check(|fixture, _| {
            let is_set = signals_of(&fixture.kept[OBJECT]).contains(Signals::USER_0);
            check_fired(fixture, is_set)?;
            check_ends(fixture, is_set)
        })
}

/// The death closes the victim's end as well, which the third observer sees.
fn write() -> OperationSpec {
    OperationSpec::new("port_write_observed", FIRES)
        .exercises_recovery()
        .set_up(|| {
            let (ours, theirs) = Channel::create();
            let fixture = observed_end(ours.into(), theirs.into(), Signals::CHANNEL_READABLE);
            let closed = Signals::CHANNEL_PEER_CLOSED;
            ports::observe(&fixture.kept[OBJECT], &fixture.kept[PORT], 3, closed, Mode::Once);
            fixture
        })
        .prepare(|| {
            let (control, end, port) = object_and_port();
            let end = Channel::from(end);
            move || {
                end.write(b"observed", &mut []).unwrap();
                (end, port, control)
            }
        })
        .check(|fixture, outcome| {
            let is_there = signals_of(&fixture.kept[OBJECT]).contains(Signals::CHANNEL_READABLE);
            if outcome == Outcome::Finished && !is_there {
                return Err("a message that was written is not there".into());
            }
            let mut keys = ports::take_all(&fixture.kept[PORT])?;
            keys.sort_unstable();
            let expected: &[u64] = if is_there { &[1, 2, 3] } else { &[3] };
            if keys != expected {
                return Err(format!(
                    "a message is there: {is_there}; packets {keys:?} instead of {expected:?}"
                ));
            }
            check_ends(fixture, is_there)
        })
}

/// Of a full channel. Afterwards the survivor's end is writable, until the death closes the victim's.
fn read() -> OperationSpec {
    OperationSpec::new("port_read_observed", FIRES)
        .set_up(|| {
            let (ours, theirs) = Channel::create_with(ChannelOptions::new().max_pending_messages(2)).unwrap();
            ours.write(b"first", &mut []).unwrap();
            ours.write(b"second", &mut []).unwrap();
            observed_end(ours.into(), theirs.into(), Signals::CHANNEL_WRITABLE)
        })
        .prepare(|| {
            let (control, end, port) = object_and_port();
            let end = Channel::from(end);
            let mut message = MessageBuf::new();
            move || {
                end.read(&mut message).unwrap();
                (end, port, control)
            }
        })
        .check(|fixture, outcome| {
            let mut keys = ports::take_all(&fixture.kept[PORT])?;
            keys.sort_unstable();
            // The survivor does not see whether the read was complete.
            let has_fired = keys == [1, 2];
            if !has_fired && (outcome == Outcome::Finished || !keys.is_empty()) {
                return Err(format!("packets {keys:?} after a read from a full channel"));
            }
            check_ends(fixture, has_fired)
        })
}

/// The ring has as many packets as it has places, so that the packets of the observers find none.
fn overflow() -> OperationSpec {
    OperationSpec::new("port_signal_overflow", FIRES)
        .mark_variant()
        .set_up(|| {
            let fixture = observed_event();
            let (object, port) = (&fixture.kept[OBJECT], &fixture.kept[PORT]);
            fixture.kept[OBJECT].signal(Signals::NONE, Signals::USER_1).unwrap();
            for key in 0..ports::MOST_PACKETS {
                ports::queue(port, 10 + key).unwrap();
                ports::observe(object, port, 10 + key, Signals::USER_1, Mode::Once);
            }
            fixture
        })
        .prepare(|| {
            let (control, event, port) = object_and_port();
            move || {
                event.signal(Signals::NONE, Signals::USER_0).unwrap();
                (event, port, control)
            }
        })
        .check(|fixture, _| {
            let is_set = signals_of(&fixture.kept[OBJECT]).contains(Signals::USER_0);
            let mut keys = ports::take_all(&fixture.kept[PORT])?;
            let fired = keys.split_off(keys.len().min(2 * ports::MOST_PACKETS as usize));
            if !keys.iter().copied().eq((0..2 * ports::MOST_PACKETS).map(|key| 10 + key / 2)) {
                return Err("the packets that were there before did not come in their order".into());
            }
            let expected: &[u64] = if is_set { &[1, 2] } else { &[] };
            let mut sorted = fired.clone();
            sorted.sort_unstable();
            if sorted != expected {
                return Err(format!("the signal is set: {is_set}; then came packets {fired:?}"));
            }
            check_ends(fixture, is_set)?;
            check_no_observer(fixture)
        })
}

/// A thread of the survivor works at the same port meanwhile, and at the same event.
fn contended() -> OperationSpec {
    OperationSpec::new("port_contended", "the port works, and only packets come that were due")
        .set_up(|| {
            let mut fixture = observed_event();
            let [event, port] = [OBJECT, PORT].map(|place| fixture.kept[place].raw_handle());
            let control = fixture.control.clone();
            fixture.partner = Some(until_victim_is_gone(&control, move || {
                let (event, port) = (NullableHandle::from_raw(event), NullableHandle::from_raw(port));
                ports::queue(&port, 3).unwrap();
                event.signal(Signals::NONE, Signals::USER_0).unwrap();
                event.signal(Signals::USER_0, Signals::NONE).unwrap();
                ports::observe(&event, &port, 4, Signals::USER_0, Mode::Once);
                let _ = ports::wait(&port, MonotonicInstant::INFINITE_PAST);
                let _ = ports::wait(&port, MonotonicInstant::INFINITE_PAST);
                ports::cancel(&port, &event, 4);
                // The fixture has the handles.
                let _ = (event.into_raw(), port.into_raw());
            }));
            fixture
        })
        .prepare(|| {
            let (control, event, port) = object_and_port();
            move || {
                ports::queue(&port, 5).unwrap();
                ports::observe(&event, &port, 6, Signals::USER_0, Mode::Once);
                event.signal(Signals::NONE, Signals::USER_0).unwrap();
                event.signal(Signals::USER_0, Signals::NONE).unwrap();
                let _ = ports::wait(&port, MonotonicInstant::INFINITE_PAST);
                ports::cancel(&port, &event, 6);
                (event, port, control)
            }
        })
        .check(|fixture, _| {
            let keys = ports::take_all(&fixture.kept[PORT])?;
            let count = |key: u64| keys.iter().filter(|found| **found == key).count();
            if count(1) > 1 || count(2) > 1 || count(4) > 0 || count(5) > 1 || count(6) > 1 {
                return Err(format!("packets that were not due: {keys:?}"));
            }
            if !ports::cancel(&fixture.kept[PORT], &fixture.kept[OBJECT], 2) {
                return Err("the survivor's repeating observer is gone".into());
            }
            ports::cancel(&fixture.kept[PORT], &fixture.kept[OBJECT], 1);
            check_no_observer(fixture)
        })
}
