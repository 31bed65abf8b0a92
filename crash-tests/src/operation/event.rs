//! Events.

use crate::operation::c_interface::calls::Pointer::{Invalid, Valid};
use crate::operation::c_interface::{c_variant_of, calls, ready, ready_with_one};
use crate::operation::fixture::{Fixture, receive_handles, signals_of, startup_channel, warm_up_creation};
use crate::operation::guarantee::{CREATE, LATCHED};
use crate::operation::outcome::{CheckResult, Outcome};
use crate::operation::spec::OperationSpec;
use jacinth::*;

/// The victim is sent a duplicate of an event that the survivor keeps.
pub fn shared_event() -> Fixture {
    let mut fixture = Fixture::new();
    let event = Event::create_named(&Name::new_lossy("shared")).unwrap();
    fixture.send(vec![event.duplicate(Rights::SAME_RIGHTS).unwrap().into()]);
    fixture.kept.push(event.into());
    fixture
}

/// The survivor's handle of the shared event is its last one, and works.
pub fn check_last_handle(fixture: &mut Fixture) -> CheckResult {
    let event = &fixture.kept[0];
    match event.count_info().map(|info| info.handle_count) {
        Ok(1) => {}
        count => return Err(format!("the shared event has {count:?} handles instead of 1")),
    }
    event.signal(Signals::NONE, Signals::USER_7).map_err(|status| format!("signalling: {status}"))?;
    if signals_of(event).contains(Signals::USER_7) { Ok(()) } else { Err("a signal was lost".into()) }
}

/// The operations on events.
pub fn operations() -> Vec<OperationSpec> {
    let mut operations = by_rust();
    operations.extend(by_c());
    operations
}

fn by_rust() -> Vec<OperationSpec> {
    vec![create(), signal(), clear(), set_and_clear(), set_cookie(), replace_cookie()]
}

fn create() -> OperationSpec {
    OperationSpec::new("create_event", CREATE).prepare(|| {
        warm_up_creation(startup_channel());
        || Event::create()
    })
}

fn signal() -> OperationSpec {
    OperationSpec::new("signal", "a sleeper on the event is awake if the signal is set")
        .set_up(|| {
            let mut fixture = shared_event();
            let event = fixture.kept[0].raw_handle();
            fixture.sleep_on(event, Signals::USER_0);
            fixture
        })
        .prepare(|| {
            let control = startup_channel();
            let event = receive_handles(&control).remove(0);
            move || {
                event.signal(Signals::NONE, Signals::USER_0).unwrap();
                (event, control)
            }
        })
        .check(|fixture, outcome| {
            if outcome == Outcome::Finished && !signals_of(&fixture.kept[0]).contains(Signals::USER_0) {
                return Err("a signal that was set is not there".into());
            }
            check_last_handle(fixture)
        })
}

fn clear() -> OperationSpec {
    OperationSpec::new("signal_clear", "other signals stay")
        .set_up(|| {
            let mut fixture = shared_event();
            // This sleeper must sleep on.
            let event = fixture.kept[0].raw_handle();
            fixture.sleep_on(event, Signals::USER_0);
            fixture.kept[0].signal(Signals::NONE, Signals::USER_1 | Signals::USER_2).unwrap();
            fixture
        })
        .prepare(|| {
            let control = startup_channel();
            let event = receive_handles(&control).remove(0);
            move || {
                event.signal(Signals::USER_1, Signals::NONE).unwrap();
                (event, control)
            }
        })
        .check(|fixture, _| {
            if !signals_of(&fixture.kept[0]).contains(Signals::USER_2) {
                return Err("a signal is gone that was not cleared".into());
            }
            check_last_handle(fixture)
        })
}

fn set_and_clear() -> OperationSpec {
    OperationSpec::new("signal_latched", LATCHED)
        .set_up(|| {
            let mut fixture = shared_event();
            let event = fixture.kept[0].raw_handle();
            fixture.sleep_until_latched(event, Signals::USER_0, Signals::USER_1);
            fixture
        })
        .prepare(|| {
            let control = startup_channel();
            let event = receive_handles(&control).remove(0);
            move || {
                event.signal(Signals::NONE, Signals::USER_0).unwrap();
                event.signal(Signals::USER_0, Signals::USER_1).unwrap();
                (event, control)
            }
        })
        .check(|fixture, _| check_last_handle(fixture))
}

/// The cookie that a victim sets. An event is its own scope, so the survivor can read it.
const COOKIE: u64 = 0x0123_4567_89ab_cdef;

/// A thread sets the cookie of the shared event, which has `before`.
fn cookie_operation(name: &'static str, before: Option<u64>) -> OperationSpec {
    OperationSpec::new(name, "the cookie is whole, with its scope, or as before")
        .set_up(move || {
            let fixture = shared_event();
            let event = fixture.kept[0].raw_handle();
            before.into_iter().for_each(|before| raw::set_cookie(event, event, before).unwrap());
            fixture
        })
        .prepare(|| {
            let control = startup_channel();
            let event = Event::from(receive_handles(&control).remove(0));
            move || {
                event.set_cookie(&event, COOKIE).unwrap();
                (event, control)
            }
        })
        .check(move |fixture, outcome| {
            let event = fixture.kept[0].raw_handle();
            let other = Event::create();
            // A new thread may get the victim's row, and sets a cookie too.
            std::thread::scope(|scope| scope.spawn(|| other.set_cookie(&other, 2)).join().unwrap())
                .map_err(|status| format!("setting another cookie: {status}"))?;
            let may_be_unset = outcome == Outcome::Killed && before.is_none();
            match raw::cookie(event, event) {
                Ok(COOKIE) => {}
                Ok(cookie) if outcome == Outcome::Killed && Some(cookie) == before => {}
                Err(Status::ACCESS_DENIED) if may_be_unset => {
                    // The scope is free as well.
                    let set = raw::set_cookie(event, other.raw_handle(), 1);
                    let seen = raw::cookie(event, other.raw_handle());
                    if (set, seen) != (Ok(()), Ok(1)) {
                        return Err(format!("half a cookie is left: {set:?}, {seen:?}"));
                    }
                    return check_last_handle(fixture);
                }
                seen => return Err(format!("the cookie is {seen:?}")),
            }
            if raw::set_cookie(event, other.raw_handle(), 1) != Err(Status::ACCESS_DENIED) {
                return Err("a cookie changed its scope".into());
            }
            check_last_handle(fixture)
        })
}

fn set_cookie() -> OperationSpec {
    cookie_operation("set_cookie", None)
}

fn replace_cookie() -> OperationSpec {
    cookie_operation("replace_cookie", Some(1))
}

fn by_c() -> Vec<OperationSpec> {
    let c = |name| c_variant_of(by_rust, name);
    vec![
        c("create_event").handle_delta(1).prepare(|| {
            warm_up_creation(ready());
            || calls::event_create(Valid).unwrap()
        }),
        c("create_event").variant("bad_pointer").handle_delta(0).prepare(|| {
            warm_up_creation(ready());
            || assert_eq!(calls::event_create(Invalid), Err(Status::INVALID_ARGS))
        }),
        c("set_cookie").prepare(|| {
            let (control, event) = ready_with_one();
            move || {
                calls::set_cookie(event, event, COOKIE).unwrap();
                control
            }
        }),
        c("signal").prepare(|| {
            let (control, event) = ready_with_one();
            move || {
                calls::signal(event, Signals::USER_0).unwrap();
                control
            }
        }),
    ]
}
