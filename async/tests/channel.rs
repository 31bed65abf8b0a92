//! Channels, signals and timers as futures, in one process: what waits, what is cancelled, and what is left behind.

#[path = "../../jacinth/tests/support/mod.rs"]
mod support;

use futures::executor::block_on;
use futures::future::{join, join_all};
use futures::{SinkExt, StreamExt, poll};
use jacinth::{
    ChannelOptions, Event, MessageBuf, MonotonicInstant, NullableHandle, Rights, Signals, Status,
    library_threads,
};
use jacinth_async::{Channel, OnSignals, Timer};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use support::*;

fn pair() -> (Channel, Channel) {
    let (ours, theirs) = jacinth::Channel::create();
    (ours.into(), theirs.into())
}

/// A pair with room for one message.
fn narrow() -> (Channel, Channel) {
    let options = ChannelOptions::new().max_pending_messages(1);
    let (ours, theirs) = jacinth::Channel::create_with(options).unwrap();
    (ours.into(), theirs.into())
}

fn write(channel: &Channel, bytes: impl AsRef<[u8]>) {
    tell(channel.get_ref(), bytes);
}

fn has_thread() -> bool {
    let names = library_threads::threads();
    let mut names = names.iter().flat_map(|id| std::fs::read_to_string(format!("/proc/self/task/{id}/comm")));
    names.any(|name| name.trim() == "jacinth-async")
}

#[test]
fn ready_operations_register_nothing() {
    in_arena(|supervisor| {
        let (ours, theirs) = pair();
        let before = objects(supervisor);
        block_on(async {
            for number in 0..100 {
                ours.send(&[number], &mut []).await.unwrap();
                assert_eq!(theirs.recv().await.unwrap().bytes(), [number]);
            }
            let seen = OnSignals::new(&ours, Signals::CHANNEL_WRITABLE).await.unwrap();
            assert!(seen.contains(Signals::CHANNEL_WRITABLE));
            Timer::new(MonotonicInstant::INFINITE_PAST).await.unwrap();
        });
        assert_eq!(objects(supervisor), before, "no port was made");
        assert!(!has_thread());
    });
}

#[test]
fn a_message_wakes_its_receiver() {
    in_arena(|_| {
        let (ours, theirs) = pair();
        std::thread::scope(|scope| {
            let echo = scope.spawn(|| {
                block_on(async {
                    let mut message = MessageBuf::new();
                    for _ in 0..2000 {
                        theirs.recv_into(&mut message).await.unwrap();
                        theirs.send(message.bytes(), &mut []).await.unwrap();
                    }
                });
            });
            block_on(async {
                for number in 0..2000_u32 {
                    ours.send(&number.to_le_bytes(), &mut []).await.unwrap();
                    assert_eq!(ours.recv().await.unwrap().bytes(), number.to_le_bytes());
                }
            });
            echo.join().unwrap();
        });
        assert!(has_thread());
    });
}

#[test]
fn a_dropped_receive_takes_no_message() {
    in_arena(|_| {
        let (ours, theirs) = pair();
        block_on(async {
            for number in 0..100 {
                {
                    let mut dropped = pin!(theirs.recv());
                    assert!(poll!(&mut dropped).is_pending());
                    write(&ours, [number]);
                    // Woken, perhaps, and not polled.
                }
                assert_eq!(theirs.recv().await.unwrap().bytes(), [number]);
            }
        });
    });
}

#[test]
fn a_dropped_send_keeps_its_handles() {
    in_arena(|_| {
        let (ours, theirs) = narrow();
        block_on(async {
            ours.send(b"fits", &mut []).await.unwrap();
            let (canary, handle) = canary();
            let mut handles = [handle];
            assert!(poll!(pin!(ours.send(b"never", &mut handles))).is_pending());
            assert!(!handles[0].is_invalid() && !is_closed(&canary));
            assert_eq!(theirs.recv().await.unwrap().bytes(), b"fits");
            ours.send(b"now", &mut handles).await.unwrap();
            assert!(handles[0].is_invalid());
            assert_eq!(theirs.recv().await.unwrap().n_handles(), 1);
        });
    });
}

#[test]
fn senders_wait_for_room() {
    in_arena(|_| {
        let (ours, theirs) = narrow();
        let received = AtomicU32::new(0);
        block_on(async {
            let sends = (0..200_u32).map(|number| {
                let ours = &ours;
                async move { ours.send(&number.to_le_bytes(), &mut []).await.unwrap() }
            });
            let receive = async {
                for _ in 0..200 {
                    theirs.recv().await.unwrap();
                    received.fetch_add(1, Ordering::Relaxed);
                }
            };
            join(join_all(sends), receive).await;
        });
        assert_eq!(received.into_inner(), 200);
    });
}

#[test]
fn a_sink_waits_for_room() {
    in_arena(|_| {
        let (ours, theirs) = narrow();
        block_on(async {
            let send = async {
                let mut sink = ours.sink();
                for number in 0..100_u8 {
                    sink.send(MessageBuf::new_with(vec![number], Vec::new())).await.unwrap();
                }
                drop(sink);
                ours.into_inner()
            };
            let receive = theirs.messages().take(100).map(|message| message.unwrap().into_bytes());
            let (_ours, bytes) = join(send, receive.collect::<Vec<_>>()).await;
            assert!(bytes.into_iter().eq((0..100).map(|number| vec![number])));
        });
    });
}

#[test]
fn dropped_futures_leave_nothing() {
    in_arena(|supervisor| {
        let ((ours, theirs), (full, _other)) = (pair(), narrow());
        let event = Event::create();
        block_on(async {
            full.send(b"fits", &mut []).await.unwrap();
            let hour = Duration::from_secs(3600);
            let mut measured = None;
            for round in 0..30_000 {
                assert!(poll!(pin!(theirs.recv())).is_pending());
                assert!(poll!(pin!(full.send(b"no room", &mut []))).is_pending());
                assert!(poll!(pin!(OnSignals::new(&event, Signals::EVENT_SIGNALED))).is_pending());
                assert!(poll!(pin!(Timer::new(hour))).is_pending());
                assert!(poll!(pin!(ours.call(b"\0\0\0\0?", &mut []))).is_pending());
                assert_eq!(theirs.recv().await.unwrap().bytes().len(), 5);
                let audit = supervisor.inspect();
                match &measured {
                    None if round == 1000 => measured = Some((audit.objects, audit.blocks)),
                    Some(before) => assert_eq!((audit.objects, audit.blocks), *before, "{round}"),
                    None => {}
                }
            }
        });
    });
}

#[test]
fn each_message_goes_to_one_task() {
    in_arena(|_| {
        let (ours, theirs) = pair();
        let taken = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    block_on(async {
                        while theirs.recv().await.is_ok() {
                            taken.fetch_add(1, Ordering::Relaxed);
                        }
                    });
                });
            }
            let ours = ours;
            for _ in 0..1000 {
                block_on(ours.send(b"message", &mut [])).unwrap();
            }
        });
        assert_eq!(taken.into_inner(), 1000);
    });
}

#[test]
fn replies_find_their_calls() {
    in_arena(|_| {
        let (ours, theirs) = pair();
        block_on(async {
            let calls = (0..50_u8).map(|number| {
                let ours = &ours;
                async move {
                    let reply = ours.call(&[0, 0, 0, 0, number], &mut []).await.unwrap();
                    assert_eq!(reply.bytes()[4..], [number]);
                }
            });
            let serve = async {
                let mut requests: Vec<_> = theirs.messages().take(50).map(Result::unwrap).collect().await;
                // In another order, and with other messages between.
                requests.reverse();
                for request in requests {
                    theirs.send(b"news", &mut []).await.unwrap();
                    theirs.send(request.bytes(), &mut []).await.unwrap();
                }
            };
            let news = ours.messages().take(50).map(|message| message.unwrap().into_bytes());
            let (_, (_, news)) = join(join_all(calls), join(serve, news.collect::<Vec<_>>())).await;
            assert!(news.iter().all(|message| message == b"news"));
        });
    });
}

#[test]
fn late_replies_are_discarded() {
    in_arena(|_| {
        let (ours, theirs) = pair();
        block_on(async {
            assert!(poll!(pin!(ours.call(b"\0\0\0\0first", &mut []))).is_pending());
            let late = theirs.recv().await.unwrap();
            let (canary, handle) = canary();
            theirs.send(late.bytes(), &mut [handle]).await.unwrap();
            theirs.send(b"news", &mut []).await.unwrap();
            assert_eq!(ours.recv().await.unwrap().bytes(), b"news");
            assert!(is_closed(&canary), "with its handles");
            assert_eq!(ours.call(b"???", &mut []).await.err(), Some(Status::INVALID_ARGS));
        });
    });
}

#[test]
fn the_end_of_the_peer_wakes_all() {
    in_arena(|_| {
        let (ours, theirs) = narrow();
        block_on(async {
            ours.send(b"fits", &mut []).await.unwrap();
            let mut handles: [NullableHandle; 0] = [];
            let waits = async {
                let receive = async { ours.recv().await.err() };
                let stream = async { ours.messages().next().await.is_none() };
                let send = async { ours.send(b"no room", &mut handles).await };
                let call = async { ours.call(b"\0\0\0\0?", &mut []).await.err() };
                let signal = async { OnSignals::new(&ours, Signals::CHANNEL_PEER_CLOSED).await.map(|_| ()) };
                let closed = Some(Status::PEER_CLOSED);
                let ends = futures::join!(receive, stream, send, call, signal);
                assert_eq!(ends, (closed, true, Err(Status::PEER_CLOSED), closed, Ok(())));
            };
            let mut waits = pin!(waits);
            assert!(poll!(&mut waits).is_pending());
            drop(theirs);
            waits.await;
        });
    });
}

#[test]
fn an_inner_channel_can_be_sent() {
    in_arena(|_| {
        let ((ours, theirs), carrier) = (pair(), pair());
        block_on(async {
            assert!(poll!(pin!(theirs.recv())).is_pending());
            carrier.0.send(b"", &mut [theirs.into_inner().into()]).await.unwrap();
            let handle = carrier.1.recv().await.unwrap().take_handle(0).unwrap();
            let theirs = Channel::from(jacinth::Channel::from(handle));
            let (_, received) = join(ours.send(b"hello", &mut []), theirs.recv()).await;
            assert_eq!(received.unwrap().bytes(), b"hello");
        });
    });
}

#[test]
fn timers_fire_in_their_order() {
    in_arena(|supervisor| {
        block_on(async {
            let start = MonotonicInstant::get();
            let order = std::sync::Mutex::new(Vec::new());
            let timers = [30, 10, 20, 10].map(|ms| {
                let order = &order;
                async move {
                    Timer::new(Duration::from_millis(ms)).await.unwrap();
                    order.lock().unwrap().push(ms);
                }
            });
            join_all(timers).await;
            assert_eq!(order.into_inner().unwrap(), [10, 10, 20, 30]);
            assert!(MonotonicInstant::get() - start >= Duration::from_millis(30).into());
        });
        // The reactor's port, its timer, and what the arena has of its own.
        assert!(objects(supervisor) <= 2);
    });
}

#[test]
fn errors_come_from_the_object() {
    in_arena(|_| {
        let event = Event::create().replace(Rights::SIGNAL).unwrap();
        block_on(async {
            let denied = OnSignals::new(&event, Signals::EVENT_SIGNALED).await;
            assert_eq!(denied, Err(Status::ACCESS_DENIED));
            let (ours, _theirs) = jacinth::Channel::create();
            let ours = Channel::from(ours.replace(Rights::READ | Rights::WRITE).unwrap());
            assert_eq!(ours.recv().await.err(), Some(Status::ACCESS_DENIED), "it cannot wait");
            let no_channel = Channel::from(jacinth::Channel::from(NullableHandle::from(Event::create())));
            assert_eq!(no_channel.recv().await.err(), Some(Status::WRONG_TYPE));
        });
    });
}

#[test]
fn no_arena_gives_bad_state() {
    alone(|| {
        let channel = Channel::from(jacinth::Channel::from(NullableHandle::from_raw(7)));
        block_on(async {
            assert_eq!(channel.recv().await.err(), Some(Status::BAD_STATE));
            assert_eq!(channel.send(b"", &mut []).await, Err(Status::BAD_STATE));
            assert_eq!(channel.call(b"1234", &mut []).await.err(), Some(Status::BAD_STATE));
            assert_eq!(Timer::new(Duration::from_secs(1)).await, Err(Status::BAD_STATE));
        });
        assert_eq!(jacinth_async::Driver::install().err(), Some(Status::BAD_STATE));
    });
}
