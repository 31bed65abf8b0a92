//! Channel operations by the calls of `libjacinth`.

use crate::operation::c_interface::calls::Pointer::{Invalid, Valid};
use crate::operation::c_interface::calls::{Buffers, Call};
use crate::operation::c_interface::{c_variant_of, calls, ready, ready_with_all};
use crate::operation::channel::write::{BLOCK, INLINE, bytes};
use crate::operation::channel::{call, lifecycle, read, write};
use crate::operation::fixture::warm_up_creation;
use crate::operation::spec::OperationSpec;
use jacinth::*;
use jacinth_capi_calls::types::zx_handle_info_t;

/// The operations by C's calls.
pub fn operations() -> Vec<OperationSpec> {
    let mut operations = writing();
    operations.extend(reading());
    operations.extend(calling());
    operations.extend(creating_and_closing());
    operations
}

/// The operations that these are based on.
fn by_rust() -> Vec<OperationSpec> {
    let groups = [write::operations(), read::operations(), call::operations(), lifecycle::operations()];
    groups.into_iter().flatten().collect()
}

fn creating_and_closing() -> Vec<OperationSpec> {
    let c = |name: &str| c_variant_of(by_rust, name);
    vec![
        c("create_channel").handle_delta(2).prepare(|| {
            warm_up_creation(ready());
            || calls::channel_create(Valid).unwrap()
        }),
        c("create_channel").variant("bad_pointer").handle_delta(0).prepare(|| {
            warm_up_creation(ready());
            || assert_eq!(calls::channel_create(Invalid), Err(Status::INVALID_ARGS))
        }),
        c("close_channel").prepare(|| {
            let (control, sides) = ready_with_all();
            let control = control.into_raw();
            calls::write(control, (b"sent before", Valid), &sides).unwrap();
            move || calls::close(control).unwrap()
        }),
    ]
}

fn writing() -> Vec<OperationSpec> {
    let c = |name: &str| c_variant_of(by_rust, name);
    let mut operations = Vec::new();
    for handles in [64, 1, 0] {
        for (kind, len) in [("inline", INLINE), ("block", BLOCK)] {
            operations.push(c(&format!("write_{handles}_{kind}")).prepare(move || {
                let (control, sides) = if handles > 0 { ready_with_all() } else { (ready(), Vec::new()) };
                let bytes = bytes(len);
                move || {
                    calls::write(control.raw_handle(), (&bytes, Valid), &sides).unwrap();
                    (control, bytes, sides)
                }
            }));
        }
    }
    operations.extend([
        c("write_3_refused").handle_delta(-3).prepare(|| {
            let (control, mut sides) = ready_with_all();
            sides.push(sides[0]);
            move || {
                let refused = calls::write(control.raw_handle(), (b"refused", Valid), &sides);
                assert_eq!(refused, Err(Status::BAD_HANDLE));
                control
            }
        }),
        c("write_3_refused").variant("bad_pointer").handle_delta(-3).prepare(|| {
            let (control, sides) = ready_with_all();
            move || {
                let refused = calls::write(control.raw_handle(), (b"refused", Invalid), &sides);
                assert_eq!(refused, Err(Status::INVALID_ARGS));
                control
            }
        }),
        c("write_3_should_wait").handle_delta(0).prepare(|| {
            let (control, sides) = ready_with_all();
            while control.write(b"pending", &mut []).is_ok() {}
            move || {
                let refused = calls::write(control.raw_handle(), (b"no room", Valid), &sides);
                assert_eq!(refused, Err(Status::SHOULD_WAIT));
                control
            }
        }),
    ]);
    operations
}

fn reading() -> Vec<OperationSpec> {
    let c = |name: &str| c_variant_of(by_rust, name);
    let mut operations = Vec::new();
    for (name, handles, len) in
        [("read_64_block", 64, BLOCK), ("read_1_inline", 1, INLINE), ("read_0_inline", 0, INLINE)]
    {
        operations.push(c(name).prepare(move || {
            let (control, expected, mut message) = (ready(), bytes(len), Buffers::new(len, handles));
            move || {
                calls::read(control.raw_handle(), false, &mut message).unwrap();
                assert!(message.bytes == expected && message.actual == (len as u32, handles as u32));
                control
            }
        }));
    }
    operations.extend([
        c("read_64_block").variant("etc").handle_delta(64).prepare(|| {
            let (control, expected) = (ready(), bytes(BLOCK));
            let mut message = Buffers::<zx_handle_info_t>::new(expected.len(), 64);
            move || {
                calls::read_etc(control.raw_handle(), &mut message).unwrap();
                assert!(message.bytes == expected);
                assert!(
                    message.handles.iter().all(|handle| handle.r#type == ObjectType::EVENTPAIR.into_raw())
                );
                control
            }
        }),
        c("read_3_discard").handle_delta(0).prepare(|| {
            let (control, mut message) = (ready(), Buffers::new(10, 0));
            move || {
                let result = calls::read(control.raw_handle(), true, &mut message);
                assert_eq!(result, Err(Status::BUFFER_TOO_SMALL));
                assert_eq!(message.actual, (BLOCK as u32, 3));
                control
            }
        }),
        // A message stays if its reader's pointers are invalid, even if the reader allows it to be discarded.
        c("read_3_too_small").variant("bad_pointer").handle_delta(3).prepare(|| {
            let (control, expected) = (ready(), bytes(BLOCK));
            let mut message = Buffers::new(expected.len(), 3);
            let mut infos = Buffers::<zx_handle_info_t>::new(expected.len(), 3);
            move || {
                let from = control.raw_handle();
                for pointers in [(Invalid, Valid), (Valid, Invalid)] {
                    (message.pointers, infos.pointers) = (pointers, pointers);
                    assert_eq!(calls::read(from, true, &mut message), Err(Status::INVALID_ARGS));
                    assert_eq!(calls::read_etc(from, &mut infos), Err(Status::INVALID_ARGS));
                }
                message.pointers = (Valid, Valid);
                calls::read(from, true, &mut message).unwrap();
                assert!(message.bytes == expected && message.actual.1 == 3);
                control
            }
        }),
    ]);
    operations
}

fn calling() -> Vec<OperationSpec> {
    let c = |name: &str| c_variant_of(by_rust, name);
    let mut operations = vec![c("call_timed_out").prepare(|| {
        set_spin(MonotonicDuration::ZERO);
        let (control, mut reply) = (ready(), Buffers::new(16, 1));
        move || {
            let soon = MonotonicInstant::after(MonotonicDuration::from_micros(100));
            let question = (&b"\0\0\0\0a question"[..], &[][..]);
            let result = calls::call(Call::Whole, control.raw_handle(), soon, question, &mut reply);
            assert_eq!(result, Err(Status::TIMED_OUT));
            control
        }
    })];
    for (name, handles) in [("call_0", 0), ("call_1", 1)] {
        operations.push(c(name).prepare(move || {
            set_spin(MonotonicDuration::ZERO);
            let (control, sides) = if handles > 0 { ready_with_all() } else { (ready(), Vec::new()) };
            let mut reply = Buffers::new(16, handles);
            move || {
                let question = (&b"\0\0\0\0a question"[..], &sides[..]);
                let late = MonotonicInstant::INFINITE;
                calls::call(Call::Whole, control.raw_handle(), late, question, &mut reply).unwrap();
                assert_eq!(&reply.bytes[4..reply.actual.0 as usize], b"an answer");
                control
            }
        }));
    }
    // As in Zircon, a reply that cannot be returned is gone, with its handle. The survivor had that handle before.
    operations.push(c("call_1").variant("bad_pointer").handle_delta(-2).prepare(|| {
        set_spin(MonotonicDuration::ZERO);
        let (control, sides) = ready_with_all();
        let mut reply = Buffers::new(16, 1);
        reply.pointers = (Valid, Invalid);
        move || {
            let question = (&b"\0\0\0\0a question"[..], &sides[..]);
            let late = MonotonicInstant::INFINITE;
            let result = calls::call(Call::Whole, control.raw_handle(), late, question, &mut reply);
            assert_eq!(result, Err(Status::INVALID_ARGS));
            control
        }
    }));
    operations
}
