//! Messages whose handles are moved or duplicated, checked, and sent with fewer rights; and messages in pieces.

mod support;

use jacinth::*;
use support::*;

fn moved(
    handle: impl Into<NullableHandle>,
    object_type: ObjectType,
    rights: Rights,
) -> HandleDisposition<'static> {
    HandleDisposition::new(HandleOp::Move(handle.into()), object_type, rights, Status::OK)
}

fn lent(handle: &impl AsHandleRef, rights: Rights) -> HandleDisposition<'_> {
    HandleDisposition::new(HandleOp::Duplicate(handle.as_handle_ref()), ObjectType::NONE, rights, Status::OK)
}

fn next_etc(channel: &Channel) -> MessageBufEtc {
    let mut message = MessageBufEtc::new();
    channel.read_etc(&mut message).unwrap();
    message
}

#[test]
fn dispositions_set_the_rights_that_arrive() {
    in_arena(|_| {
        let (ours, theirs) = Channel::create();
        let (event, kept) = (Event::create(), Event::create());
        let (end, _far_end) = Channel::create();
        let koids = [event.koid(), kept.koid(), end.koid()];
        let mut handles = [
            moved(event, ObjectType::EVENT, Rights::WAIT),
            lent(&kept, Rights::SAME_RIGHTS),
            moved(end, ObjectType::CHANNEL, Rights::READ | Rights::TRANSFER),
        ];
        ours.write_etc(b"three", &mut handles).unwrap();
        assert_eq!(handles.each_ref().map(HandleDisposition::raw_handle), [0, kept.raw_handle(), 0]);
        let message = next_etc(&theirs);
        assert_eq!(message.bytes(), b"three");
        let came = message.handle_infos().iter().map(|info| (info.object_type, info.rights));
        let expected = [
            (ObjectType::EVENT, Rights::WAIT),
            (ObjectType::EVENT, Rights::EVENT_DEFAULT),
            (ObjectType::CHANNEL, Rights::READ | Rights::TRANSFER),
        ];
        assert!(came.eq(expected));
        assert!(message.handle_infos().iter().map(|info| info.handle.koid()).eq(koids));
        assert_eq!(kept.count_info().unwrap().handle_count, 2);
    });
}

#[test]
fn each_disposition_tells_its_own_fault() {
    in_arena(|_| {
        let (ours, _theirs) = Channel::create();
        let weak = Event::create().replace(Rights::WAIT).unwrap();
        let shared = Event::create();
        let undupable = shared.duplicate(Rights::TRANSFER).unwrap();
        let (canary, sent) = canary();
        let mut handles = [
            moved(sent, ObjectType::EVENTPAIR, Rights::SAME_RIGHTS),
            moved(weak, ObjectType::EVENT, Rights::SAME_RIGHTS),
            moved(Event::create(), ObjectType::CHANNEL, Rights::SAME_RIGHTS),
            moved(Event::create(), ObjectType::NONE, Rights::READ),
            moved(NullableHandle::invalid(), ObjectType::NONE, Rights::SAME_RIGHTS),
            lent(&undupable, Rights::SAME_RIGHTS),
        ];
        assert_eq!(ours.write_etc(b"", &mut handles), Err(Status::ACCESS_DENIED), "the first fault");
        let results = handles.each_ref().map(|handle| handle.result);
        let expected = [
            Status::OK,
            Status::ACCESS_DENIED,
            Status::WRONG_TYPE,
            Status::INVALID_ARGS,
            Status::BAD_HANDLE,
            Status::ACCESS_DENIED,
        ];
        assert_eq!(results, expected);
        assert!(handles[..5].iter().all(|handle| handle.raw_handle() == 0), "moved handles are consumed");
        assert!(is_closed(&canary));
        assert_eq!(shared.count_info().unwrap().handle_count, 2, "a lent one stays");
    });
}

#[test]
fn a_failed_write_closes_only_moved_handles() {
    in_arena(|_| {
        let (ours, theirs) = Channel::create();
        drop(theirs);
        let kept = Event::create();
        let (canary, sent) = canary();
        let mut handles = [moved(sent, ObjectType::NONE, Rights::SAME_RIGHTS), lent(&kept, Rights::WAIT)];
        assert_eq!(ours.write_etc(b"", &mut handles), Err(Status::PEER_CLOSED));
        assert_eq!(handles.each_ref().map(|handle| handle.result), [Status::OK; 2]);
        assert_eq!(handles[0].raw_handle(), 0);
        assert!(is_closed(&canary));
        assert_eq!(kept.count_info().unwrap().handle_count, 1);
    });
}

/// The value of the end is gone, and its loan works on.
#[test]
fn consumed_ends_close_after_their_loans() {
    in_arena(|_| {
        let (ours, _theirs) = Channel::create();
        let (end, far) = Channel::create();
        let loan = Loan::of_channel(end.raw_handle(), 4, 0).unwrap();
        let mut handles = [
            moved(end, ObjectType::CHANNEL, Rights::SAME_RIGHTS),
            moved(Event::create(), ObjectType::CHANNEL, Rights::SAME_RIGHTS),
        ];
        assert_eq!(ours.write_etc(b"", &mut handles), Err(Status::WRONG_TYPE));
        loan.commit().unwrap();
        assert_eq!(next(&far).bytes(), [0; 4]);
        wait_for_peer_closed(&far);
    });
}

#[test]
fn a_full_channel_returns_the_handles() {
    in_arena_of(
        |config| config.max_pending_messages = 1,
        |_| {
            let (ours, theirs) = Channel::create();
            tell(&ours, "pending");
            let event = Event::create();
            let kept = Event::create();
            let koid = event.koid().unwrap();
            let mut handles = [moved(event, ObjectType::EVENT, Rights::WAIT), lent(&kept, Rights::WAIT)];
            assert_eq!(ours.write_etc(b"", &mut handles), Err(Status::SHOULD_WAIT));
            assert_eq!(kept.count_info().unwrap().handle_count, 1, "no duplicate is left");
            let HandleOp::Move(back) = handles[0].take_op() else { panic!("it was moved") };
            assert_eq!(back.koid(), Ok(koid));
            handles[0] = moved(back, ObjectType::EVENT, Rights::WAIT);
            next(&theirs);
            ours.write_etc(b"again", &mut handles).unwrap();
            let rights = next_etc(&theirs).handle_infos().iter().map(|info| info.rights).collect::<Vec<_>>();
            assert_eq!(rights, [Rights::WAIT; 2]);
            assert_eq!(kept.count_info().unwrap().handle_count, 1);
        },
    );
}

#[test]
fn one_handle_cannot_be_moved_twice() {
    in_arena(|supervisor| {
        let (ours, _theirs) = Channel::create();
        let value = Event::create().into_raw();
        let twice = || moved(NullableHandle::from_raw(value), ObjectType::NONE, Rights::SAME_RIGHTS);
        assert_eq!(ours.write_etc(b"", &mut [twice(), twice()]), Err(Status::BAD_HANDLE));
        let value = Event::create().into_raw();
        let twice = || moved(NullableHandle::from_raw(value), ObjectType::NONE, Rights::WAIT);
        assert_eq!(ours.write_etc(b"", &mut [twice(), twice()]), Err(Status::BAD_HANDLE));
        assert_eq!(supervisor.inspect().objects, 1, "the channel");
    });
}

#[test]
fn the_channel_itself_cannot_be_moved() {
    in_arena(|_| {
        let (ours, _theirs) = Channel::create();
        let itself = NullableHandle::from_raw(ours.raw_handle());
        let mut handles = [moved(itself, ObjectType::CHANNEL, Rights::SAME_RIGHTS)];
        assert_eq!(ours.write_etc(b"", &mut handles), Err(Status::NOT_SUPPORTED));
        std::mem::forget(ours);
    });
}

#[test]
fn calls_carry_dispositions_both_ways() {
    in_arena(|_| {
        let (client, server) = Channel::create();
        let served = std::thread::spawn(move || {
            server.wait_one(Signals::CHANNEL_READABLE, FOREVER).unwrap();
            let mut request = next_etc(&server);
            let info = request.take_handle_info(0).unwrap();
            assert_eq!(
                (request.bytes()[4..].to_vec(), info.rights),
                (b"in pieces".to_vec(), Rights::TRANSFER)
            );
            server.write(request.bytes(), &mut [info.handle]).unwrap();
        });
        let mut reply = MessageBufEtc::new();
        let pieces = [&b"\0\0"[..], b"\0\0in ", b"pieces"].map(ChannelIoSlice::new);
        let mut handles = [moved(Event::create(), ObjectType::EVENT, Rights::TRANSFER)];
        client.callv_etc(FOREVER, &pieces, &mut handles, &mut reply).unwrap();
        assert_eq!((&reply.bytes()[4..], reply.n_handle_infos()), (&b"in pieces"[..], 1));
        assert_eq!(reply.handle_infos()[0].object_type, ObjectType::EVENT);
        served.join().unwrap();
        let mut handles = [moved(Event::create(), ObjectType::CHANNEL, Rights::SAME_RIGHTS)];
        let called = client.call_etc(FOREVER, b"\0\0\0\0", &mut handles, &mut reply);
        assert_eq!((called, handles[0].result), (Err(Status::WRONG_TYPE), Status::WRONG_TYPE));
    });
}

#[test]
fn pieces_arrive_as_one_message() {
    in_arena(|_| {
        let (ours, theirs) = Channel::create();
        let whole = bytes_of(10_000, 3);
        let pieces: Vec<_> = whole.chunks(7).map(ChannelIoSlice::from).collect();
        ours.writev(&pieces, &mut [event()]).unwrap();
        let message = next(&theirs);
        assert_eq!((message.bytes(), message.n_handles()), (&whole[..], 1));
        ours.writev(&[], &mut []).unwrap();
        assert!(next(&theirs).bytes().is_empty());
    });
}

#[test]
fn oversized_gathered_writes_consume_the_handles() {
    in_arena(|_| {
        let (ours, _theirs) = Channel::create();
        let most = vec![ChannelIoSlice::new(b"x"); MAX_MSG_IOVEC + 1];
        let large = [0; MAX_MSG_BYTES];
        let too_large = [ChannelIoSlice::new(&large), ChannelIoSlice::new(b"x")];
        for pieces in [&most[..], &too_large] {
            let (canary, sent) = canary();
            let mut handles = [sent];
            assert_eq!(ours.writev(pieces, &mut handles), Err(Status::OUT_OF_RANGE));
            assert!(handles[0].is_invalid() && is_closed(&canary));
            let mut handles = [moved(Event::create(), ObjectType::NONE, Rights::SAME_RIGHTS)];
            assert_eq!(ours.writev_etc(pieces, &mut handles), Err(Status::OUT_OF_RANGE));
            assert_eq!(handles[0].raw_handle(), 0);
        }
        ours.writev(&most[1..], &mut []).unwrap();
        ours.writev(&too_large[..1], &mut []).unwrap();
    });
}
