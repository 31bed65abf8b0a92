//! Sockets of one process: streams and datagrams, the control plane, shutdown, share and accept, thresholds, names.

mod support;

use jacinth::*;
use support::*;

const FULL: usize = raw::MAX_SOCKET_BYTES;

fn read(socket: &Socket, most: usize) -> Result<Vec<u8>, Status> {
    let mut bytes = vec![0; most];
    let actual = socket.read(&mut bytes)?;
    bytes.truncate(actual);
    Ok(bytes)
}

fn read_control(socket: &Socket, most: usize) -> Result<Vec<u8>, Status> {
    let mut bytes = vec![0; most];
    let actual = socket.read_opts(&mut bytes, SocketReadOpts::CONTROL)?;
    bytes.truncate(actual);
    Ok(bytes)
}

fn write_control(socket: &Socket, bytes: &[u8]) -> Result<usize, Status> {
    socket.write_opts(bytes, SocketWriteOpts::CONTROL)
}

/// The signals that a socket asserts, of those that are a socket's.
fn asserted(socket: &Socket) -> Signals {
    let all = Signals::from_bits_retain(0xfff);
    match socket.wait_one(all, MonotonicInstant::INFINITE_PAST) {
        WaitResult::Ok(seen) | WaitResult::TimedOut(seen) => seen & all,
        other => panic!("{other:?}"),
    }
}

#[test]
fn new_sockets_assert_what_they_offer() {
    in_arena(|_| {
        let room = Signals::SOCKET_WRITABLE;
        for (options, more) in [
            (SocketOpts::STREAM, Signals::NONE),
            (SocketOpts::DATAGRAM, Signals::NONE),
            (SocketOpts::HAS_CONTROL, Signals::SOCKET_CONTROL_WRITABLE),
            (SocketOpts::DATAGRAM | SocketOpts::HAS_ACCEPT, Signals::SOCKET_SHARE),
            (
                SocketOpts::HAS_ACCEPT | SocketOpts::HAS_CONTROL,
                Signals::SOCKET_SHARE | Signals::SOCKET_CONTROL_WRITABLE,
            ),
        ] {
            let (one, other) = Socket::create(options).unwrap();
            for end in [&one, &other] {
                assert_eq!(asserted(end), room | more, "{options:?}");
                let basic = end.basic_info().unwrap();
                assert_eq!((basic.object_type, basic.rights), (ObjectType::SOCKET, Rights::SOCKET_DEFAULT));
            }
            assert_eq!(one.basic_info().unwrap().related_koid, other.koid().unwrap());
        }
        for unknown in [1 << 3, 1 << 8, 1 << 31] {
            let options = SocketOpts::from_bits_retain(unknown);
            assert_eq!(Socket::create(options).err(), Some(Status::INVALID_ARGS));
        }
    });
}

#[test]
fn streams_carry_bytes_in_order() {
    in_arena(|_| {
        let (ours, theirs) = Socket::create_stream();
        assert_eq!(read(&theirs, 9), Err(Status::SHOULD_WAIT));
        ours.write(b"hello, ").unwrap();
        ours.write(b"world").unwrap();
        assert_eq!(read(&theirs, 3).unwrap(), b"hel");
        assert_eq!(read(&theirs, 0).unwrap(), b"");
        theirs.write(b"answer").unwrap();
        assert_eq!(read(&theirs, 99).unwrap(), b"lo, world");
        assert_eq!(read(&ours, 99).unwrap(), b"answer");
        assert_eq!(ours.write(b""), Ok(0));
        assert_eq!(read(&theirs, 0), Err(Status::SHOULD_WAIT));
    });
}

#[test]
fn writes_are_short_where_room_is() {
    in_arena(|_| {
        let (ours, theirs) = Socket::create_stream();
        let much: Vec<u8> = (0..FULL + 1).map(|at| at as u8).collect();
        assert_eq!(ours.write(&much), Ok(FULL));
        assert_eq!(asserted(&ours), Signals::NONE);
        assert_eq!(ours.write(b"x"), Err(Status::SHOULD_WAIT));
        assert_eq!(read(&theirs, 100_000).unwrap(), much[..100_000]);
        assert_eq!(ours.write(&much), Ok(100_000));
        assert_eq!(read(&theirs, FULL).unwrap(), [&much[100_000..FULL], &much[..100_000]].concat());
    });
}

#[test]
fn datagrams_keep_their_bounds() {
    in_arena(|_| {
        let (ours, theirs) = Socket::create_datagram();
        for datagram in [&b"one"[..], b"and two", b"3"] {
            assert_eq!(ours.write(datagram), Ok(datagram.len()));
        }
        assert_eq!(theirs.outstanding_read_bytes(), Ok(3));
        assert_eq!(read(&theirs, 0).unwrap(), b""); // As in Zircon, that takes none.
        assert_eq!(read(&theirs, 99).unwrap(), b"one");
        assert_eq!(read(&theirs, 3).unwrap(), b"and");
        assert_eq!(read(&theirs, 99).unwrap(), b"3");
        assert_eq!(ours.write(&vec![0; FULL + 1]), Err(Status::OUT_OF_RANGE));
        assert_eq!(ours.write(&vec![0; FULL - 1]), Ok(FULL - 1));
        assert_eq!(ours.write(b"no"), Err(Status::SHOULD_WAIT));
        assert!(asserted(&ours).contains(Signals::SOCKET_WRITABLE)); // As in Zircon: there is room for a byte.
        assert_eq!(ours.write(b"y"), Ok(1));
        assert_eq!(asserted(&ours), Signals::NONE);
    });
}

#[test]
fn peeking_leaves_what_it_reads() {
    in_arena(|_| {
        for options in [SocketOpts::STREAM, SocketOpts::DATAGRAM, SocketOpts::HAS_CONTROL] {
            let (ours, theirs) = Socket::create(options).unwrap();
            let plane = if options == SocketOpts::HAS_CONTROL {
                SocketReadOpts::CONTROL
            } else {
                SocketReadOpts::empty()
            };
            let mut bytes = [0; 3];
            let peek = plane | SocketReadOpts::PEEK;
            assert_eq!(theirs.read_opts(&mut bytes, peek), Err(Status::SHOULD_WAIT));
            ours.write_opts(b"data", SocketWriteOpts::from_bits_retain(plane.bits())).unwrap();
            for options in [peek, peek, plane] {
                bytes = [0; 3];
                assert_eq!((theirs.read_opts(&mut bytes, options), &bytes), (Ok(3), b"dat"));
            }
        }
        let (ours, _theirs) = Socket::create_stream();
        let unknown = SocketReadOpts::from_bits_retain(1);
        assert_eq!(ours.read_opts(&mut [0], unknown), Err(Status::INVALID_ARGS));
        assert_eq!(ours.write_opts(&[0], SocketWriteOpts::from_bits_retain(8)), Err(Status::INVALID_ARGS));
    });
}

#[test]
fn control_plane_takes_one_message() {
    in_arena(|_| {
        let (ours, theirs) = Socket::create(SocketOpts::HAS_CONTROL).unwrap();
        assert_eq!(read_control(&theirs, 9), Err(Status::SHOULD_WAIT));
        assert_eq!(write_control(&ours, b""), Err(Status::INVALID_ARGS));
        assert_eq!(write_control(&ours, &[0; 1025]), Err(Status::OUT_OF_RANGE));
        assert_eq!(write_control(&ours, &[1; 1024]), Ok(1024));
        assert_eq!(write_control(&ours, b"x"), Err(Status::SHOULD_WAIT));
        assert_eq!(asserted(&ours), Signals::SOCKET_WRITABLE);
        let both = Signals::SOCKET_WRITABLE | Signals::SOCKET_CONTROL_WRITABLE;
        assert_eq!(asserted(&theirs), both | Signals::SOCKET_CONTROL_READABLE);
        assert_eq!(write_control(&theirs, b"other way"), Ok(9));
        assert_eq!(read_control(&theirs, 2).unwrap(), [1; 2]);
        assert_eq!(read_control(&theirs, 9), Err(Status::SHOULD_WAIT)); // The rest is gone.
        assert_eq!(asserted(&ours), both | Signals::SOCKET_CONTROL_READABLE);
        // Neither a shutdown nor a full socket concerns it.
        ours.write(&vec![0; FULL]).unwrap();
        ours.shutdown(SocketShutdown::WRITE | SocketShutdown::READ).unwrap();
        assert_eq!(write_control(&ours, b"still"), Ok(5));
        drop(ours);
        assert_eq!(read_control(&theirs, 9).unwrap(), b"still");
        assert_eq!(read_control(&theirs, 9), Err(Status::SHOULD_WAIT));
        assert_eq!(write_control(&theirs, b"x"), Err(Status::PEER_CLOSED));
        let (plain, _peer) = Socket::create_stream();
        assert_eq!(write_control(&plain, b"x"), Err(Status::BAD_STATE));
        assert_eq!(read_control(&plain, 9), Err(Status::BAD_STATE));
    });
}

#[test]
fn shutdown_ends_each_direction() {
    in_arena(|_| {
        let over = Signals::SOCKET_WRITE_DISABLED;
        let peer_over = Signals::SOCKET_PEER_WRITE_DISABLED;
        for options in [SocketOpts::STREAM, SocketOpts::DATAGRAM] {
            let (ours, theirs) = Socket::create(options).unwrap();
            ours.write(b"last").unwrap();
            ours.half_close().unwrap();
            ours.shutdown(SocketShutdown::WRITE).unwrap();
            assert_eq!((ours.write(b"x"), ours.write(b"")), (Err(Status::BAD_STATE), Err(Status::BAD_STATE)));
            assert_eq!(asserted(&ours), over);
            assert_eq!(read(&theirs, 9).unwrap(), b"last");
            assert_eq!(read(&theirs, 9), Err(Status::BAD_STATE));
            assert_eq!(asserted(&theirs), peer_over | Signals::SOCKET_WRITABLE);
            theirs.write(b"answer").unwrap();
            ours.shutdown(SocketShutdown::READ).unwrap();
            assert_eq!(theirs.write(b"x"), Err(Status::BAD_STATE));
            assert_eq!(asserted(&theirs), over | peer_over);
            assert_eq!(read(&ours, 9).unwrap(), b"answer");
            assert_eq!(read(&ours, 9), Err(Status::BAD_STATE));
            drop(theirs);
            assert_eq!(read(&ours, 9), Err(Status::PEER_CLOSED));
            assert_eq!(ours.write(b"x"), Err(Status::PEER_CLOSED));
            assert_eq!(ours.shutdown(SocketShutdown::from_bits_retain(4)), Err(Status::INVALID_ARGS));
            assert_eq!(ours.shutdown(SocketShutdown::READ), Ok(()));
        }
    });
}

#[test]
fn what_was_written_outlives_its_writer() {
    in_arena(|_| {
        for options in [SocketOpts::STREAM, SocketOpts::DATAGRAM] {
            let (ours, theirs) = Socket::create(options).unwrap();
            ours.write(b"last words").unwrap();
            drop(ours);
            assert_eq!(theirs.write(b"x"), Err(Status::PEER_CLOSED));
            assert_eq!(asserted(&theirs), Signals::SOCKET_READABLE | Signals::SOCKET_PEER_CLOSED);
            assert_eq!(theirs.info().unwrap().tx_buf_max, 0);
            assert_eq!(read(&theirs, 99).unwrap(), b"last words");
            assert_eq!(read(&theirs, 99), Err(Status::PEER_CLOSED));
        }
    });
}

#[test]
fn sockets_are_shared_over_sockets() {
    in_arena(|_| {
        let (server, client) = Socket::create(SocketOpts::HAS_ACCEPT).unwrap();
        for round in 0..3 {
            assert_eq!(client.accept().err(), Some(Status::SHOULD_WAIT));
            let (ours, theirs) = Socket::create_stream();
            let koid = theirs.koid().unwrap();
            server.share(theirs.replace(Rights::IO | Rights::TRANSFER).unwrap()).unwrap();
            assert_eq!(asserted(&server), Signals::SOCKET_WRITABLE, "round {round}");
            assert!(asserted(&client).contains(Signals::SOCKET_ACCEPT | Signals::SOCKET_SHARE));
            // One place. The socket that finds none is closed.
            let (kept, refused) = Socket::create_stream();
            assert_eq!(server.share(refused), Err(Status::SHOULD_WAIT));
            assert!(asserted(&kept).contains(Signals::SOCKET_PEER_CLOSED));
            ours.write(b"before it is accepted").unwrap();
            let accepted = client.accept().unwrap();
            assert_eq!(accepted.basic_info().unwrap().rights, Rights::IO | Rights::TRANSFER);
            assert_eq!(accepted.koid().unwrap(), koid);
            assert_eq!(read(&accepted, 99).unwrap(), b"before it is accepted");
            assert!(asserted(&server).contains(Signals::SOCKET_SHARE));
        }
    });
}

#[test]
fn what_may_not_be_shared_is_closed() {
    in_arena(|_| {
        let (server, client) = Socket::create(SocketOpts::HAS_ACCEPT).unwrap();
        let sharing = Socket::create(SocketOpts::HAS_ACCEPT).unwrap();
        for (pair, rights, status) in [
            (sharing, Rights::SAME_RIGHTS, Status::BAD_STATE),
            (Socket::create_stream(), Rights::IO, Status::ACCESS_DENIED),
        ] {
            let (kept, shared) = pair;
            assert_eq!(server.share(shared.replace(rights).unwrap()), Err(status));
            assert!(asserted(&kept).contains(Signals::SOCKET_PEER_CLOSED), "{status}");
        }
        for end in [&server, &client] {
            let copy = end.duplicate(Rights::SAME_RIGHTS).unwrap();
            let value = copy.raw_handle();
            assert_eq!(server.share(copy), Err(Status::BAD_STATE));
            assert_eq!(raw::check_valid(value), Err(Status::BAD_HANDLE));
        }
        // The right comes before the type.
        for (rights, status) in
            [(Rights::TRANSFER, Status::WRONG_TYPE), (Rights::NONE, Status::ACCESS_DENIED)]
        {
            let value = Event::create().replace(rights).unwrap().into_raw();
            assert_eq!(raw::socket_share(server.raw_handle(), value), Err(status));
            assert_eq!(raw::check_valid(value), Err(Status::BAD_HANDLE));
        }
        let (plain, _peer) = Socket::create_stream();
        assert_eq!(plain.share(Socket::create_stream().0), Err(Status::NOT_SUPPORTED));
        assert_eq!(plain.accept().err(), Some(Status::NOT_SUPPORTED));
        let value = Socket::create_stream().0.into_raw();
        assert_eq!(raw::socket_share(raw::INVALID, value), Err(Status::BAD_HANDLE));
        assert_eq!(raw::check_valid(value), Err(Status::BAD_HANDLE));
        drop(client);
        let (kept, shared) = Socket::create_stream();
        assert_eq!(server.share(shared), Err(Status::PEER_CLOSED));
        assert!(asserted(&kept).contains(Signals::SOCKET_PEER_CLOSED));
    });
}

/// The accepting end closes what is in its queue; what the sharing end has shared stays acceptable.
#[test]
fn queued_sockets_end_with_their_queue() {
    in_arena(|supervisor| {
        let (server, client) = Socket::create(SocketOpts::HAS_ACCEPT).unwrap();
        let (ours, theirs) = Socket::create_stream();
        server.share(theirs).unwrap();
        drop(client);
        assert!(asserted(&ours).contains(Signals::SOCKET_PEER_CLOSED));
        let (server, client) = Socket::create(SocketOpts::HAS_ACCEPT).unwrap();
        let (ours, theirs) = Socket::create_stream();
        server.share(theirs).unwrap();
        drop(server);
        client.accept().unwrap().write(b"still").unwrap();
        assert_eq!(read(&ours, 9).unwrap(), b"still");
        // A carrier that is itself in a message which is never read.
        let (server, client) = Socket::create(SocketOpts::HAS_ACCEPT).unwrap();
        let (ours, theirs) = Socket::create_stream();
        server.share(theirs).unwrap();
        let (near, far) = Channel::create();
        near.write(b"", &mut [client.into(), far.into()]).unwrap();
        drop(near);
        supervisor.collect().unwrap();
        assert!(asserted(&ours).contains(Signals::SOCKET_PEER_CLOSED));
        clean(supervisor);
    });
}

#[test]
fn thresholds_assert_their_signals() {
    in_arena(|_| {
        let (ours, theirs) = Socket::create_stream();
        assert_eq!((theirs.get_rx_threshold(), theirs.get_tx_threshold()), (Ok(0), Ok(0)));
        theirs.set_rx_threshold(&4).unwrap();
        ours.set_tx_threshold(&(FULL - 4)).unwrap();
        assert_eq!((theirs.get_rx_threshold(), ours.get_tx_threshold()), (Ok(4), Ok(FULL - 4)));
        assert!(asserted(&ours).contains(Signals::SOCKET_WRITE_THRESHOLD));
        ours.write(b"123").unwrap();
        assert!(!asserted(&theirs).contains(Signals::SOCKET_READ_THRESHOLD));
        ours.write(b"45").unwrap();
        assert!(asserted(&theirs).contains(Signals::SOCKET_READ_THRESHOLD));
        assert!(!asserted(&ours).contains(Signals::SOCKET_WRITE_THRESHOLD));
        read(&theirs, 2).unwrap();
        assert!(!asserted(&theirs).contains(Signals::SOCKET_READ_THRESHOLD));
        assert!(asserted(&ours).contains(Signals::SOCKET_WRITE_THRESHOLD));
        theirs.set_rx_threshold(&0).unwrap();
        assert_eq!(theirs.set_rx_threshold(&(FULL + 1)), Err(Status::INVALID_ARGS));
        assert_eq!(ours.set_tx_threshold(&(FULL + 1)), Err(Status::INVALID_ARGS));
        drop(theirs);
        assert_eq!(ours.set_tx_threshold(&(FULL + 1)), Err(Status::PEER_CLOSED));
        assert_eq!((ours.get_tx_threshold(), ours.set_rx_threshold(&7)), (Ok(FULL - 4), Ok(())));
    });
}

/// A repeating observer of a signal that follows from words besides the data.
#[test]
fn ports_follow_the_signals_of_sockets() {
    in_arena(|_| {
        let (ours, theirs) = Socket::create(SocketOpts::HAS_CONTROL | SocketOpts::HAS_ACCEPT).unwrap();
        let port = Port::create();
        let next = || match port.wait(MonotonicInstant::INFINITE_PAST).map(|packet| packet.contents()) {
            Ok(PacketContents::SignalRep(packet) | PacketContents::SignalOne(packet)) => {
                Ok(packet.observed())
            }
            Ok(other) => panic!("{other:?}"),
            Err(status) => Err(status),
        };
        let news =
            Signals::SOCKET_CONTROL_READABLE | Signals::SOCKET_ACCEPT | Signals::SOCKET_PEER_WRITE_DISABLED;
        theirs.wait_async(&port, 7, news, WaitAsyncOpts::REPEATING).unwrap();
        assert_eq!(next(), Err(Status::TIMED_OUT));
        for _ in 0..3 {
            write_control(&ours, b"x").unwrap();
            assert!(next().unwrap().contains(Signals::SOCKET_CONTROL_READABLE));
            read_control(&theirs, 9).unwrap();
            ours.share(Socket::create_stream().0).unwrap();
            assert!(next().unwrap().contains(Signals::SOCKET_ACCEPT));
            drop(theirs.accept().unwrap());
        }
        while next().is_ok() {}
        ours.half_close().unwrap();
        assert!(next().unwrap().contains(Signals::SOCKET_PEER_WRITE_DISABLED));
    });
}

#[test]
fn names_and_moves_keep_the_bytes() {
    in_arena(|_| {
        let (ours, theirs) = Socket::create_named(SocketOpts::STREAM, &Name::new("log").unwrap()).unwrap();
        assert_eq!(theirs.get_name().unwrap(), "log");
        let (near, far) = Channel::create();
        let mut sent = Vec::new();
        let mut ours = ours;
        for round in 0..20_u8 {
            let bytes = vec![round; 1000 * usize::from(round)];
            ours.write(&bytes).unwrap();
            sent.extend(bytes);
            // The writer's place in its ring goes with the handle.
            near.write(b"", &mut [ours.into()]).unwrap();
            ours = next(&far).take_handle(0).unwrap().into();
            if round % 4 == 0 {
                let some = read(&theirs, 3000).unwrap_or_default();
                assert_eq!(some, sent.drain(..some.len()).collect::<Vec<_>>());
            }
        }
        assert_eq!(read(&theirs, FULL).unwrap(), sent);
    });
}
