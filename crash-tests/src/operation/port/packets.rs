//! Creating ports, queueing packets, and waiting for them.

use crate::operation::fixture::{startup_channel, warm_up_creation};
use crate::operation::guarantee::CREATE;
use crate::operation::port::scene::{
    OBJECT, PORT, check_before_or_after, check_capacity, check_new_observers, check_no_observer,
    check_packets, object_and_port, shared_event_and_port, shared_event_and_used_port, signal,
    wait_for_first,
};
use crate::operation::spec::OperationSpec;
use crate::ports::{self, Mode};
use crate::sleepers::{HANG, falls_asleep};
use jacinth::*;

const QUEUE: &str = "the packet is whole and in its order, or not there; the port has as much room as before";
const WAIT: &str = "a packet was taken or is there, and comes once";

pub(super) fn operations() -> Vec<OperationSpec> {
    vec![
        create(),
        queue("port_queue_in_new_ring", 0).mark_variant(),
        queue("port_queue_first", 0).exercises_recovery().set_up(|| shared_event_and_used_port(false)),
        queue("port_queue", 2),
        queue("port_queue_group", 63).mark_variant(),
        queue_refused(),
        wait_user(),
        wait_observed("port_wait_once", Mode::Once),
        wait_observed("port_wait_repeating", Mode::Repeating).exercises_recovery(),
        wait_asleep(),
        wait_beside_another(),
    ]
}

fn create() -> OperationSpec {
    OperationSpec::new("port_create", CREATE).prepare(|| {
        warm_up_creation(startup_channel());
        || {
            let port = ports::create();
            drop(port.duplicate(Rights::SAME_RIGHTS).unwrap());
            drop(port);
        }
    })
}

/// A packet behind `before` others.
fn queue(name: &str, before: u64) -> OperationSpec {
    OperationSpec::new(name, QUEUE)
        .set_up(move || {
            let fixture = shared_event_and_port();
            (0..before).for_each(|key| ports::queue(&fixture.kept[PORT], key).unwrap());
            fixture
        })
        .prepare(move || {
            let (control, _event, port) = object_and_port();
            move || {
                ports::queue(&port, before).unwrap();
                (port, control)
            }
        })
        .check(move |fixture, outcome| {
            let keys: Vec<_> = (0..=before).collect();
            check_before_or_after(fixture, outcome, &keys[..before as usize], &keys)?;
            check_capacity(fixture)?;
            check_new_observers(fixture)
        })
}

fn queue_refused() -> OperationSpec {
    OperationSpec::new("port_queue_refused", "a full port keeps its packets, and takes another after a wait")
        .mark_variant()
        .set_up(|| {
            let fixture = shared_event_and_port();
            (0..ports::MOST_PACKETS).for_each(|key| ports::queue(&fixture.kept[PORT], key).unwrap());
            fixture
        })
        .prepare(|| {
            let (control, _event, port) = object_and_port();
            move || {
                assert_eq!(ports::queue(&port, 9), Err(Status::SHOULD_WAIT));
                (port, control)
            }
        })
        .check(|fixture, _| {
            let keys: Vec<_> = (0..ports::MOST_PACKETS).collect();
            check_packets(fixture, &keys, "after the refusal")?;
            check_capacity(fixture)
        })
}

fn wait_user() -> OperationSpec {
    OperationSpec::new("port_wait_user", WAIT)
        .set_up(|| {
            let fixture = shared_event_and_port();
            [1, 2].into_iter().for_each(|key| ports::queue(&fixture.kept[PORT], key).unwrap());
            fixture
        })
        .prepare(wait_for_first)
        .check(|fixture, outcome| {
            check_before_or_after(fixture, outcome, &[1, 2], &[2])?;
            check_capacity(fixture)
        })
}

fn wait_observed(name: &str, mode: Mode) -> OperationSpec {
    OperationSpec::new(name, WAIT)
        .set_up(move || {
            let fixture = shared_event_and_port();
            ports::observe(&fixture.kept[OBJECT], &fixture.kept[PORT], 1, Signals::USER_0, mode);
            fixture.kept[OBJECT].signal(Signals::NONE, Signals::USER_0).unwrap();
            fixture
        })
        .prepare(wait_for_first)
        .check(move |fixture, outcome| {
            check_before_or_after(fixture, outcome, &[1], &[])?;
            signal(fixture, Signals::USER_0, Signals::NONE)?;
            signal(fixture, Signals::NONE, Signals::USER_0)?;
            match mode {
                Mode::Once => check_packets(fixture, &[], "it has fired once")?,
                Mode::Repeating => {
                    check_packets(fixture, &[1], "it repeats")?;
                    if !ports::cancel(&fixture.kept[PORT], &fixture.kept[OBJECT], 1) {
                        return Err("the repeating observer is gone".into());
                    }
                }
            }
            check_no_observer(fixture)
        })
}

fn wait_asleep() -> OperationSpec {
    OperationSpec::new("port_wait_asleep", "a sleeper that dies takes no packet")
        .sleeps_forever()
        .set_up(shared_event_and_port)
        .prepare(|| {
            let (control, _event, port) = object_and_port();
            move || (ports::wait(&port, MonotonicInstant::INFINITE).is_ok(), port, control)
        })
        .check(|fixture, _| {
            ports::queue(&fixture.kept[PORT], 1).map_err(|status| status.to_string())?;
            check_packets(fixture, &[1], "after the sleeper's death")?;
            check_no_observer(fixture)
        })
}

/// The victim and a thread of the survivor sleep at the port; then a packet comes.
fn wait_beside_another() -> OperationSpec {
    OperationSpec::new("port_wait_beside_another", "each packet comes to one sleeper, and to no dead one")
        .set_up(|| {
            let mut fixture = shared_event_and_port();
            let (control, port) = (fixture.control.clone(), fixture.kept[PORT].raw_handle());
            fixture.partner = Some(Box::new(move |victim| {
                let port = NullableHandle::from_raw(port);
                let late = MonotonicInstant::after(MonotonicDuration::from_nanos(HANG.as_nanos() as i64));
                std::thread::scope(|scope| {
                    let other = scope.spawn(|| ports::wait(&port, late));
                    falls_asleep(victim);
                    ports::queue(&port, 1).unwrap();
                    control.wait_one(Signals::CHANNEL_PEER_CLOSED, MonotonicInstant::INFINITE).unwrap();
                    ports::queue(&port, 2).unwrap();
                    let taken = other.join().unwrap();
                    assert!(matches!(taken, Ok(1 | 2)), "the other sleeper has {taken:?}");
                });
                // The fixture has the handle.
                let _ = port.into_raw();
            }));
            fixture
        })
        .prepare(|| {
            let (control, _event, port) = object_and_port();
            move || {
                let deadline = MonotonicInstant::after(MonotonicDuration::from_millis(2));
                // The other sleeper may have taken the packet.
                let taken = ports::wait(&port, deadline);
                assert!(matches!(taken, Ok(1) | Err(Status::TIMED_OUT)), "{taken:?}");
                (port, control)
            }
        })
        .check(|fixture, _| {
            let keys = ports::take_all(&fixture.kept[PORT])?;
            if !matches!(keys[..], [] | [1] | [2]) {
                return Err(format!("two packets, one of them taken by a sleeper: {keys:?} are left"));
            }
            check_capacity(fixture)
        })
}
