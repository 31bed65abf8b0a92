//! The same once more, by the calls of `libjacinth`: each operation is one of the others', with its scene and what
//! its survivors may see, whose act makes C's calls. What C can do and Rust cannot comes with it: pointers that lead
//! nowhere, and calls that a signal handler interrupts.

pub(crate) mod calls;

use crate::operation::channel::read::INLINE;
use crate::operation::channel::write::bytes;
use crate::operation::channel::{call, close, read, write};
use crate::operation::memory::slots;
use crate::operation::{Operation, given, startup};
use crate::operation::{event, handle, wait};
use calls::Place::{Here, Nowhere};
use calls::{Buffers, Call};
use jacinth::*;
use jacinth_calls::types::zx_handle_info_t;

/// The operation of this name, to be done by C's calls.
pub(crate) fn like(group: fn() -> Vec<Operation>, name: &str) -> Operation {
    let found = group().into_iter().find(|operation| operation.name == name);
    let operation = found.unwrap_or_else(|| panic!("no operation is called {name}"));
    Operation { name: format!("c_{name}"), is_again: true, ..operation }
}

impl Operation {
    /// Under the same name with something behind it.
    pub(crate) fn but(self, what: &str) -> Self {
        Self { name: format!("{}_{what}", self.name), ..self }
    }
}

/// The victim's line, when it has made its first call of C's.
pub(crate) fn ready() -> Channel {
    let line = startup();
    calls::close_many(&[raw::INVALID]).expect("there is nothing to close");
    line
}

/// The line, and the handle that came over it.
pub(crate) fn ready_with_one() -> (Channel, u32) {
    let line = ready();
    let one = given(&line).remove(0).into_raw();
    (line, one)
}

/// The line, and the handles that came over it.
pub(crate) fn ready_with_all() -> (Channel, Vec<u32>) {
    let line = ready();
    let all = given(&line).into_iter().map(NullableHandle::into_raw).collect();
    (line, all)
}

pub(crate) fn operations() -> Vec<Operation> {
    let mut operations = writing();
    operations.extend(reading());
    operations.extend(calling());
    operations.extend(crate::operation::process::c_interface::operations());
    operations.extend(closing());
    operations.extend(creating());
    operations.extend(handles());
    operations.extend(signals());
    operations
}

fn creating() -> Vec<Operation> {
    let like = |name| like(slots::operations, name);
    vec![
        like("create_event").handles(1).prepare(|| {
            slots::warm(ready());
            || calls::event_create(Here).unwrap()
        }),
        like("create_eventpair").handles(2).prepare(|| {
            slots::warm(ready());
            || calls::eventpair_create().unwrap()
        }),
        like("create_channel").handles(2).prepare(|| {
            slots::warm(ready());
            || calls::channel_create(Here).unwrap()
        }),
        like("create_event").but("nowhere").handles(0).prepare(|| {
            slots::warm(ready());
            || assert_eq!(calls::event_create(Nowhere), Err(Status::INVALID_ARGS))
        }),
        like("create_channel").but("nowhere").handles(0).prepare(|| {
            slots::warm(ready());
            || assert_eq!(calls::channel_create(Nowhere), Err(Status::INVALID_ARGS))
        }),
        Operation::new("c_own", "nothing of a process's handles to itself is left").handles(4).prepare(
            || {
                slots::warm(ready());
                || {
                    let own = calls::own();
                    assert!(own.iter().all(|value| *value != raw::INVALID));
                    assert_eq!(own, calls::own());
                }
            },
        ),
    ]
}

fn closing() -> Vec<Operation> {
    let like = |name| like(close::operations, name);
    vec![
        like("close_many_16").handles(-16).prepare(|| {
            let (line, mut sides) = ready_with_all();
            // One is closed already: all others are closed all the same.
            sides.insert(8, sides[0]);
            move || {
                assert_eq!(calls::close_many(&sides), Err(Status::BAD_HANDLE));
                line
            }
        }),
        like("close_shared").handles(-1).prepare(|| {
            let (line, event) = ready_with_one();
            move || {
                calls::close(event).unwrap();
                line
            }
        }),
        like("close_eventpair").prepare(|| {
            let (line, side) = ready_with_one();
            move || {
                calls::close(side).unwrap();
                line
            }
        }),
        like("close_channel").prepare(|| {
            let (line, sides) = ready_with_all();
            let line = line.into_raw();
            calls::write(line, (b"sent before", Here), &sides).unwrap();
            move || calls::close(line).unwrap()
        }),
    ]
}

fn handles() -> Vec<Operation> {
    let like = |name| like(handle::operations, name);
    vec![
        like("duplicate").handles(1).prepare(|| {
            let (line, event) = ready_with_one();
            move || (calls::duplicate(event, Rights::WAIT, Here).unwrap(), line)
        }),
        like("duplicate").but("nowhere").handles(0).prepare(|| {
            let (line, event) = ready_with_one();
            move || {
                let refused = calls::duplicate(event, Rights::SAME_RIGHTS, Nowhere);
                assert_eq!(refused, Err(Status::INVALID_ARGS));
                line
            }
        }),
        like("replace").handles(0).prepare(|| {
            let (line, event) = ready_with_one();
            move || (calls::replace(event, Rights::WAIT, Here).unwrap(), line)
        }),
        like("replace").but("nowhere").handles(-1).prepare(|| {
            let (line, event) = ready_with_one();
            move || {
                assert_eq!(calls::replace(event, Rights::WAIT, Nowhere), Err(Status::INVALID_ARGS));
                assert_eq!(raw::check_valid(event), Err(Status::BAD_HANDLE));
                line
            }
        }),
        like("set_name").prepare(|| {
            let (line, event) = ready_with_one();
            move || {
                calls::set_name(event, b"another name altogether").unwrap();
                line
            }
        }),
    ]
}

fn signals() -> Vec<Operation> {
    let waiting = || {
        set_spin(MonotonicDuration::ZERO);
        ready_with_one()
    };
    let late = MonotonicInstant::INFINITE;
    vec![
        like(event::operations, "signal").prepare(|| {
            let (line, event) = ready_with_one();
            move || {
                calls::signal(event, Signals::USER_0).unwrap();
                line
            }
        }),
        like(event::operations, "signal_peer").prepare(|| {
            let (line, side) = ready_with_one();
            move || {
                calls::signal_peer(side, Signals::USER_0).unwrap();
                line
            }
        }),
        like(wait::operations, "wait_stored").prepare(move || {
            let (line, event) = waiting();
            move || (calls::wait_one(event, Signals::USER_0, late).unwrap(), line)
        }),
        like(wait::operations, "wait_many").prepare(move || {
            let (line, event) = waiting();
            move || {
                let items = [(line.raw_handle(), Signals::CHANNEL_READABLE), (event, Signals::USER_0)];
                calls::wait_many(items, late).unwrap();
                line
            }
        }),
        like(wait::operations, "wait_timed_out").prepare(move || {
            let (line, event) = waiting();
            move || {
                let soon = MonotonicInstant::after(MonotonicDuration::from_micros(100));
                assert_eq!(calls::wait_one(event, Signals::USER_0, soon), Err(Status::TIMED_OUT));
                line
            }
        }),
        like(wait::operations, "wait_asleep_stored").prepare(move || {
            let (line, event) = waiting();
            move || (calls::wait_one(event, Signals::USER_0, late).is_ok(), line)
        }),
    ]
}

fn writing() -> Vec<Operation> {
    let mut operations = Vec::new();
    for handles in [64, 1, 0] {
        for (kind, len) in [("inline", write::INLINE), ("block", write::BLOCK)] {
            operations.push(like(write::operations, &format!("write_{handles}_{kind}")).prepare(move || {
                let (line, sides) = if handles > 0 { ready_with_all() } else { (ready(), Vec::new()) };
                let bytes = bytes(len);
                move || {
                    calls::write(line.raw_handle(), (&bytes, Here), &sides).unwrap();
                    (line, bytes, sides)
                }
            }));
        }
    }
    operations.extend([
        like(write::operations, "write_3_refused").handles(-3).prepare(|| {
            let (line, mut sides) = ready_with_all();
            sides.push(sides[0]);
            move || {
                let refused = calls::write(line.raw_handle(), (b"refused", Here), &sides);
                assert_eq!(refused, Err(Status::BAD_HANDLE));
                line
            }
        }),
        like(write::operations, "write_3_refused").but("nowhere").handles(-3).prepare(|| {
            let (line, sides) = ready_with_all();
            move || {
                let refused = calls::write(line.raw_handle(), (b"refused", Nowhere), &sides);
                assert_eq!(refused, Err(Status::INVALID_ARGS));
                line
            }
        }),
        like(write::operations, "write_3_should_wait").handles(0).prepare(|| {
            let (line, sides) = ready_with_all();
            while line.write(b"pending", &mut []).is_ok() {}
            move || {
                let refused = calls::write(line.raw_handle(), (b"no room", Here), &sides);
                assert_eq!(refused, Err(Status::SHOULD_WAIT));
                line
            }
        }),
    ]);
    operations
}

fn reading() -> Vec<Operation> {
    let like = |name| like(read::operations, name);
    let mut operations = Vec::new();
    for (name, handles, len) in
        [("read_64_block", 64, read::BLOCK), ("read_1_inline", 1, INLINE), ("read_0_inline", 0, INLINE)]
    {
        operations.push(like(name).prepare(move || {
            let (line, expected, mut message) = (ready(), bytes(len), Buffers::new(len, handles));
            move || {
                calls::read(line.raw_handle(), false, &mut message).unwrap();
                assert!(message.bytes == expected && message.actual == (len as u32, handles as u32));
                line
            }
        }));
    }
    operations.extend([
        like("read_64_block").but("etc").handles(64).prepare(|| {
            let (line, expected) = (ready(), bytes(read::BLOCK));
            let mut message = Buffers::<zx_handle_info_t>::new(expected.len(), 64);
            move || {
                calls::read_etc(line.raw_handle(), &mut message).unwrap();
                assert!(message.bytes == expected);
                assert!(
                    message.handles.iter().all(|handle| handle.r#type == ObjectType::EVENTPAIR.into_raw())
                );
                line
            }
        }),
        like("read_3_discard").handles(0).prepare(|| {
            let (line, mut message) = (ready(), Buffers::new(10, 0));
            move || {
                let result = calls::read(line.raw_handle(), true, &mut message);
                assert_eq!(result, Err(Status::BUFFER_TOO_SMALL));
                assert_eq!(message.actual, (read::BLOCK as u32, 3));
                line
            }
        }),
        // A message that cannot be put where its reader says stays, also for one that would let it go.
        like("read_3_too_small").but("nowhere").handles(3).prepare(|| {
            let (line, expected) = (ready(), bytes(read::BLOCK));
            let mut message = Buffers::new(expected.len(), 3);
            let mut infos = Buffers::<zx_handle_info_t>::new(expected.len(), 3);
            move || {
                let from = line.raw_handle();
                for places in [(Nowhere, Here), (Here, Nowhere)] {
                    (message.places, infos.places) = (places, places);
                    assert_eq!(calls::read(from, true, &mut message), Err(Status::INVALID_ARGS));
                    assert_eq!(calls::read_etc(from, &mut infos), Err(Status::INVALID_ARGS));
                }
                message.places = (Here, Here);
                calls::read(from, true, &mut message).unwrap();
                assert!(message.bytes == expected && message.actual.1 == 3);
                line
            }
        }),
    ]);
    operations
}

fn calling() -> Vec<Operation> {
    let like = |name| like(call::operations, name);
    let mut operations = vec![like("call_timed_out").prepare(|| {
        set_spin(MonotonicDuration::ZERO);
        let (line, mut reply) = (ready(), Buffers::new(16, 1));
        move || {
            let soon = MonotonicInstant::after(MonotonicDuration::from_micros(100));
            let question = (&b"\0\0\0\0a question"[..], &[][..]);
            let result = calls::call(Call::Whole, line.raw_handle(), soon, question, &mut reply);
            assert_eq!(result, Err(Status::TIMED_OUT));
            line
        }
    })];
    for (name, handles) in [("call_0", 0), ("call_1", 1)] {
        operations.push(like(name).prepare(move || {
            set_spin(MonotonicDuration::ZERO);
            let (line, sides) = if handles > 0 { ready_with_all() } else { (ready(), Vec::new()) };
            let mut reply = Buffers::new(16, handles);
            move || {
                let question = (&b"\0\0\0\0a question"[..], &sides[..]);
                let late = MonotonicInstant::INFINITE;
                calls::call(Call::Whole, line.raw_handle(), late, question, &mut reply).unwrap();
                assert_eq!(&reply.bytes[4..reply.actual.0 as usize], b"an answer");
                line
            }
        }));
    }
    // As in Zircon, a reply that cannot be given is gone, with its handle. The survivor had that one before.
    operations.push(like("call_1").but("nowhere").handles(-2).prepare(|| {
        set_spin(MonotonicDuration::ZERO);
        let (line, sides) = ready_with_all();
        let mut reply = Buffers::new(16, 1);
        reply.places = (Here, Nowhere);
        move || {
            let question = (&b"\0\0\0\0a question"[..], &sides[..]);
            let late = MonotonicInstant::INFINITE;
            let result = calls::call(Call::Whole, line.raw_handle(), late, question, &mut reply);
            assert_eq!(result, Err(Status::INVALID_ARGS));
            line
        }
    }));
    operations.extend(crate::operation::channel::interrupted_call::operations());
    operations
}
