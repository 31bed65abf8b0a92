//! Sockets: bytes across growing rings, datagrams, peeks, the control plane, shutdown, and the wakes of each.

mod support;

use jacinth_shm_loom::{
    Config, Error, HandleValue, Result, Shutdown, Signals, SocketOptions, Taking, Thread, Threshold,
};
use support::sockets::*;
use support::streams::share;
use support::*;

fn with_sockets() -> Config {
    small_with(|config| {
        config.max_objects = 2;
        config.max_handles_per_process = 6;
        config.pool_bytes = 4096;
    })
}

/// Two processes, each with one side of a socket.
fn two_owners(options: SocketOptions) -> (Thread, HandleValue, Thread, HandleValue) {
    let one = first(&with_sockets());
    let sides = create_socket(&one, options);
    streams::two_owners(one, sides)
}

/// Two processes with a handle each to one side, and the other side, which the first one has.
fn one_side_shared(options: SocketOptions) -> (Thread, [HandleValue; 2], Thread, HandleValue) {
    let one = first(&with_sockets());
    let sides = create_socket(&one, options);
    streams::one_side_shared(one, sides)
}

/// INV-STREAM-2: a ring of four bytes, and then one of eight.
#[test]
fn bytes_come_in_order_across_growth() {
    for is_reader_shared in [false, true] {
        model_without_barriers(if is_reader_shared { 1 } else { 2 }, move || {
            let (one, near, two, theirs) = two_owners(STREAM);
            if is_reader_shared {
                share(&one, near);
            }
            assert_eq!(send(&two, theirs, &[1, 2, 3]), Ok(3));
            let writing = loom::thread::spawn(move || {
                assert_eq!(send(&two, theirs, &[4, 5]), Ok(2));
                two
            });
            let mut got = receive(&one, near, 8).unwrap();
            got.extend(receive(&one, near, 8).unwrap_or_default());
            let _two = writing.join().unwrap();
            got.extend(receive_all(&one, near));
            assert_eq!(got, [1, 2, 3, 4, 5]);
            assert_clean(&one, 1, 2);
        });
    }
}

/// INV-STREAM-4: two readers of one side, while the ring of the other side grows and the first one's block is freed.
#[test]
fn readers_divide_the_bytes_of_growth() {
    model_without_barriers(1, || {
        let (one, [near, far], two, theirs) = one_side_shared(STREAM);
        assert_eq!(send(&one, far, &[1, 2, 3]), Ok(3));
        let reading = loom::thread::spawn(move || {
            let got = receive(&two, theirs, 2);
            (two, got)
        });
        assert_eq!(send(&one, far, &[4, 5, 6]), Ok(3));
        let mut got = receive(&one, near, 4).unwrap();
        assert_eq!(send(&one, far, &[7, 8]), Ok(2));
        let (_two, their) = reading.join().unwrap();
        got.extend(their.unwrap());
        got.extend(receive_all(&one, near));
        got.sort_unstable();
        assert_eq!(got, [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_clean(&one, 1, 3);
    });
}

/// INV-STREAM-3: the first datagrams of all. One of them needs the block of the places, which the other may not have seen
/// missing.
#[test]
fn datagrams_of_two_writers_come_whole() {
    model_without_barriers(1, || {
        let (one, [near, far], two, theirs) = one_side_shared(SocketOptions::DATAGRAM);
        let writing = loom::thread::spawn(move || {
            assert_eq!(send(&two, theirs, &[1, 2]), Ok(2));
            two
        });
        assert_eq!(send(&one, near, &[3, 4, 5]), Ok(3));
        let _two = writing.join().unwrap();
        assert_clean(&one, 1, 3);
        let mut got = receive_each(&one, far);
        got.sort();
        assert_eq!(got, [vec![1, 2], vec![3, 4, 5]]);
        assert_clean(&one, 1, 3);
    });
}

/// INV-STREAM-6: there is a place for one more, and room for one more.
#[test]
fn datagrams_never_exceed_the_places() {
    for first in [&[9][..], &[7; 5]] {
        model_without_barriers(1, move || {
            let (one, [near, far], two, theirs) = one_side_shared(SocketOptions::DATAGRAM);
            // Two items of one byte leave a place, and eight bytes of room leave one for three.
            for datagram in [first, &[8]].iter().take(if first.len() == 1 { 2 } else { 1 }) {
                send(&one, near, datagram).unwrap();
            }
            let writing = loom::thread::spawn(move || {
                let sent = send(&two, theirs, &[1, 2]);
                (two, sent)
            });
            let ours = send(&one, near, &[3, 4]);
            let (_two, their) = writing.join().unwrap();
            assert_eq!([&ours, &their].iter().filter(|sent| ***sent == Ok(2)).count(), 1);
            assert!([ours, their].contains(&Err(Error::ShouldWait)));
            assert_clean(&one, 1, 3);
            let last = receive_each(&one, far).pop().unwrap();
            assert!(last == [1, 2] || last == [3, 4], "{last:?}");
            assert_clean(&one, 1, 3);
        });
    }
}

/// A peek gives what is at the head then, whole, though another thread reads it meanwhile and its block is the next item's.
#[test]
fn peek_sees_a_datagram_whole() {
    model_without_barriers(1, || {
        let (one, [near, far], two, theirs) = one_side_shared(SocketOptions::DATAGRAM);
        assert_eq!(send(&one, far, &[1, 1]), Ok(2));
        let peeking = loom::thread::spawn(move || {
            let seen = peek(&two, theirs, 8);
            (two, seen)
        });
        assert_eq!(receive(&one, near, 8), Ok(vec![1, 1]));
        assert_eq!(send(&one, far, &[2, 2, 2]), Ok(3));
        let (_two, seen) = peeking.join().unwrap();
        let seen = seen.unwrap_or_default();
        assert!([&[][..], &[1, 1], &[2, 2, 2]].contains(&&seen[..]), "{seen:?}");
        assert_eq!(receive(&one, near, 8), Ok(vec![2, 2, 2]));
        assert_clean(&one, 1, 3);
    });
}

/// The same of a ring, which is overwritten.
#[test]
fn peek_sees_bytes_in_order() {
    model_without_barriers(1, || {
        let (one, [near, far], two, theirs) = one_side_shared(STREAM);
        assert_eq!(send(&one, far, &[1, 2, 3, 4]), Ok(4));
        let peeking = loom::thread::spawn(move || {
            let seen = peek(&two, theirs, 8);
            (two, seen)
        });
        assert_eq!(receive(&one, near, 3), Ok(vec![1, 2, 3]));
        assert_eq!(send(&one, far, &[5, 6]), Ok(2));
        let (_two, seen) = peeking.join().unwrap();
        let seen = seen.unwrap();
        assert!(!seen.is_empty() && seen.windows(2).all(|two| two[0] + 1 == two[1]), "{seen:?}");
        assert_eq!(receive_all(&one, near), [4, 5, 6]);
        assert_clean(&one, 1, 3);
    });
}

/// One of two writers wins; the other one's message is not there, in part or whole.
#[test]
fn control_takes_one_of_two_messages() {
    model_without_barriers(2, || {
        let (one, [near, far], two, theirs) = one_side_shared(SocketOptions::HAS_CONTROL);
        let writing = loom::thread::spawn(move || {
            let sent = send_control(&two, theirs, &[1, 2]);
            (two, sent)
        });
        let ours = send_control(&one, near, &[3, 4, 5]);
        let (_two, their) = writing.join().unwrap();
        let got = receive_control(&one, far, Taking::Consume);
        match (ours, their) {
            (Ok(()), Err(Error::ShouldWait)) => assert_eq!(got, Ok(vec![3, 4, 5])),
            (Err(Error::ShouldWait), Ok(())) => assert_eq!(got, Ok(vec![1, 2])),
            sent => panic!("{sent:?}"),
        }
        assert_eq!(receive_control(&one, far, Taking::Consume), Err(Error::ShouldWait));
        assert_clean(&one, 1, 3);
    });
}

/// Two readers, one of which may peek, while the block of the message is freed and the next one's: each message is read once,
/// and whole.
#[test]
fn control_gives_a_message_once() {
    for taking in [Taking::Consume, Taking::Peek] {
        model_without_barriers(1, move || {
            let (one, [near, far], two, theirs) = one_side_shared(SocketOptions::HAS_CONTROL);
            assert_eq!(send_control(&one, far, &[1, 1, 1]), Ok(()));
            let reading = loom::thread::spawn(move || {
                let got = receive_control(&two, theirs, taking);
                (two, got)
            });
            let ours = receive_control(&one, near, Taking::Consume);
            let sent = send_control(&one, far, &[2, 2]);
            let (_two, their) = reading.join().unwrap();
            let rest = receive_control(&one, near, Taking::Consume);
            let is_one = |got: &Result<Vec<u8>>| *got == Ok(vec![1, 1, 1]);
            let is_two = |got: &Result<Vec<u8>>| *got == Ok(vec![2, 2]);
            assert!(
                [&ours, &their, &rest]
                    .into_iter()
                    .all(|got| is_one(got) || is_two(got) || *got == Err(Error::ShouldWait))
            );
            assert_eq!(sent, Ok(()));
            let consumed: &[_] = if taking == Taking::Peek { &[ours, rest] } else { &[ours, their, rest] };
            assert_eq!(consumed.iter().filter(|got| is_one(got)).count(), 1, "{consumed:?}");
            assert_eq!(consumed.iter().filter(|got| is_two(got)).count(), 1, "{consumed:?}");
            assert_clean(&one, 1, 3);
        });
    }
}

/// A writer that finds the control plane free sees what the reader did before its read.
#[test]
fn free_control_publishes_earlier_stores() {
    model_without_barriers(0, || {
        let (one, near, two, theirs) = two_owners(SocketOptions::HAS_CONTROL);
        assert_eq!(send_control(&two, theirs, &[1]), Ok(()));
        let writing = loom::thread::spawn(move || {
            match send_control(&two, theirs, &[2]) {
                Ok(()) => assert!(two.signals_of(theirs).unwrap().contains(USER)),
                Err(error) => assert_eq!(error, Error::ShouldWait),
            }
            two
        });
        one.signal_peer(find(&one, near), Signals::empty(), USER).unwrap();
        assert_eq!(receive_control(&one, near, Taking::Consume), Ok(vec![1]));
        let _two = writing.join().unwrap();
        assert_clean(&one, 1, 2);
    });
}

/// Reads until the error that says that there is no more.
fn receive_to_the_end(thread: &Thread, socket: HandleValue) -> (Vec<u8>, Error) {
    let mut got = Vec::new();
    loop {
        match receive(thread, socket, 2) {
            Ok(some) => got.extend(some),
            Err(Error::ShouldWait) => loom::thread::yield_now(),
            Err(error) => return (got, error),
        }
    }
}

/// INV-SHUTDOWN-1: a thread writes while the reader ends it, and reads to the end: what was written is read, what was refused
/// is not. Then the writer closes.
#[test]
fn shutdown_reads_what_was_written() {
    for (is_writer_shared, is_reader_shared) in [(false, false), (true, false), (false, true)] {
        model_with_one_sided_barriers(if is_writer_shared || is_reader_shared { 1 } else { 2 }, move || {
            let (one, near, two, theirs) = two_owners(STREAM);
            if is_writer_shared {
                share(&two, theirs);
            }
            if is_reader_shared {
                share(&one, near);
            }
            let writing = loom::thread::spawn(move || {
                let mut sent = Vec::new();
                for byte in [1, 2] {
                    match send(&two, theirs, &[byte]) {
                        Ok(_) => sent.push(byte),
                        Err(error) => assert!(matches!(error, Error::BadState(_)), "{error}"),
                    }
                }
                two.close_value(theirs).unwrap();
                (two, sent)
            });
            one.socket_shutdown(near, ALL, Shutdown::READ).unwrap();
            let (got, error) = receive_to_the_end(&one, near);
            assert!(matches!(error, Error::BadState(_) | Error::PeerClosed), "{error}");
            let (_two, sent) = writing.join().unwrap();
            assert_eq!(got, sent);
            assert_eq!(receive(&one, near, 2), Err(Error::PeerClosed));
        });
    }
}

/// A thread of the writing process ends the writing while another one writes.
#[test]
fn shutdown_refuses_no_written_byte() {
    for options in [STREAM, SocketOptions::DATAGRAM] {
        model_with_one_sided_barriers(2, move || {
            let (one, near, two, theirs) = two_owners(options);
            let other = sibling(&two);
            let ending = loom::thread::spawn(move || {
                other.socket_shutdown(theirs, ALL, Shutdown::WRITE).unwrap();
                other
            });
            let sent = send(&two, theirs, &[1]);
            assert!(matches!(sent, Ok(1) | Err(Error::BadState(_))), "{sent:?}");
            let _other = ending.join().unwrap();
            let got = receive(&one, near, 2);
            assert_eq!(got.is_ok(), sent.is_ok(), "{got:?} {sent:?}");
            let error = receive(&one, near, 2).unwrap_err();
            assert!(matches!(error, Error::BadState(_)), "{error}");
            assert!(matches!(send(&two, theirs, &[2]), Err(Error::BadState(_))));
        });
    }
}

/// INV-SHUTDOWN-1: a writer that is stopped behind its commit would find its byte refused, if it lies behind the end. So the
/// reader has not taken it then: the audit compares.
#[test]
fn reader_takes_no_refused_byte() {
    model(1, || {
        let (one, near, two, theirs) = two_owners(STREAM);
        let other = sibling(&two);
        let reading = loom::thread::spawn(move || {
            two.die_at("stream.written", 0);
            let stopped = send(&two, theirs, &[1]);
            assert!(matches!(stopped, Err(Error::Died | Error::BadState(_))), "{stopped:?}");
            let _ = receive(&one, near, 2);
            one
        });
        other.socket_shutdown(theirs, ALL, Shutdown::WRITE).unwrap();
        let one = reading.join().unwrap();
        assert_clean(&one, 1, 2);
    });
}

/// A sleeper that waits for room is woken by a read, where the places are used up, and not the bytes.
#[test]
fn sleepers_see_a_vacant_place() {
    model(1, || {
        let (one, near, two, theirs) = two_owners(SocketOptions::DATAGRAM);
        // The place of the first item of all has no further item.
        assert_eq!(send(&one, near, &[1]), Ok(1));
        assert_eq!(receive(&two, theirs, 1), Ok(vec![1]));
        for datagram in [2, 3] {
            assert_eq!(send(&one, near, &[datagram]), Ok(1));
        }
        assert_eq!(send(&one, near, &[4]), Err(Error::ShouldWait));
        let reading = loom::thread::spawn(move || {
            assert_eq!(receive(&two, theirs, 1), Ok(vec![2]));
            two
        });
        assert_eq!(wait(&one, near, Signals::WRITABLE).0, Ok(()));
        assert_eq!(send(&one, near, &[4]), Ok(1));
        let _two = reading.join().unwrap();
        assert_clean(&one, 1, 2);
    });
}

/// One waits for the message, the other for the place that it leaves.
#[test]
fn sleepers_see_the_control_plane() {
    model(1, || {
        let (one, near, two, theirs) = two_owners(SocketOptions::HAS_CONTROL);
        let writing = loom::thread::spawn(move || {
            assert_eq!(send_control(&two, theirs, &[1]), Ok(()));
            assert_eq!(wait(&two, theirs, Signals::CONTROL_WRITABLE).0, Ok(()));
            two
        });
        assert_eq!(wait(&one, near, Signals::CONTROL_READABLE).0, Ok(()));
        assert_eq!(receive_control(&one, near, Taking::Consume), Ok(vec![1]));
        let _two = writing.join().unwrap();
        assert_clean(&one, 1, 2);
    });
}

/// The signal of one side follows from a word of the other side.
#[test]
fn sleepers_see_the_shutdown() {
    for (how, signal) in
        [(Shutdown::WRITE, Signals::PEER_WRITE_DISABLED), (Shutdown::READ, Signals::WRITE_DISABLED)]
    {
        model(2, move || {
            let (one, near, two, theirs) = two_owners(STREAM);
            let ending = loom::thread::spawn(move || {
                two.socket_shutdown(theirs, ALL, how).unwrap();
                two
            });
            assert_eq!(wait(&one, near, signal).0, Ok(()));
            let _two = ending.join().unwrap();
            assert_clean(&one, 1, 2);
        });
    }
}

/// By a read, and by a thread that lowers the threshold.
#[test]
fn sleepers_see_the_thresholds() {
    model(1, || {
        let (one, near, two, theirs) = two_owners(STREAM);
        assert_eq!(send(&one, near, &[1, 2]), Ok(2));
        one.socket_set_threshold(near, ALL, Threshold::Write, 8).unwrap();
        two.socket_set_threshold(theirs, ALL, Threshold::Read, 3).unwrap();
        let other = sibling(&two);
        let reading = loom::thread::spawn(move || {
            other.socket_set_threshold(theirs, ALL, Threshold::Read, 2).unwrap();
            other
        });
        assert_eq!(wait(&two, theirs, Signals::READ_THRESHOLD).0, Ok(()));
        let _other = reading.join().unwrap();
        let reading = loom::thread::spawn(move || {
            assert_eq!(receive(&two, theirs, 2), Ok(vec![1, 2]));
            two
        });
        assert_eq!(wait(&one, near, Signals::WRITE_THRESHOLD).0, Ok(()));
        let _two = reading.join().unwrap();
        assert_clean(&one, 1, 2);
    });
}

/// The block of the queue is in use until the hazard of the thread that shares is gone, though both sides have ended. The places
/// of the new stream would lie in it.
#[test]
fn late_share_finds_the_queue_whole() {
    model(1, || {
        let one = first(&small_with(|config| {
            config.max_objects = 3;
            config.max_handles_per_process = 7;
            config.pool_bytes = 4096;
        }));
        let [near, far] = create_socket(&one, SocketOptions::HAS_ACCEPT);
        let [shared, kept] = create_socket(&one, STREAM);
        assert_eq!(one.socket_share(near, ALL, shared, ALL), Ok(()));
        let accepted = one.socket_accept(far, ALL).unwrap().value;
        let other = sibling(&one);
        let closing = loom::thread::spawn(move || {
            other.close_value(far).unwrap();
            other.close_value(near).unwrap();
            other.collect().unwrap();
            let [new, peer] = create_socket(&other, SocketOptions::DATAGRAM);
            for datagram in [[1], [2]] {
                assert_eq!(send(&other, new, &datagram), Ok(1));
            }
            (other, [new, peer])
        });
        match one.socket_share(near, ALL, accepted, ALL) {
            Ok(()) => assert!(is_gone(&one.lookup(accepted))),
            Err(error) => {
                assert!(matches!(error, Error::BadHandle | Error::PeerClosed), "{error}");
                one.close_value(accepted).unwrap();
            }
        }
        let (other, [new, peer]) = closing.join().unwrap();
        assert_eq!(receive_each(&one, peer), [[1], [2]]);
        for value in [kept, new, peer] {
            one.close_value(value).unwrap();
        }
        for thread in [&one, &other] {
            thread.collect().unwrap();
        }
        assert_eq!(assert_clean(&one, 0, 0).blocks, 0);
    });
}
