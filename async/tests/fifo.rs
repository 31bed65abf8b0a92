//! Fifos as futures, streams and sinks: what waits, what is cancelled, and what is left behind.

#[path = "../../jacinth/tests/support/mod.rs"]
mod support;
mod woken;

use futures::executor::block_on;
use futures::future::{join, join_all};
use futures::{FutureExt, SinkExt, StreamExt, TryStreamExt, poll, stream};
use jacinth::{NullableHandle, Rights, Status};
use jacinth_async::Fifo;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use support::*;
use woken::wakes_all;

fn pair(elements: usize) -> (Fifo<u32>, Fifo<u32>) {
    let (ours, theirs) = jacinth::Fifo::create(elements).unwrap();
    (ours.into(), theirs.into())
}

#[test]
fn child_main() {
    play(&[(ADDER, adds)]);
}

const ADDER: &str = "adds one";

/// Sends each number back, one more than it was.
fn adds() {
    let fifo = Fifo::from(jacinth::Fifo::<u32>::from(jacinth::take_startup_handle().unwrap()));
    let numbers = fifo.elements().map_ok(|number| number + 1);
    block_on(numbers.forward(fifo.sink())).unwrap();
}

#[test]
fn another_process_streams_elements_back() {
    in_arena(|supervisor| {
        let (ours, theirs) = jacinth::Fifo::<u32>::create(8).unwrap();
        let child = supervisor.spawn(&mut role(ADDER), theirs).unwrap();
        let ours = Fifo::from(ours);
        block_on(async {
            let send = async {
                let mut numbers = stream::iter((0..2000).map(Ok));
                ours.sink().send_all(&mut numbers).await.unwrap();
            };
            let receive = ours.elements().take(2000).try_collect::<Vec<u32>>();
            let (_, numbers) = join(send, receive).await;
            assert!(numbers.unwrap().into_iter().eq(1..=2000));
        });
        drop(ours);
        support::join(child);
    });
}

#[test]
fn ready_operations_register_nothing() {
    in_arena(|supervisor| {
        let (ours, theirs) = pair(4);
        let before = objects(supervisor);
        block_on(async {
            let mut elements = [0; 4];
            for number in 0..100 {
                ours.send(&number).await.unwrap();
                assert_eq!(theirs.recv().await, Ok(number));
                assert_eq!(ours.send_some(&[1, 2, 3, 4, 5]).await, Ok(4));
                assert_eq!(theirs.recv_into(&mut elements).await, Ok(4));
            }
        });
        assert_eq!(objects(supervisor), before, "no port was made");
    });
}

#[test]
fn a_dropped_receive_takes_no_element() {
    in_arena(|_| {
        let (ours, theirs) = pair(4);
        block_on(async {
            for number in 0..100 {
                {
                    let mut elements = [0; 4];
                    let mut dropped = pin!(theirs.recv());
                    let mut dropped_too = pin!(theirs.recv_into(&mut elements));
                    assert!(poll!(&mut dropped).is_pending() && poll!(&mut dropped_too).is_pending());
                    ours.send(&number).await.unwrap();
                    // Woken, perhaps, and not polled.
                }
                assert_eq!(theirs.recv().await, Ok(number));
            }
        });
    });
}

#[test]
fn a_dropped_send_writes_nothing() {
    in_arena(|_| {
        let (ours, theirs) = pair(1);
        block_on(async {
            for number in 0..100 {
                ours.send(&number).await.unwrap();
                {
                    let mut dropped = pin!(ours.send(&777));
                    let mut dropped_too = pin!(ours.send_some(&[777; 3]));
                    assert!(poll!(&mut dropped).is_pending() && poll!(&mut dropped_too).is_pending());
                    assert_eq!(theirs.recv().await, Ok(number));
                }
                assert!(poll!(pin!(theirs.recv())).is_pending());
            }
        });
    });
}

#[test]
fn a_sink_waits_for_room() {
    in_arena(|_| {
        let (ours, theirs) = pair(2);
        block_on(async {
            let send = async {
                let mut sink = ours.sink();
                for number in 0..1000 {
                    sink.feed(number).await.unwrap();
                }
                sink.close().await.unwrap();
            };
            let receive = theirs.elements().take(1000).try_collect::<Vec<u32>>();
            let (_, numbers) = join(send, receive).await;
            assert!(numbers.unwrap().into_iter().eq(0..1000));
        });
    });
}

#[test]
fn each_element_goes_to_one_task() {
    in_arena(|_| {
        let (ours, theirs) = pair(16);
        let (taken, sum) = (AtomicU32::new(0), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    block_on(async {
                        while let Ok(number) = theirs.recv().await {
                            taken.fetch_add(1, Ordering::Relaxed);
                            sum.fetch_add(number, Ordering::Relaxed);
                        }
                    });
                });
            }
            let ours = ours;
            let sends = (0..1000).map(|number| {
                let ours = &ours;
                async move { ours.send(&number).await.unwrap() }
            });
            block_on(join_all(sends));
        });
        assert_eq!((taken.into_inner(), sum.into_inner()), (1000, 499_500));
    });
}

#[test]
fn duplicates_wake_each_others_tasks() {
    in_arena(|_| {
        let (ours, theirs) = pair(1);
        let copy = |fifo: &Fifo<u32>| Fifo::from(fifo.get_ref().duplicate(Rights::SAME_RIGHTS).unwrap());
        let (ours_too, theirs_too) = (copy(&ours), copy(&theirs));
        block_on(async {
            let sends = [&ours, &ours_too].map(|end| async move {
                for number in 0..500 {
                    end.send(&number).await.unwrap();
                }
            });
            let receives = [&theirs, &theirs_too].map(|end| async move {
                let numbers = end.elements().take(500).try_collect::<Vec<u32>>().await;
                numbers.unwrap().into_iter().sum::<u32>()
            });
            let (_, sums) = join(join_all(sends), join_all(receives)).await;
            assert_eq!(sums.into_iter().sum::<u32>(), 2 * 124_750);
        });
    });
}

#[test]
fn the_end_of_the_peer_wakes_all() {
    in_arena(|_| {
        let (ours, theirs) = pair(1);
        ours.get_ref().write_one(&1).unwrap();
        let closed = Status::PEER_CLOSED;
        let waits = [
            async { assert_eq!(ours.recv().await, Err(closed)) }.boxed_local(),
            async { assert_eq!(ours.elements().next().await, None) }.boxed_local(),
            async { assert_eq!(ours.send(&2).await, Err(closed)) }.boxed_local(),
            async { assert_eq!(ours.sink().send(3).await, Err(closed)) }.boxed_local(),
        ];
        block_on(wakes_all(waits, || drop(theirs)));
    });
}

#[test]
fn dropped_futures_leave_nothing() {
    in_arena(|supervisor| {
        let ((_ours, theirs), (full, _other)) = (pair(1), pair(1));
        block_on(async {
            full.send(&1).await.unwrap();
            let mut measured = None;
            for round in 0..10_000 {
                assert!(poll!(pin!(theirs.recv())).is_pending());
                assert!(poll!(pin!(full.send(&2))).is_pending());
                assert!(poll!(theirs.elements().next()).is_pending());
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
fn an_inner_fifo_can_be_sent() {
    in_arena(|_| {
        let ((ours, theirs), (carrier, far)) = (pair(1), jacinth::Channel::create());
        block_on(async {
            assert!(poll!(pin!(theirs.recv())).is_pending());
            carrier.write(b"", &mut [theirs.into_inner().into()]).unwrap();
            let theirs = Fifo::<u32>::from(jacinth::Fifo::from(next(&far).take_handle(0).unwrap()));
            let (_, received) = join(ours.send(&7), theirs.recv()).await;
            assert_eq!(received, Ok(7));
        });
    });
}

#[test]
fn errors_come_from_the_object() {
    in_arena(|_| {
        let (ours, _theirs) = jacinth::Fifo::<u32>::create(1).unwrap();
        let ours = Fifo::from(ours.replace(Rights::READ | Rights::WRITE).unwrap());
        block_on(async {
            assert_eq!(ours.recv().await, Err(Status::ACCESS_DENIED), "it cannot wait");
            ours.send(&1).await.unwrap();
            assert_eq!(ours.send(&1).await, Err(Status::ACCESS_DENIED));
            assert_eq!(ours.recv_into(&mut []).await, Err(Status::OUT_OF_RANGE));
            assert_eq!(ours.send_some(&[]).await, Err(Status::OUT_OF_RANGE));
            let no_fifo = Fifo::from(jacinth::Fifo::<u32>::from(event()));
            assert_eq!(no_fifo.elements().next().await, Some(Err(Status::WRONG_TYPE)));
        });
    });
}

#[test]
fn no_arena_gives_bad_state() {
    alone(|| {
        let fifo = Fifo::from(jacinth::Fifo::<u32>::from(NullableHandle::from_raw(7)));
        block_on(async {
            assert_eq!(fifo.recv().await, Err(Status::BAD_STATE));
            assert_eq!(fifo.send(&1).await, Err(Status::BAD_STATE));
        });
    });
}
