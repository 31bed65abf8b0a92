//! Calls: two callers in one process, their replies in either order.

mod support;

use jacinth_shm_loom::{DEADLINE_INFINITE_NS, Error, HandleValue, Pending, Thread};
use jacinth_shm_loom::{Rights, Signals};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering::Relaxed};
use support::*;

/// Writes a request with this number, in a call by the end of this handle.
fn begin_call(caller: &Thread, near: HandleValue, number: u8) -> Pending {
    caller.call_begin(find(caller, near), Rights::empty(), &message(number, 1), &[], Rights::empty()).unwrap()
}

/// INV-CALL-1, INV-CALL-2, INV-RING-3: each caller gets its own reply, though they come in the other order, and
/// the head passes the messages that were taken ahead of their turn.
#[test]
fn each_caller_gets_its_own_reply() {
    model(1, || {
        let one = first(&small());
        let (near, far, server) = linked(&one);
        let other = sibling(&one);
        let first_call = begin_call(&one, near, 1);
        let second_call = begin_call(&other, near, 2);
        let calling = loom::thread::spawn(move || {
            let mut inbox = Inbox::default();
            other.call_finish(&second_call, DEADLINE_INFINITE_NS, &mut inbox).unwrap();
            assert_eq!(inbox.bytes[4..], [2; 4]);
            other
        });
        let serving = loom::thread::spawn(move || {
            let requests = [server.try_receive(far).unwrap().bytes, server.try_receive(far).unwrap().bytes];
            for request in requests.iter().rev() {
                server.send_value(far, request).unwrap();
            }
            server
        });
        let mut inbox = Inbox::default();
        one.call_finish(&first_call, DEADLINE_INFINITE_NS, &mut inbox).unwrap();
        assert_eq!(inbox.bytes[4..], [1; 4]);
        let _server = serving.join().unwrap();
        let _other = calling.join().unwrap();
        assert_eq!(one.try_receive(near).unwrap_err(), Error::ShouldWait);
        assert_eq!(assert_clean(&one, 1, 2).messages, 0);
    });
}

/// INV-CALL-2: a plain reader gets the message that answers no call, and the caller its reply.
#[test]
fn plain_read_leaves_the_callers_reply() {
    model(1, || {
        let one = first(&small());
        let (near, far, server) = linked(&one);
        let other = sibling(&one);
        let call = begin_call(&one, near, 1);
        let reading = loom::thread::spawn(move || {
            assert_eq!(other.receive_next(near).unwrap().bytes, message(9, 1));
            other
        });
        let serving = loom::thread::spawn(move || {
            let request = server.try_receive(far).unwrap().bytes;
            server.send_value(far, &request).unwrap();
            server.send_value(far, &message(9, 1)).unwrap();
            server
        });
        let mut inbox = Inbox::default();
        one.call_finish(&call, DEADLINE_INFINITE_NS, &mut inbox).unwrap();
        assert_eq!(inbox.bytes[4..], [1; 4]);
        let _server = serving.join().unwrap();
        let _other = reading.join().unwrap();
        assert_eq!(assert_clean(&one, 1, 2).messages, 0);
    });
}

/// A caller is told when its peer closes without an answer; if the reply came first, it gets the reply.
#[test]
fn call_ends_with_reply_or_peer_close() {
    for answers in [false, true] {
        model(2, move || {
            let one = first(&small());
            let (near, far, server) = linked(&one);
            let call = begin_call(&one, near, 1);
            let serving = loom::thread::spawn(move || {
                let request = server.try_receive(far).unwrap().bytes;
                if answers {
                    server.send_value(far, &request).unwrap();
                }
                server.close_value(far).unwrap();
                server
            });
            let mut inbox = Inbox::default();
            let result = one.call_finish(&call, DEADLINE_INFINITE_NS, &mut inbox);
            assert_eq!(result.map(drop), if answers { Ok(()) } else { Err(Error::PeerClosed) });
            let _server = serving.join().unwrap();
            assert_clean(&one, 1, 1);
        });
    }
}

/// INV-CALL-2: a reply that its caller takes is never shown to others as something to read.
#[test]
fn reply_is_not_readable_for_others() {
    model_without_barriers(3, || {
        let one = first(&small());
        let (near, far, server) = linked(&one);
        let other = sibling(&one);
        let call = begin_call(&one, near, 1);
        let request = server.try_receive(far).unwrap().bytes;
        server.send_value(far, &request).unwrap();
        let looking = loom::thread::spawn(move || {
            assert_eq!(other.signals_of(near).unwrap() & Signals::READABLE, Signals::empty());
            other
        });
        let mut inbox = Inbox::default();
        one.call_finish(&call, DEADLINE_INFINITE_NS, &mut inbox).unwrap();
        let _other = looking.join().unwrap();
        assert_clean(&one, 1, 2);
    });
}

/// INV-CALL-2: the read of the message before it passes a reply that was taken. From then on others find nothing to read.
#[test]
fn passed_reply_is_not_readable_for_others() {
    model_without_barriers(3, || {
        let one = first(&small());
        let (near, far, server) = linked(&one);
        let other = sibling(&one);
        let call = begin_call(&one, near, 1);
        let request = server.try_receive(far).unwrap().bytes;
        server.send_value(far, &message(9, 1)).unwrap();
        server.send_value(far, &request).unwrap();
        assert!(one.call_poll(&call, &mut Inbox::default()).unwrap().is_some());
        let is_read = Arc::new(AtomicBool::new(false));
        let seen = is_read.clone();
        let looking = loom::thread::spawn(move || {
            // Relaxed: it tells only when to look.
            if seen.load(Relaxed) {
                assert_eq!(other.signals_of(near).unwrap() & Signals::READABLE, Signals::empty());
            }
            other
        });
        assert_eq!(one.try_receive(near).unwrap().bytes, message(9, 1));
        is_read.store(true, Relaxed);
        let _other = looking.join().unwrap();
        assert_clean(&one, 1, 2);
    });
}

/// INV-ORDER-1: a caller takes its reply before the writer of the batch stores the tail, and then its end moves. The
/// next owner does not receive the reply again.
#[test]
fn moved_end_knows_its_early_replies() {
    model_without_barriers(2, || {
        let one = first(&small_with(|config| {
            (config.max_handles_per_process, config.pool_bytes) = (5, 1024);
        }));
        let (near, far, server) = linked(&one);
        let [to_self, from_self] = create_channel(&one);
        // The reader looks at the slots from its first message on.
        server.send_value(far, &message(8, 1)).unwrap();
        one.try_receive(near).unwrap();
        let call = begin_call(&one, near, 1);
        let reply = server.try_receive(far).unwrap().bytes;
        let serving = loom::thread::spawn(move || {
            let batch: [&[u8]; 2] = [&message(9, 1), &reply];
            assert_eq!(server.send_batch(find(&server, far), Rights::empty(), &batch), Ok(2));
            // This one lies in the next segment.
            server.send_value(far, &message(7, 1)).unwrap();
            server
        });
        while one.call_poll(&call, &mut Inbox::default()).unwrap().is_none() {
            loom::thread::yield_now();
        }
        one.transfer_value(to_self, &[], &[near]).unwrap();
        let near = one.try_receive(from_self).unwrap().handles[0].value;
        assert_eq!(one.receive_next(near).unwrap().bytes, message(9, 1));
        assert_eq!(one.receive_next(near).unwrap().bytes, message(7, 1));
        let _server = serving.join().unwrap();
        assert_eq!(one.try_receive(near).unwrap_err(), Error::ShouldWait);
        assert_clean(&one, 2, 4);
    });
}

/// INV-RING-1, INV-ORDER-2, INV-ORDER-3: a message taken behind an unread one is room for its writer, block and segment
/// too, and no message is written over before it was read.
#[test]
fn early_replies_make_room() {
    model_without_barriers(2, || {
        let one = first(&small_with(|config| {
            (config.max_pending_messages, config.max_loan_bytes) = (2, 256);
            config.pool_bytes = 1792;
        }));
        let (near, far, server) = linked(&one);
        let calls = [1, 2, 3, 4].map(|number| {
            let call = begin_call(&one, near, number);
            (call, server.try_receive(far).unwrap().bytes)
        });
        server.send_value(far, &message(9, 1)).unwrap();
        let replies: Vec<_> =
            calls.iter().map(|(_, request)| [&request[..], &[0; 8 * (BLOCK_WORDS - 1)]].concat()).collect();
        let serving = loom::thread::spawn(move || {
            for reply in &replies {
                server.send_when_room(far, reply).unwrap();
            }
            server
        });
        for (call, request) in &calls {
            let mut inbox = Inbox::default();
            while one.call_poll(call, &mut inbox).unwrap().is_none() {
                loom::thread::yield_now();
            }
            assert_eq!((&inbox.bytes[..8], inbox.bytes.len()), (&request[..], 8 * BLOCK_WORDS));
        }
        let _server = serving.join().unwrap();
        assert_eq!(one.try_receive(near).unwrap().bytes, message(9, 1));
        let audit = assert_clean(&one, 1, 2);
        assert_eq!(audit.messages, 0);
        assert!(audit.blocks <= 6, "{audit}");
    });
}
