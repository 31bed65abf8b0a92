//! Event pairs.

use crate::operation::c_interface::{c_variant_of, calls, ready, ready_with_one};
use crate::operation::fixture::{Fixture, receive_handles, startup_channel, warm_up_creation};
use crate::operation::guarantee::{CLOSE, CREATE, LATCHED};
use crate::operation::spec::OperationSpec;
use jacinth::*;

/// The operations on event pairs.
pub fn operations() -> Vec<OperationSpec> {
    let mut operations = by_rust();
    operations.extend(by_c());
    operations
}

fn by_rust() -> Vec<OperationSpec> {
    vec![create(), close(), close_both(), signal_peer(), set_and_clear()]
}

fn create() -> OperationSpec {
    OperationSpec::new("create_eventpair", CREATE).prepare(|| {
        warm_up_creation(startup_channel());
        || EventPair::create()
    })
}

fn close() -> OperationSpec {
    OperationSpec::new("close_eventpair", "the other side sees PEER_CLOSED, and its sleeper is awake")
        .set_up(|| one_side_with_sleeper(Signals::EVENTPAIR_PEER_CLOSED))
        .prepare(|| {
            let control = startup_channel();
            let side = receive_handles(&control).remove(0);
            move || {
                drop(side);
                control
            }
        })
}

fn close_both() -> OperationSpec {
    OperationSpec::new("close_eventpair_both", CLOSE).prepare(|| {
        let control = startup_channel();
        let pair = EventPair::create();
        move || {
            drop(pair);
            control
        }
    })
}

fn signal_peer() -> OperationSpec {
    OperationSpec::new("signal_peer", "a sleeper on the other side is awake if the signal is set")
        .set_up(|| one_side_with_sleeper(Signals::USER_0 | Signals::EVENTPAIR_PEER_CLOSED))
        .prepare(|| {
            let control = startup_channel();
            let side = EventPair::from(receive_handles(&control).remove(0));
            move || {
                side.signal_peer(Signals::NONE, Signals::USER_0).unwrap();
                (side, control)
            }
        })
}

fn set_and_clear() -> OperationSpec {
    OperationSpec::new("signal_peer_latched", LATCHED)
        .set_up(|| {
            let mut fixture = Fixture::new();
            fixture.send_sides(1);
            let peer = fixture.peers[0].raw_handle();
            fixture.sleep_until_latched(peer, Signals::USER_0, Signals::USER_1);
            fixture
        })
        .prepare(|| {
            let control = startup_channel();
            let side = EventPair::from(receive_handles(&control).remove(0));
            move || {
                side.signal_peer(Signals::NONE, Signals::USER_0).unwrap();
                side.signal_peer(Signals::USER_0, Signals::USER_1).unwrap();
                (side, control)
            }
        })
}

/// The victim is sent one side; one of the survivor's threads sleeps on the other until `signals` are asserted.
fn one_side_with_sleeper(signals: Signals) -> Fixture {
    let mut fixture = Fixture::new();
    fixture.send_sides(1);
    let peer = fixture.peers[0].raw_handle();
    fixture.sleep_on(peer, signals);
    fixture
}

fn by_c() -> Vec<OperationSpec> {
    let c = |name| c_variant_of(by_rust, name);
    vec![
        c("create_eventpair").handle_delta(2).prepare(|| {
            warm_up_creation(ready());
            || calls::eventpair_create().unwrap()
        }),
        c("close_eventpair").prepare(|| {
            let (control, side) = ready_with_one();
            move || {
                calls::close(side).unwrap();
                control
            }
        }),
        c("signal_peer").prepare(|| {
            let (control, side) = ready_with_one();
            move || {
                calls::signal_peer(side, Signals::USER_0).unwrap();
                control
            }
        }),
    ]
}
