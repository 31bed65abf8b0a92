//! Every call that takes a handle, and its errors for unsuitable handles.

#[path = "matrix/calls.rs"]
mod calls;
#[path = "matrix/objects.rs"]
mod objects;
mod support;

use calls::*;
use jacinth::*;
use objects::*;
use std::mem::ManuallyDrop;
use support::*;

#[test]
fn child_main() {
    play(&[("tells its values", tells_its_values)]);
}

fn assert_all_say_bad_handle(value: u32, what: &str) {
    for Call { name, run, .. } in CALLS {
        if value != 0 || !name.starts_with("close") {
            assert_eq!(run(value), Err(Status::BAD_HANDLE), "{name} with {what}");
        }
    }
}

#[test]
fn every_call_refuses_invalid_values() {
    in_arena(|supervisor| {
        assert_all_say_bad_handle(raw::INVALID, "0");
        assert_all_say_bad_handle(0x1234_5678, "a value from nowhere");
        let closed = event().into_raw();
        raw::close(closed).unwrap();
        assert_all_say_bad_handle(closed, "a closed event");
        let (end, _other) = readable_channel();
        let closed = end.into_raw();
        raw::close(closed).unwrap();
        assert_all_say_bad_handle(closed, "a closed channel");
        let (end, _other) = readable_fifo();
        let closed = end.into_raw();
        raw::close(closed).unwrap();
        assert_all_say_bad_handle(closed, "a closed fifo");
        let (end, _other) = readable_socket();
        let closed = end.into_raw();
        raw::close(closed).unwrap();
        assert_all_say_bad_handle(closed, "a closed socket");
        let replaced = event().into_raw();
        let _replacement = NullableHandle::from_raw(raw::replace(replaced, Rights::SAME_RIGHTS).unwrap());
        assert_all_say_bad_handle(replaced, "a replaced handle");

        let (carrier, _far) = Channel::create();
        let (end, _other) = readable_channel();
        let moved = [event().into_raw(), end.into_raw()];
        raw::channel_write(carrier.raw_handle(), b"", &moved).unwrap();
        for moved in moved {
            assert_all_say_bad_handle(moved, "a handle in transit");
        }

        let (ours, child) = spawn(supervisor, "tells its values");
        let values = next(&ours);
        assert_eq!(values.bytes().len(), 8);
        for value in values.bytes().as_chunks().0 {
            assert_all_say_bad_handle(u32::from_ne_bytes(*value), "another process's value");
        }
        drop(ours);
        join(child);
    });
}

fn tells_its_values() {
    let ours = startup_channel();
    let (event, (end, _other)) = (Event::create(), readable_channel());
    let values = [event.raw_handle().to_ne_bytes(), end.raw_handle().to_ne_bytes()];
    tell(&ours, values.as_flattened());
    wait_for_peer_closed(&ours);
    assert!(raw::check_valid(event.raw_handle()).is_ok() && raw::check_valid(end.raw_handle()).is_ok());
}

#[test]
fn each_type_refuses_others_calls() {
    in_arena(|supervisor| {
        let (pair, _other) = EventPair::create();
        let (event, (end, _peer)) = (Event::create(), readable_channel());
        let (port, timer, (fifo, _far)) = (Port::create(), Timer::create(), readable_fifo());
        let vmo = Vmo::create(4096).unwrap();
        let (socket, _far) = readable_socket();
        let directory = Directory::create();
        let listener = directory.serve("a name").unwrap();
        let process = process_self().unwrap();
        let of_type = |on| CALLS.iter().filter(move |call| call.on == on);
        let values = [
            event.raw_handle(),
            pair.raw_handle(),
            end.raw_handle(),
            fifo.raw_handle(),
            vmo.raw_handle(),
            socket.raw_handle(),
            port.raw_handle(),
            timer.raw_handle(),
            directory.raw_handle(),
            listener.raw_handle(),
            process.raw_handle(),
        ];
        let suitable = [
            (On::Channels, end.raw_handle()),
            (On::Fifos, fifo.raw_handle()),
            (On::Vmos, vmo.raw_handle()),
            (On::Sockets, socket.raw_handle()),
            (On::Ports, port.raw_handle()),
            (On::Timers, timer.raw_handle()),
            (On::Directories, directory.raw_handle()),
            (On::Listeners, listener.raw_handle()),
            (On::Processes, process.raw_handle()),
        ];
        for (on, suitable) in suitable {
            for value in values.into_iter().filter(|value| *value != suitable) {
                for Call { name, run, .. } in of_type(on) {
                    assert_eq!(run(value), Err(Status::WRONG_TYPE), "{name}");
                }
            }
        }
        let used_before = (
            readable_channel(),
            readable_fifo(),
            readable_socket(),
            vmo,
            Port::create(),
            Timer::create(),
            listener,
            directory,
        );
        drop(used_before);
        supervisor.collect().unwrap();
        let events: Vec<Event> = (0..50).map(|_| Event::create()).collect();
        for Call { name, run, .. } in suitable.into_iter().flat_map(|(on, _)| of_type(on)) {
            for event in &events {
                assert_eq!(run(event.raw_handle()), Err(Status::WRONG_TYPE), "{name} on a slot used again");
            }
        }
    });
}

#[test]
fn every_call_needs_exactly_its_right() {
    in_arena(|_| {
        for Call { name, on, needs, run } in CALLS {
            for (what, _, all, make) in MAKERS.iter().filter(|(_, kinds, ..)| kinds.contains(on)) {
                let (handle, _peer) = make();
                let lacking = handle.replace(*all - *needs).unwrap().into_raw();
                let (good, _peer) = make();
                if !needs.is_empty() {
                    assert_eq!(run(lacking), Err(Status::ACCESS_DENIED), "{name} on {what}");
                    assert_eq!(raw::check_valid(lacking), Ok(()), "{name} leaves the handle");
                }
                if all.contains(*needs) {
                    assert_eq!(run(ManuallyDrop::new(good).raw_handle()), Ok(()), "{name} on {what}");
                }
                raw::close(lacking).unwrap();
            }
        }
    });
}

#[test]
fn a_startup_handle_needs_transfer() {
    in_arena(|supervisor| {
        for (what, _, all, make) in MAKERS {
            let (handle, _peer) = make();
            let lacking = handle.replace(*all - Rights::TRANSFER).unwrap();
            let value = lacking.raw_handle();
            let refused = supervisor.prepare(lacking).unwrap_err();
            assert!(matches!(refused, SpawnError::StartupHandle(Status::ACCESS_DENIED)), "{what}: {refused}");
            assert_eq!(raw::check_valid(value), Err(Status::BAD_HANDLE), "{what} is consumed");
            let (handle, _peer) = make();
            let seat = supervisor.prepare(handle.replace(Rights::TRANSFER).unwrap()).unwrap();
            assert!(seat.is_free(), "{what}");
        }
    });
}
