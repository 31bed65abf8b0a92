//! Handles of any object: duplicate, replace, close, name, information.

use crate::operation::c_interface::calls::Pointer::{Invalid, Valid};
use crate::operation::c_interface::{c_variant_of, calls, ready_with_all, ready_with_one};
use crate::operation::event::{check_last_handle, shared_event};
use crate::operation::fixture::{Fixture, receive_handles, startup_channel};
use crate::operation::guarantee::{CLOSE, SHARED};
use crate::operation::spec::OperationSpec;
use jacinth::*;

/// The operations on handles.
pub fn operations() -> Vec<OperationSpec> {
    let mut operations = by_rust();
    operations.extend(by_c());
    operations
}

fn by_rust() -> Vec<OperationSpec> {
    vec![
        close_many(),
        with_shared_event("close_shared", SHARED, drop),
        close_last(),
        with_shared_event("duplicate", SHARED, |event| (event.duplicate(Rights::WAIT).unwrap(), event))
            .exercises_recovery(),
        with_shared_event("replace", SHARED, |event| event.replace(Rights::WAIT).unwrap())
            .exercises_recovery(),
        OperationSpec::new("replace_channel", "the end is closed under its old value or its new one")
            .prepare(|| {
                let control = startup_channel();
                move || control.replace(Rights::READ).unwrap()
            }),
        with_shared_event("basic_info", "reading information changes nothing", |event| {
            (event.basic_info().unwrap(), event.count_info().unwrap().handle_count, event)
        }),
        with_shared_event(
            "set_name",
            "the object keeps working, however much of its name was written",
            |event| {
                event.set_name(&Name::new_lossy("another name altogether")).unwrap();
                (event.get_name().unwrap(), event)
            },
        ),
    ]
}

/// The victim acts on its duplicate of the survivor's event.
fn with_shared_event<T: 'static>(
    name: &str,
    guarantee: &'static str,
    action: impl Fn(NullableHandle) -> T + Copy + 'static,
) -> OperationSpec {
    OperationSpec::new(name, guarantee)
        .set_up(shared_event)
        .prepare(move || {
            let control = startup_channel();
            let event = receive_handles(&control).remove(0);
            move || (action(event), control)
        })
        .check(|fixture, _| check_last_handle(fixture))
}

fn close_many() -> OperationSpec {
    OperationSpec::new("close_many_16", CLOSE)
        .set_up(|| {
            let mut fixture = Fixture::new();
            fixture.send_sides(16);
            fixture
        })
        .prepare(|| {
            let control = startup_channel();
            let values: Vec<u32> =
                receive_handles(&control).into_iter().map(NullableHandle::into_raw).collect();
            move || {
                raw::close_many(&values).unwrap();
                control
            }
        })
}

fn close_last() -> OperationSpec {
    OperationSpec::new("close_last", CLOSE).prepare(|| {
        let control = startup_channel();
        let event = Event::create();
        move || {
            drop(event);
            control
        }
    })
}

fn by_c() -> Vec<OperationSpec> {
    let c = |name| c_variant_of(by_rust, name);
    vec![
        c("close_many_16").handle_delta(-16).prepare(|| {
            let (control, mut sides) = ready_with_all();
            // One value is closed already when its turn comes: the others are closed all the same.
            sides.insert(8, sides[0]);
            move || {
                assert_eq!(calls::close_many(&sides), Err(Status::BAD_HANDLE));
                control
            }
        }),
        c("close_shared").handle_delta(-1).prepare(|| {
            let (control, event) = ready_with_one();
            move || {
                calls::close(event).unwrap();
                control
            }
        }),
        c("duplicate").handle_delta(1).prepare(|| {
            let (control, event) = ready_with_one();
            move || (calls::duplicate(event, Rights::WAIT, Valid).unwrap(), control)
        }),
        c("duplicate").variant("bad_pointer").handle_delta(0).prepare(|| {
            let (control, event) = ready_with_one();
            move || {
                let refused = calls::duplicate(event, Rights::SAME_RIGHTS, Invalid);
                assert_eq!(refused, Err(Status::INVALID_ARGS));
                control
            }
        }),
        c("replace").handle_delta(0).prepare(|| {
            let (control, event) = ready_with_one();
            move || (calls::replace(event, Rights::WAIT, Valid).unwrap(), control)
        }),
        c("replace").variant("bad_pointer").handle_delta(-1).prepare(|| {
            let (control, event) = ready_with_one();
            move || {
                assert_eq!(calls::replace(event, Rights::WAIT, Invalid), Err(Status::INVALID_ARGS));
                assert_eq!(raw::check_valid(event), Err(Status::BAD_HANDLE));
                control
            }
        }),
        c("set_name").prepare(|| {
            let (control, event) = ready_with_one();
            move || {
                calls::set_name(event, b"another name altogether").unwrap();
                control
            }
        }),
    ]
}
