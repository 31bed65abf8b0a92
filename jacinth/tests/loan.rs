//! Messages that are filled and read in place, and messages in batches.

mod support;

use jacinth::raw;
use jacinth::*;
use support::*;

#[test]
fn loans_arrive_in_commit_order() {
    in_arena(|_| {
        let (ours, theirs) = Channel::create();
        let mut loans: Vec<_> = [1usize << 20, 1, 100_000, 0]
            .into_iter()
            .map(|len| {
                let mut loan = ours.reserve(len).unwrap();
                assert_eq!((loan.len(), loan.is_empty()), (len, len == 0));
                loan.write_at(0, &bytes_of(len, 1)).unwrap();
                assert_eq!(loan.write_at(len, b"x"), Err(Status::OUT_OF_RANGE));
                assert_eq!(loan.write_at(usize::MAX, b"x"), Err(Status::OUT_OF_RANGE));
                loan
            })
            .collect();
        tell(&ours, "before any of them");
        while let Some(loan) = loans.pop() {
            loan.commit().unwrap();
        }
        assert_eq!(next(&theirs).bytes(), b"before any of them");
        for len in [0, 100_000, 1, 1 << 20] {
            assert_eq!(next(&theirs).bytes(), bytes_of(len, 1));
        }
    });
}

#[test]
fn unwritten_loan_bytes_are_zero() {
    in_arena(|_| {
        let (ours, theirs) = Channel::create();
        for (len, writes) in [(1000, &[][..]), (1000, &[(10, 5), (500, 100)]), (1000, &[(900, 100), (0, 3)])]
        {
            // The block is used again, with this in it.
            tell(&ours, vec![0xff; len]);
            assert_eq!(next(&theirs).bytes(), vec![0xff; len]);
            let mut expected = vec![0; len];
            let mut loan = ours.reserve(len).unwrap();
            for (offset, count) in writes {
                loan.write_at(*offset, &vec![7; *count]).unwrap();
                expected[*offset..offset + count].fill(7);
            }
            loan.commit().unwrap();
            assert_eq!(next(&theirs).bytes(), expected);
        }
    });
}

#[test]
#[expect(unsafe_code, reason = "the view that trusts is what is tested")]
fn a_loan_is_sent_as_filled() {
    in_arena(|_| {
        let (ours, theirs) = Channel::create();
        let bytes = bytes_of(100_000, 3);
        let mut loan = ours.reserve(bytes.len()).unwrap();
        // SAFETY: the channel stays here, and all of the loan is filled.
        unsafe {
            let places = loan.as_raw().as_uninit_mut().unwrap();
            for (place, byte) in places.iter_mut().zip(&bytes) {
                place.write(*byte);
            }
            loan.as_raw().assume_init();
        }
        loan.commit().unwrap();
        let held = theirs.read_in_place().unwrap();
        // SAFETY: nobody writes to it any more, and the channel stays here.
        assert_eq!(unsafe { held.as_raw().as_slice() }.unwrap(), bytes);
    });
}

#[test]
fn a_dropped_loan_sends_no_message() {
    in_arena_of(
        |config| (config.pool_bytes, config.max_loan_bytes) = (4 << 20, 1 << 20),
        |_| {
            let (ours, theirs) = Channel::create();
            for _ in 0..100 {
                drop(ours.reserve(1 << 20).unwrap());
            }
            let four = [(); 4].map(|()| ours.reserve(1 << 20).unwrap());
            assert_eq!(ours.reserve(1 << 20).map(drop), Err(Status::NO_MEMORY), "the pool holds four");
            drop(four);
            assert_eq!(ours.reserve((1 << 20) + 1).map(drop), Err(Status::OUT_OF_RANGE));
            assert_eq!(theirs.read(&mut MessageBuf::new()), Err(Status::SHOULD_WAIT));
            ours.reserve(1 << 20).unwrap().commit().unwrap();
            assert_eq!(next(&theirs).bytes().len(), 1 << 20);
        },
    );
}

#[test]
fn in_place_reads_finish_in_any_order() {
    in_arena(|supervisor| {
        let (ours, theirs) = Channel::create();
        for round in 0..20usize {
            let count = 12;
            for number in 0..count {
                let mut handles = if number % 4 == 1 { events(2) } else { Vec::new() };
                ours.write(&bytes_of(number * 100, round), &mut handles).unwrap();
            }
            let mut held: Vec<_> =
                (0..count - 2).map(|number| (number, theirs.read_in_place().unwrap())).collect();
            assert_eq!(next(&theirs).bytes(), bytes_of((count - 2) * 100, round), "reads go on after them");
            fastrand::Rng::with_seed(round as u64).shuffle(&mut held);
            for (number, message) in held {
                assert_eq!(message.len(), number * 100);
                assert_eq!(message.n_handles(), if number % 4 == 1 { 2 } else { 0 });
                let mut bytes = vec![0; message.len()];
                message.read_at(0, &mut bytes).unwrap();
                assert_eq!(bytes, bytes_of(number * 100, round));
                assert_eq!(message.read_at(1, &mut bytes), Err(Status::OUT_OF_RANGE));
                if number % 2 == 0 {
                    drop(message);
                } else {
                    let handles = message.finish().unwrap();
                    assert!(handles.iter().all(|info| info.object_type == ObjectType::EVENT));
                    assert_eq!(handles.len(), if number % 4 == 1 { 2 } else { 0 });
                }
            }
            assert_eq!(next(&theirs).bytes(), bytes_of((count - 1) * 100, round));
            assert_eq!(theirs.read(&mut MessageBuf::new()), Err(Status::SHOULD_WAIT));
            assert_eq!(objects(supervisor), 1, "handles of dropped messages are closed");
        }
    });
}

#[test]
fn a_transferred_end_takes_its_unfinished_messages() {
    in_arena(|_| {
        let (carrier, far) = Channel::create();
        let (ours, theirs) = Channel::create();
        for number in 0..6u8 {
            tell(&ours, [number; 200]);
        }
        let mut held: Vec<_> = (0..5).map(|_| theirs.read_in_place().unwrap()).collect();
        drop(held.remove(3));
        assert_eq!(held.remove(1).finish().map(drop), Ok(()));
        raw::channel_write(carrier.raw_handle(), b"", &[theirs.raw_handle()]).unwrap();
        for message in held {
            assert_eq!(message.read_at(0, &mut [0]), Err(Status::BAD_HANDLE));
            assert_eq!(message.finish().map(drop), Err(Status::BAD_HANDLE), "it is no longer this reader's");
        }
        std::mem::forget(theirs);
        let theirs = Channel::from(next(&far).take_handle(0).unwrap());
        for number in [0u8, 2, 4, 5] {
            assert_eq!(next(&theirs).bytes(), [number; 200]);
        }
        assert_eq!(theirs.read(&mut MessageBuf::new()), Err(Status::SHOULD_WAIT));
    });
}

#[test]
fn a_batch_arrives_as_separate_messages() {
    in_arena(|_| {
        let (ours, theirs) = Channel::create();
        let messages: Vec<Vec<u8>> = (0..100).map(|number| bytes_of(number * 9, number)).collect();
        let mut sent = 0;
        let mut received = Vec::new();
        let mut batch = Batch::new();
        while received.len() < messages.len() {
            if sent < messages.len() {
                let wrote = ours.write_batch(messages[sent..].iter().map(Vec::as_slice)).unwrap();
                assert!(wrote > 0);
                sent += wrote;
            }
            assert_eq!(theirs.read_batch(0, &mut batch), Ok(0));
            let read = theirs.read_batch(7, &mut batch).unwrap();
            assert!((1..=7).contains(&read) && read == batch.len());
            received.extend(batch.iter().map(<[u8]>::to_vec));
        }
        assert_eq!(received, messages);
        assert_eq!(theirs.read_batch(7, &mut batch), Err(Status::SHOULD_WAIT));
        assert!(batch.is_empty(), "what it held is gone");
    });
}

#[test]
fn batch_reads_stop_before_handles() {
    in_arena(|_| {
        let (ours, theirs) = Channel::create();
        tell(&ours, "one");
        tell(&ours, "two");
        ours.write(b"with a handle", &mut events(1)).unwrap();
        tell(&ours, "three");
        let mut batch = Batch::new();
        assert_eq!(theirs.read_batch(10, &mut batch), Ok(2));
        assert_eq!(theirs.read_batch(10, &mut batch), Err(Status::NOT_SUPPORTED));
        assert_eq!(next(&theirs).n_handles(), 1);
        assert_eq!(theirs.read_batch(10, &mut batch), Ok(1));
        assert!(batch.iter().eq([b"three"]));
    });
}
