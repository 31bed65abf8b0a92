//! Sockets as futures, streams, sinks and byte streams: what waits, what is cancelled, and what is left behind.

#[path = "../../jacinth/tests/support/mod.rs"]
mod support;
mod woken;

use futures::executor::block_on;
use futures::future::{join, join_all, select};
use futures::stream::FuturesUnordered;
use futures::{AsyncReadExt, AsyncWriteExt, FutureExt, SinkExt, StreamExt, TryStreamExt, poll, stream};
use jacinth::{NullableHandle, Rights, Signals, SocketOpts, SocketShutdown, Status, raw};
use jacinth_async::{Socket, Timer};
use std::future::Future;
use std::pin::pin;
use std::sync::Mutex;
use std::task::Poll;
use std::time::Duration;
use support::*;
use woken::wakes_all;

const FULL: usize = raw::MAX_SOCKET_BYTES;

fn pair(options: SocketOpts) -> (Socket, Socket) {
    let (ours, theirs) = jacinth::Socket::create(options).unwrap();
    (ours.into(), theirs.into())
}

/// A pair whose first end is full.
fn full_pair(options: SocketOpts) -> (Socket, Socket) {
    let (ours, theirs) = pair(options);
    assert_eq!(ours.get_ref().write(&vec![0; FULL]), Ok(FULL));
    (ours, theirs)
}

/// The end that this process was spawned with.
fn startup_socket() -> Socket {
    jacinth::Socket::from(jacinth::take_startup_handle().unwrap()).into()
}

#[test]
fn child_main() {
    play(&[(ECHO, echoes), (FLOOD, floods)]);
}

const ECHO: &str = "echoes bytes";
const FLOOD: &str = "writes datagrams until it is killed";

fn echoes() {
    let socket = startup_socket();
    let mut writer = socket.io();
    block_on(futures::io::copy(socket.io(), &mut writer)).unwrap();
    block_on(writer.close()).unwrap();
}

fn floods() {
    let socket = startup_socket();
    let records = stream::iter((0..).map(|number| Ok(bytes_of(number % 500 + 1, 0))));
    block_on(records.forward(socket.sink())).unwrap();
}

#[test]
fn another_process_echoes_a_stream() {
    in_arena(|supervisor| {
        let (ours, theirs) = jacinth::Socket::create_stream();
        let child = supervisor.spawn(&mut role(ECHO), theirs).unwrap();
        let (ours, much) = (Socket::from(ours), bytes_of(3 * FULL, 7));
        block_on(async {
            let write = async {
                ours.send_all(&much).await.unwrap();
                ours.io().close().await.unwrap();
            };
            let mut received = Vec::new();
            let mut reader = ours.io();
            let (_, read) = join(write, reader.read_to_end(&mut received)).await;
            assert_eq!(read.unwrap(), much.len());
            assert!(received == much);
        });
        support::join(child);
    });
}

#[test]
fn a_killed_peer_ends_the_stream() {
    in_arena(|supervisor| {
        let (ours, theirs) = jacinth::Socket::create_datagram();
        let child = supervisor.spawn(&mut role(FLOOD), theirs).unwrap();
        let (ours, mut child) = (Socket::from(ours), Some(child));
        block_on(async {
            let (mut datagrams, mut number) = (ours.datagrams(), 0);
            while let Some(datagram) = datagrams.next().await {
                assert!(datagram.unwrap() == bytes_of(number % 500 + 1, 0), "datagram {number} is torn");
                number += 1;
                if number == 3000 {
                    kill(supervisor, child.take().unwrap());
                }
            }
            assert!(number >= 3000);
            assert_eq!(ours.recv(&mut [0]).await, Err(Status::PEER_CLOSED));
            assert_eq!(ours.send(&[0]).await, Err(Status::PEER_CLOSED));
        });
    });
}

#[test]
fn ready_operations_register_nothing() {
    in_arena(|supervisor| {
        let (ours, theirs) = pair(SocketOpts::STREAM);
        let before = objects(supervisor);
        block_on(async {
            let mut bytes = [0; 8];
            for _ in 0..100 {
                assert_eq!(ours.send(b"four").await, Ok(4));
                ours.send_all(b"more").await.unwrap();
                assert_eq!(theirs.recv(&mut bytes).await, Ok(8));
                ours.io().write_all(&bytes).await.unwrap();
                theirs.io().read_exact(&mut bytes).await.unwrap();
                assert_eq!(&bytes, b"fourmore");
                assert_eq!(theirs.io().read(&mut []).await.unwrap(), 0, "it does not wait for nothing");
            }
        });
        assert_eq!(objects(supervisor), before, "no port was made");
    });
}

#[test]
fn a_dropped_read_takes_nothing() {
    in_arena(|_| {
        for options in [SocketOpts::STREAM, SocketOpts::DATAGRAM] {
            let (ours, theirs) = pair(options);
            block_on(async {
                for number in 0..100 {
                    {
                        let (mut one, mut other, mut third) = ([0; 9], [0; 9], theirs.datagrams());
                        let mut io = theirs.io();
                        let mut dropped = pin!(theirs.recv(&mut one));
                        let mut dropped_too = pin!(io.read(&mut other));
                        assert!(poll!(&mut dropped).is_pending() && poll!(&mut dropped_too).is_pending());
                        assert!(poll!(third.next()).is_pending());
                        ours.send(&[number]).await.unwrap();
                        // Woken, perhaps, and not polled.
                    }
                    let mut bytes = [0; 9];
                    assert_eq!((theirs.recv(&mut bytes).await, bytes[0]), (Ok(1), number));
                }
            });
        }
    });
}

#[test]
fn a_dropped_write_sends_nothing() {
    in_arena(|_| {
        for options in [SocketOpts::STREAM, SocketOpts::DATAGRAM] {
            let (ours, theirs) = full_pair(options);
            let mut bytes = vec![0; FULL];
            block_on(async {
                for _ in 0..20 {
                    {
                        let (mut io, mut sink) = (ours.io(), ours.sink());
                        sink.start_send_unpin(b"sunk").unwrap();
                        let mut dropped = pin!(join_all([ours.send(b"x"), ours.send(b"another")]));
                        let mut dropped_too = pin!(join(ours.send_all(b"third"), io.write(b"4")));
                        assert!(poll!(&mut dropped).is_pending() && poll!(&mut dropped_too).is_pending());
                        assert!(poll!(sink.flush()).is_pending());
                        assert_eq!(theirs.recv(&mut bytes).await, Ok(FULL));
                    }
                    assert!(poll!(pin!(theirs.recv(&mut bytes))).is_pending());
                    ours.send_all(&bytes).await.unwrap();
                }
            });
        }
    });
}

#[test]
fn a_full_socket_holds_writers_back() {
    in_arena(|_| {
        let (ours, theirs) = full_pair(SocketOpts::STREAM);
        block_on(async {
            let mut bytes = vec![0; FULL];
            let mut waiting = pin!(ours.send(&[1; 2000]));
            assert!(poll!(&mut waiting).is_pending());
            assert_eq!(theirs.recv(&mut bytes[..1000]).await, Ok(1000));
            assert_eq!(waiting.await, Ok(1000), "a short write");
            let much = bytes_of(5 * FULL, 1);
            let receive = async {
                let mut received = Vec::new();
                while received.len() < FULL + much.len() {
                    let actual = theirs.recv(&mut bytes).await.unwrap();
                    received.extend_from_slice(&bytes[..actual]);
                }
                received
            };
            let (sent, received) = join(ours.send_all(&much), receive).await;
            assert!(sent.is_ok() && received[FULL..] == much);
        });
    });
}

#[test]
fn a_sink_keeps_datagrams_whole() {
    in_arena(|_| {
        let (ours, theirs) = pair(SocketOpts::DATAGRAM);
        let datagram = |number: usize| bytes_of(number * 37 % 5000 + 1, number);
        block_on(async {
            let send = async {
                let mut sink = ours.sink();
                for number in 0..3000 {
                    sink.feed(datagram(number)).await.unwrap();
                }
                sink.close().await.unwrap();
                ours.get_ref().half_close().unwrap();
            };
            let (_, received) = join(send, theirs.datagrams().try_collect::<Vec<_>>()).await;
            let received = received.unwrap();
            assert_eq!(received.len(), 3000);
            assert!(received.iter().enumerate().all(|(number, bytes)| *bytes == datagram(number)));
        });
    });
}

/// The socket is writable, and has too little room for a datagram: then a task that waits by the signal turns for ever.
#[test]
fn a_large_datagram_waits_for_reads() {
    in_arena(|_| {
        let (ours, theirs) = pair(SocketOpts::DATAGRAM);
        block_on(async {
            for round in 0..20 {
                for len in [FULL - 100, 40, 40] {
                    ours.send_all(&vec![0; len]).await.unwrap();
                }
                let (large, mut polls) = (vec![1; 90], 0);
                let mut send = pin!(ours.send(&large));
                {
                    let counted = std::future::poll_fn(|context| {
                        polls += 1;
                        send.as_mut().poll(context)
                    });
                    select(counted, pin!(Timer::new(Duration::from_millis(10)))).await;
                }
                // Each observer looks once when it comes.
                assert!(polls < 10, "{polls} polls in round {round}");
                let mut bytes = vec![0; FULL];
                assert_eq!(theirs.recv(&mut bytes).await, Ok(FULL - 100));
                assert_eq!(send.await, Ok(90));
                for len in [40, 40, 90] {
                    assert_eq!(theirs.recv(&mut bytes).await, Ok(len));
                }
            }
        });
    });
}

#[test]
fn each_datagram_goes_to_one_task() {
    in_arena(|_| {
        let (ours, theirs) = pair(SocketOpts::DATAGRAM);
        let taken = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let each = theirs.datagrams().try_for_each(async |datagram| {
                        taken.lock().unwrap().push(u32::from_le_bytes(datagram.try_into().unwrap()));
                        Ok(())
                    });
                    block_on(each).unwrap();
                });
            }
            let ours = ours;
            block_on(join_all((0..2000_u32).map(|number| {
                let ours = &ours;
                async move { ours.send(&number.to_le_bytes()).await.unwrap() }
            })));
        });
        let mut taken = taken.into_inner().unwrap();
        taken.sort_unstable();
        assert!(taken.into_iter().eq(0..2000));
    });
}

#[test]
fn a_shutdown_ends_what_waits() {
    in_arena(|_| {
        for options in [SocketOpts::STREAM, SocketOpts::DATAGRAM] {
            let (ours, theirs) = full_pair(options);
            let over = Err(Status::BAD_STATE);
            let writes = [
                async { assert_eq!(ours.send(b"x").await, Err(Status::BAD_STATE)) }.boxed_local(),
                async { assert_eq!(ours.send_all(b"x").await, over) }.boxed_local(),
                async { assert_eq!(ours.sink().send(b"x").await, over) }.boxed_local(),
                async {
                    let error = ours.io().write(b"x").await.unwrap_err();
                    assert_eq!(error.kind(), std::io::ErrorKind::from(Status::BAD_STATE));
                }
                .boxed_local(),
            ];
            let disable = || theirs.get_ref().shutdown(SocketShutdown::READ).unwrap();
            block_on(wakes_all(writes, disable));
            let reads = [
                async { assert_eq!(ours.recv(&mut [0]).await, Err(Status::BAD_STATE)) }.boxed_local(),
                async { assert_eq!(ours.datagrams().next().await, None) }.boxed_local(),
                async { assert_eq!(ours.io().read(&mut [0]).await.unwrap(), 0) }.boxed_local(),
            ];
            let close = || theirs.get_ref().half_close().unwrap();
            block_on(wakes_all(reads, close));
        }
    });
}

#[test]
fn the_end_of_the_peer_wakes_all() {
    in_arena(|_| {
        let (ours, theirs) = full_pair(SocketOpts::HAS_ACCEPT);
        let new = || jacinth::Socket::create_stream().0;
        ours.get_ref().share(new()).unwrap();
        let closed = Status::PEER_CLOSED;
        let waits = [
            async { assert_eq!(ours.recv(&mut [0]).await, Err(closed)) }.boxed_local(),
            async { assert_eq!(ours.datagrams().next().await, None) }.boxed_local(),
            async { assert_eq!(ours.io().read(&mut [0]).await.unwrap(), 0) }.boxed_local(),
            async { assert_eq!(ours.send(b"x").await, Err(closed)) }.boxed_local(),
            async { assert_eq!(ours.accept().await.err(), Some(closed)) }.boxed_local(),
            async { assert_eq!(ours.share(new()).await, Err(closed)) }.boxed_local(),
        ];
        block_on(wakes_all(waits, || drop(theirs)));
    });
}

/// A read makes room for one of the tasks, and the others go on waiting.
#[test]
fn room_wakes_one_writer_after_another() {
    in_arena(|_| {
        for options in [SocketOpts::STREAM, SocketOpts::DATAGRAM] {
            let (ours, theirs) = full_pair(options);
            let (all, mut bytes) = (vec![1; FULL], vec![0; FULL]);
            block_on(async {
                let mut sends: FuturesUnordered<_> = (0..5).map(|_| ours.send(&all)).collect();
                assert!(poll!(sends.next()).is_pending());
                for left in (0..5).rev() {
                    assert_eq!(theirs.recv(&mut bytes).await, Ok(FULL));
                    assert_eq!((sends.next().await, sends.len()), (Some(Ok(FULL)), left));
                }
            });
        }
    });
}

#[test]
fn each_shared_socket_is_accepted_once() {
    in_arena(|supervisor| {
        let (server, client) = pair(SocketOpts::HAS_ACCEPT);
        let before = objects(supervisor);
        block_on(async {
            let shares = (0..4_u8).map(|task| {
                let server = &server;
                async move {
                    for number in 0..25 {
                        let (ours, theirs) = jacinth::Socket::create_stream();
                        ours.write(&[task * 25 + number]).unwrap();
                        server.share(theirs).await.unwrap();
                    }
                }
            });
            let accepts = (0..4).map(async |_| {
                let mut numbers = Vec::new();
                for _ in 0..25 {
                    let mut byte = [0];
                    Socket::from(client.accept().await.unwrap()).recv(&mut byte).await.unwrap();
                    numbers.extend(byte);
                }
                numbers
            });
            let (_, numbers) = join(join_all(shares), join_all(accepts)).await;
            let mut numbers = numbers.concat();
            numbers.sort_unstable();
            assert!(numbers.into_iter().eq(0..100));
        });
        assert!(objects(supervisor) <= before + 2, "the reactor's port and timer");
    });
}

#[test]
fn a_dropped_share_closes_its_socket() {
    in_arena(|_| {
        let (server, client) = pair(SocketOpts::HAS_ACCEPT);
        block_on(async {
            let (first, second) = (jacinth::Socket::create_stream(), jacinth::Socket::create_stream());
            server.share(first.1).await.unwrap();
            let mut dropped = Box::pin(server.share(second.1));
            assert!(poll!(&mut dropped).is_pending());
            drop(dropped);
            assert!(second.0.wait_one(Signals::SOCKET_PEER_CLOSED, FOREVER).is_ok());
            assert!(poll!(pin!(client.accept())).is_ready());
            assert!(poll!(pin!(client.accept())).is_pending());
        });
    });
}

#[test]
fn dropped_futures_leave_nothing() {
    in_arena(|supervisor| {
        let (full, other) = full_pair(SocketOpts::DATAGRAM | SocketOpts::HAS_ACCEPT);
        block_on(async {
            let mut measured = None;
            for round in 0..5000 {
                let mut bytes = [0; 9];
                assert!(poll!(pin!(full.recv(&mut bytes))).is_pending());
                assert!(poll!(pin!(full.io().read(&mut bytes))).is_pending());
                assert!(poll!(pin!(full.send(b"x"))).is_pending());
                assert!(poll!(pin!(full.io().write(b"x"))).is_pending());
                assert!(poll!(pin!(other.accept())).is_pending());
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
fn an_inner_socket_can_be_sent() {
    in_arena(|_| {
        let ((ours, theirs), (carrier, far)) = (pair(SocketOpts::STREAM), jacinth::Channel::create());
        block_on(async {
            let mut bytes = [0; 9];
            assert!(poll!(pin!(theirs.recv(&mut bytes))).is_pending());
            carrier.write(b"", &mut [theirs.into_inner().into()]).unwrap();
            let theirs = Socket::from(jacinth::Socket::from(next(&far).take_handle(0).unwrap()));
            let (_, received) = join(ours.send(b"seven"), theirs.recv(&mut bytes)).await;
            assert_eq!(received, Ok(5));
        });
    });
}

#[test]
fn errors_come_from_the_object() {
    in_arena(|_| {
        let (ours, _theirs) = jacinth::Socket::create_stream();
        let ours = Socket::from(ours.replace(Rights::READ | Rights::WRITE).unwrap());
        let plain = jacinth::Socket::create_stream().0;
        let mut bytes = vec![0; FULL];
        block_on(async {
            assert_eq!(ours.recv(&mut bytes).await, Err(Status::ACCESS_DENIED), "it cannot wait");
            assert_eq!(ours.send_all(&bytes).await, Ok(()));
            assert_eq!(ours.send(b"x").await, Err(Status::ACCESS_DENIED));
            assert_eq!(ours.accept().await.err(), Some(Status::NOT_SUPPORTED));
            assert_eq!(ours.share(plain).await, Err(Status::NOT_SUPPORTED));
            let no_socket = Socket::from(jacinth::Socket::from(event()));
            assert_eq!(no_socket.datagrams().next().await, Some(Err(Status::WRONG_TYPE)));
            let error = no_socket.io().read(&mut bytes).await.unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::from(Status::WRONG_TYPE));
        });
    });
}

#[test]
fn no_arena_gives_bad_state() {
    alone(|| {
        let mut socket = Socket::from(jacinth::Socket::from(NullableHandle::from_raw(7)));
        block_on(async {
            assert_eq!(socket.recv(&mut [0]).await, Err(Status::BAD_STATE));
            assert_eq!(socket.send(&[0]).await, Err(Status::BAD_STATE));
            assert_eq!(socket.datagrams().next().await, Some(Err(Status::BAD_STATE)), "no end");
            assert!(socket.read(&mut [0]).await.is_err(), "no end");
            let mut accept = pin!(socket.accept());
            assert!(matches!(poll!(&mut accept), Poll::Ready(Err(Status::BAD_STATE))));
        });
    });
}
