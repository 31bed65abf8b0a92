//! Rings: one process writes, another reads, and only the arena lies between them.
//!
//! Every model also runs under the shadow cells of the payload lines: a line that is read and written without
//! happens-before fails the model, even if the bytes were right.

mod support;

use jacinth_shm_loom::{Config, Error, HandleValue, ObjectClass, OnOverflow, Rights, Thread};
use support::*;

/// Two messages may be pending, and a segment holds two: the producer goes round in one segment.
fn tight() -> Config {
    small_with(|config| {
        config.max_pending_messages = 2;
        config.pool_bytes = 1024;
    })
}

/// INV-RING-1, INV-RING-2, INV-RING-4: received messages are whole and in order, while the ring's first segment
/// fills and a larger one is linked behind it.
#[test]
fn messages_stay_ordered_across_growth() {
    model_without_barriers(2, || {
        let writer = first(&small());
        let (near, far, reader) = linked(&writer);
        let writing = loom::thread::spawn(move || {
            for number in 1..=3 {
                writer.send_value(near, &message(number, 1)).unwrap();
            }
            writer
        });
        for number in 1..=3 {
            assert_eq!(reader.receive_next(far).unwrap().bytes, message(number, 1));
        }
        let writer = writing.join().unwrap();
        assert_eq!(reader.try_receive(far).unwrap_err(), Error::ShouldWait);
        let audit = assert_clean(&writer, 1, 2);
        assert_eq!((audit.messages, audit.blocks), (0, 1), "the segment left behind is free");
    });
}

/// Sends messages up to `count`, and receives each one at once: the reader then looks at slots. From the third one on it
/// takes them for a stream, and looks at the tail.
fn exchange(writer: &Thread, near: HandleValue, reader: &Thread, far: HandleValue, count: u8) {
    for number in 1..=count {
        writer.send_value(near, &message(number, 1)).unwrap();
        assert_eq!(reader.try_receive(far).unwrap().bytes, message(number, 1));
    }
}

/// INV-RING-1, INV-RING-2: a reader that looks at slots takes each message once, lap after lap of the smallest segment.
#[test]
fn slot_shows_no_earlier_laps_message() {
    model_without_barriers(2, || {
        let writer = first(&tight());
        let (near, far, reader) = linked(&writer);
        exchange(&writer, near, &reader, far, 1);
        let writing = loom::thread::spawn(move || {
            (2..=4).for_each(|number| writer.send_when_room(near, &message(number, 1)).unwrap());
            writer
        });
        for number in 2..=4 {
            assert_eq!(reader.receive_next(far).unwrap().bytes, message(number, 1));
        }
        let writer = writing.join().unwrap();
        assert_eq!(reader.try_receive(far).unwrap_err(), Error::ShouldWait);
        assert_eq!(assert_clean(&writer, 1, 2).blocks, 1, "one segment");
    });
}

/// INV-RING-4: a segment is linked behind the slot that the reader looks at.
#[test]
fn reader_of_slots_finds_the_next_segment() {
    model_without_barriers(2, || {
        let writer = first(&small());
        let (near, far, reader) = linked(&writer);
        exchange(&writer, near, &reader, far, 1);
        (2..=3).for_each(|number| writer.send_value(near, &message(number, 1)).unwrap());
        let writing = loom::thread::spawn(move || {
            (4..=5).for_each(|number| writer.send_value(near, &message(number, 1)).unwrap());
            writer
        });
        for number in 2..=5 {
            assert_eq!(reader.receive_next(far).unwrap().bytes, message(number, 1));
        }
        let writer = writing.join().unwrap();
        assert_eq!(reader.try_receive(far).unwrap_err(), Error::ShouldWait);
        assert_eq!(assert_clean(&writer, 1, 2).blocks, 1, "a segment left behind is free");
    });
}

/// INV-RING-1, INV-RING-2: in a stream the tail tells of a whole batch, and of the message that is sent alone behind it.
#[test]
fn stream_comes_whole_by_the_tail() {
    model_without_barriers(2, || {
        let writer = first(&small());
        let (near, far, reader) = linked(&writer);
        exchange(&writer, near, &reader, far, 3);
        let writing = loom::thread::spawn(move || {
            let batch: [&[u8]; 2] = [&message(4, 1), &message(5, 1)];
            assert_eq!(writer.send_batch(find(&writer, near), Rights::empty(), &batch), Ok(2));
            writer.send_value(near, &message(6, 1)).unwrap();
            writer
        });
        for number in 4..=6 {
            assert_eq!(reader.receive_next(far).unwrap().bytes, message(number, 1));
        }
        let writer = writing.join().unwrap();
        assert_clean(&writer, 1, 2);
    });
}

/// INV-RING-2: a reader in a stream sees all messages before PEER_CLOSED.
#[test]
fn stream_is_read_before_peer_closed() {
    model_without_barriers(2, || {
        let writer = first(&small());
        let (near, far, reader) = linked(&writer);
        exchange(&writer, near, &reader, far, 3);
        let closing = loom::thread::spawn(move || {
            let batch: [&[u8]; 2] = [&message(4, 1), &message(5, 1)];
            assert_eq!(writer.send_batch(find(&writer, near), Rights::empty(), &batch), Ok(2));
            writer.close_value(near).unwrap();
            writer
        });
        for number in 4..=5 {
            assert_eq!(reader.receive_next(far).unwrap().bytes, message(number, 1));
        }
        assert_eq!(reader.receive_next(far).unwrap_err(), Error::PeerClosed);
        let writer = closing.join().unwrap();
        assert_clean(&writer, 1, 1);
    });
}

/// INV-IDLE-1: messages come whole and in order through a ring that shrinks under both.
#[test]
fn messages_stay_whole_in_shrinking_rings() {
    model_without_barriers(2, || {
        let writer = first(&small());
        let (near, far, reader) = linked(&writer);
        for number in 1..=3 {
            writer.send_value(near, &message(number, 1)).unwrap();
            reader.try_receive(far).unwrap();
        }
        (4..=6).for_each(|number| writer.send_value(near, &message(number, 1)).unwrap());
        (4..=6).for_each(|_| drop(reader.try_receive(far).unwrap()));
        let writing = loom::thread::spawn(move || {
            writer.trim_objects(true).unwrap();
            writer.send_value(near, &message(7, 1)).unwrap();
            writer.send_value(near, &message(8, 1)).unwrap();
            writer
        });
        reader.trim_objects(true).unwrap();
        assert_eq!(reader.receive_next(far).unwrap().bytes, message(7, 1));
        assert_eq!(reader.receive_next(far).unwrap().bytes, message(8, 1));
        let writer = writing.join().unwrap();
        reader.trim_objects(true).unwrap();
        assert_eq!(assert_clean(&writer, 1, 2).blocks, 1, "the large segment is free");
    });
}

/// INV-RING-1: the same when the writing end has just come, and finds room that it has not waited for.
#[test]
fn transferred_end_writes_only_read_slots() {
    model_without_barriers(2, || {
        let writer = first(&small_with(|config| {
            config.max_pending_messages = 2;
            config.pool_bytes = 1024;
            config.max_handles_per_process = 5;
        }));
        let (near, far, reader) = linked(&writer);
        (1..=2).for_each(|number| writer.send_value(near, &message(number, 1)).unwrap());
        let (to_self, from_self) = writer.create(ObjectClass::Channel, ALL).unwrap();
        writer.transfer_value(to_self, &[], &[near]).unwrap();
        let near = writer.receive_next(from_self.unwrap()).unwrap().handles[0].value;
        let reading = loom::thread::spawn(move || {
            assert_eq!(reader.try_receive(far).unwrap().bytes, message(1, 1));
            reader
        });
        let sent = writer.send_value(near, &message(3, 1));
        assert!(matches!(sent, Ok(()) | Err(Error::ShouldWait)), "{sent:?}");
        let _reader = reading.join().unwrap();
    });
}

/// INV-RING-1, INV-RING-3: a slot is written again only after its message was consumed, and a full ring says
/// SHOULD_WAIT until then.
#[test]
fn slot_is_reused_only_after_reading() {
    model_without_barriers(2, || {
        let writer = first(&tight());
        let (near, far, reader) = linked(&writer);
        let writing = loom::thread::spawn(move || {
            for number in 1..=3 {
                writer.send_when_room(near, &message(number, 1)).unwrap();
            }
            writer
        });
        for number in 1..=3 {
            assert_eq!(reader.receive_next(far).unwrap().bytes, message(number, 1));
        }
        let writer = writing.join().unwrap();
        assert_eq!(assert_clean(&writer, 1, 2).blocks, 1);
    });
}

/// INV-RING-3: a payload block is used again only after its message was consumed.
#[test]
fn payload_block_is_reused_only_after_reading() {
    model_without_barriers(2, || {
        let writer = first(&tight());
        let (near, far, reader) = linked(&writer);
        let writing = loom::thread::spawn(move || {
            for number in 1..=3 {
                writer.send_when_room(near, &message(number, BLOCK_WORDS)).unwrap();
            }
            writer
        });
        for number in 1..=3 {
            assert_eq!(reader.receive_next(far).unwrap().bytes, message(number, BLOCK_WORDS));
        }
        let writer = writing.join().unwrap();
        let audit = assert_clean(&writer, 1, 2);
        assert!(audit.blocks <= 4, "{audit}");
    });
}

/// INV-RING-2: each message of a batch comes whole; a batch read consumes the messages that it gave.
#[test]
fn batches_come_whole_and_in_order() {
    model_without_barriers(2, || {
        let writer = first(&tight());
        let (near, far, reader) = linked(&writer);
        let writing = loom::thread::spawn(move || {
            let (one, two, three) = (message(1, 1), message(2, 1), message(3, 1));
            let found = find(&writer, near);
            // The first message makes the segment that a batch stays in.
            writer.send(found, Rights::empty(), &one).unwrap();
            let mut left: Vec<&[u8]> = vec![&two, &three];
            while !left.is_empty() {
                match writer.send_batch(found, Rights::empty(), &left) {
                    Ok(sent) => drop(left.drain(..sent)),
                    Err(error) => assert_eq!(error, Error::ShouldWait),
                }
                loom::thread::yield_now();
            }
            writer
        });
        let (mut received, mut ends) = (Vec::new(), Vec::new());
        while ends.len() < 3 {
            let found = find(&reader, far);
            let read = reader.receive_batch(found, Rights::empty(), 2, &mut received, &mut ends);
            match read {
                Ok(count) => assert!(count > 0),
                Err(error) => assert_eq!(error, Error::ShouldWait),
            }
            loom::thread::yield_now();
        }
        assert_eq!(received, [message(1, 1), message(2, 1), message(3, 1)].concat());
        let writer = writing.join().unwrap();
        assert_clean(&writer, 1, 2);
    });
}

/// INV-RING-3: a message that does not fit stays, or goes as a whole, while others are sent behind it.
#[test]
fn too_large_message_is_discarded_whole() {
    model_without_barriers(3, || {
        let writer = first(&tight());
        let (near, far, reader) = linked(&writer);
        writer.send_value(near, &message(1, BLOCK_WORDS)).unwrap();
        let writing = loom::thread::spawn(move || {
            writer.send_value(near, &message(2, 1)).unwrap();
            writer
        });
        let found = find(&reader, far);
        let small = Error::BufferTooSmall { bytes: 8 * BLOCK_WORDS, handles: 0 };
        assert_eq!(reader.receive(found, Rights::empty(), &mut NoRoom, OnOverflow::Keep), Err(small));
        assert_eq!(reader.receive(found, Rights::empty(), &mut NoRoom, OnOverflow::Discard), Err(small));
        assert_eq!(reader.receive_next(far).unwrap().bytes, message(2, 1));
        let writer = writing.join().unwrap();
        assert_clean(&writer, 1, 2);
    });
}

/// INV-ENDPOINT-1: two threads of the reading process take each message once.
#[test]
fn two_threads_read_each_message_once() {
    model_without_barriers(3, || {
        let writer = first(&small());
        let (near, far, reader) = linked(&writer);
        writer.send_value(near, &message(1, 1)).unwrap();
        writer.send_value(near, &message(2, 1)).unwrap();
        let other = sibling(&reader);
        let reading = loom::thread::spawn(move || (other.try_receive(far).unwrap().bytes, other));
        let here = reader.try_receive(far).unwrap().bytes;
        let (there, _other) = reading.join().unwrap();
        let mut both = [here, there];
        both.sort();
        assert_eq!(both, [message(1, 1), message(2, 1)]);
        assert_clean(&writer, 1, 2);
    });
}

/// INV-ENDPOINT-1: two threads of the writing process write at different positions.
#[test]
fn two_threads_write_side_by_side() {
    model_without_barriers(3, || {
        let writer = first(&small());
        let (near, far, reader) = linked(&writer);
        let other = sibling(&writer);
        let writing = loom::thread::spawn(move || {
            other.send_value(near, &message(1, 1)).unwrap();
            other
        });
        writer.send_value(near, &message(2, 1)).unwrap();
        let mut both = [reader.receive_next(far).unwrap().bytes, reader.receive_next(far).unwrap().bytes];
        both.sort();
        assert_eq!(both, [message(1, 1), message(2, 1)]);
        let _other = writing.join().unwrap();
        assert_clean(&writer, 1, 2);
    });
}
