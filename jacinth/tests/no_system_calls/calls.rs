//! Each call, and the system calls that it may make.

use super::support::*;
use jacinth::*;

/// The system calls that a call may make.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Asks {
    Nothing,
    /// A memory barrier, once for so many objects that it destroys; each call destroys one.
    Barriers,
    /// To let others run, while it spins for an answer that takes long.
    Turns,
    /// To sleep, each time.
    Sleep,
}
pub use Asks::{Barriers, Nothing, Sleep, Turns};

/// A call, made ready to be made again and again.
pub type Call = Box<dyn FnMut()>;

/// A call, the system calls that it may make, and its preparation.
pub type Line = (&'static str, Asks, fn() -> Call);

/// Each call, in the order in which the traced process makes them.
pub const CALLS: &[Line] = &[
    ("event, created and closed", Barriers, || Box::new(|| drop(Event::create()))),
    ("event pair, created and closed", Barriers, || Box::new(|| drop(EventPair::create()))),
    ("timer, created and closed", Barriers, || Box::new(|| drop(Timer::create()))),
    ("channel, created and closed", Barriers, || Box::new(|| drop(Channel::create()))),
    ("VM object without pages, created and closed", Barriers, || {
        Box::new(|| drop(Vmo::create(1 << 20).unwrap()))
    }),
    ("fifo, created and closed", Barriers, || Box::new(|| drop(Fifo::<u64>::create(512).unwrap()))),
    ("socket, created and closed", Barriers, || Box::new(|| drop(Socket::create_stream()))),
    ("socket for datagrams, created and closed", Barriers, || Box::new(|| drop(Socket::create_datagram()))),
    ("port, created, used and closed", Barriers, || {
        let packet = Packet::from_user_packet(1, 0, UserPacket::default());
        Box::new(move || Port::create().queue(&packet).unwrap())
    }),
    ("duplicate and close", Nothing, || {
        let event = Event::create();
        Box::new(move || drop(event.duplicate(Rights::SAME_RIGHTS).unwrap()))
    }),
    ("duplicate and close_when_returned", Nothing, || {
        let event = Event::create();
        Box::new(move || {
            let copy = event.duplicate(Rights::SAME_RIGHTS).unwrap();
            raw::close_when_returned(NullableHandle::from(copy).into_raw()).unwrap();
        })
    }),
    ("close_many of 16", Nothing, || {
        let event = Event::create();
        Box::new(move || {
            let values = [(); 16]
                .map(|()| NullableHandle::from(event.duplicate(Rights::SAME_RIGHTS).unwrap()).into_raw());
            raw::close_many(&values).unwrap();
        })
    }),
    ("replace", Nothing, || {
        let mut current = Some(Event::create());
        Box::new(move || {
            let replaced = current.take().map(|event| event.replace(Rights::SAME_RIGHTS).unwrap());
            current = replaced;
        })
    }),
    ("check_valid", Nothing, || {
        let event = Event::create();
        Box::new(move || raw::check_valid(event.raw_handle()).unwrap())
    }),
    ("a handle that is closed", Nothing, || {
        let closed = Event::create().raw_handle();
        Box::new(move || assert_eq!(raw::check_valid(closed), Err(Status::BAD_HANDLE)))
    }),
    ("a right that is missing", Nothing, || {
        let event = Event::create().replace(Rights::WAIT).unwrap();
        Box::new(move || assert_eq!(event.signal(Signals::NONE, Signals::USER_0), Err(Status::ACCESS_DENIED)))
    }),
    ("signal", Nothing, || {
        let event = Event::create();
        Box::new(move || {
            event.signal(Signals::NONE, Signals::USER_0).unwrap();
            event.signal(Signals::USER_0, Signals::NONE).unwrap();
        })
    }),
    ("signal_peer", Nothing, || {
        let (ours, theirs) = EventPair::create();
        Box::new(move || {
            ours.signal_peer(Signals::NONE, Signals::USER_0).unwrap();
            theirs.signal(Signals::USER_0, Signals::NONE).unwrap();
        })
    }),
    ("timer, set and cancelled", Nothing, || {
        let timer = Timer::create();
        Box::new(move || {
            timer.set(FOREVER, MonotonicDuration::ZERO).unwrap();
            timer.cancel().unwrap();
        })
    }),
    ("timer, set and awaited", Nothing, || {
        let timer = Timer::create();
        Box::new(move || {
            timer.set(MonotonicInstant::get(), MonotonicDuration::ZERO).unwrap();
            let waited = timer.wait_one(Signals::TIMER_SIGNALED, FOREVER).to_result();
            assert_eq!(waited, Ok(Signals::TIMER_SIGNALED));
        })
    }),
    ("wait for what is so", Nothing, || {
        let event = Event::create();
        event.signal(Signals::NONE, Signals::USER_0).unwrap();
        Box::new(move || {
            assert_eq!(event.wait_one(Signals::USER_0, FOREVER).to_result(), Ok(Signals::USER_0))
        })
    }),
    ("wait with a deadline that is past", Nothing, || {
        let event = Event::create();
        Box::new(move || {
            let waited = event.wait_one(Signals::USER_0, MonotonicInstant::INFINITE_PAST).to_result();
            assert_eq!(waited, Err(Status::TIMED_OUT));
        })
    }),
    ("wait_many for what is so", Nothing, || {
        let (event, other) = (Event::create(), Event::create());
        event.signal(Signals::NONE, Signals::USER_0).unwrap();
        Box::new(move || {
            let mut items = [&other, &event].map(|event| WaitItem::new(event, Signals::USER_0));
            object_wait_many(&mut items, FOREVER).unwrap();
        })
    }),
    ("write and read, 0 bytes", Nothing, || write_and_read(0, 0)),
    ("write and read, 64 bytes", Nothing, || write_and_read(64, 0)),
    ("write and read, 1 KiB", Nothing, || write_and_read(1024, 0)),
    ("write and read, 64 KiB", Nothing, || write_and_read(65_536, 0)),
    ("write and read, 1 handle", Nothing, || write_and_read(0, 1)),
    ("write and read, 64 bytes and 64 handles", Nothing, || write_and_read(64, 64)),
    ("100 messages queued and read", Nothing, || {
        let (ours, theirs) = Channel::create();
        let mut message = MessageBuf::new();
        Box::new(move || {
            (0..100).for_each(|_| tell(&ours, [0x5a; 64]));
            (0..100).for_each(|_| theirs.read(&mut message).unwrap());
        })
    }),
    ("a batch of 32 messages", Nothing, || {
        let (ours, theirs) = Channel::create();
        let mut batch = Batch::new();
        Box::new(move || {
            // As many as fit into one ring go at once.
            let mut left = 32;
            while left > 0 {
                left -= ours.write_batch((0..left).map(|_| &[0x5a; 64][..])).unwrap();
            }
            while left < 32 {
                left += theirs.read_batch(32, &mut batch).unwrap();
            }
        })
    }),
    ("a loan of 1 MiB, read in place", Nothing, || {
        let (ours, theirs) = Channel::create();
        Box::new(move || {
            let mut loan = ours.reserve(1 << 20).unwrap();
            loan.write_at(0, b"first").unwrap();
            loan.commit().unwrap();
            let mut start = [0; 5];
            theirs.read_in_place().unwrap().read_at(0, &mut start).unwrap();
            assert_eq!(&start, b"first");
        })
    }),
    ("a loan with a handle, read in place", Nothing, || {
        let (ours, theirs) = Channel::create();
        let event = Event::create();
        Box::new(move || {
            let mut loan = ours.reserve_with_handles(5000, 1).unwrap();
            loan.copy_from_slice(&[7; 5000]);
            loan.commit_with_handles(&mut [event.duplicate(Rights::SAME_RIGHTS).unwrap().into()]).unwrap();
            let message = theirs.read_in_place().unwrap();
            assert_eq!(message[..], [7; 5000]);
            assert_eq!(message.finish().unwrap().len(), 1);
        })
    }),
    ("a buffer of 64 KiB, made, sent to two and viewed", Barriers, || {
        let pairs = [Channel::create(), Channel::create()];
        let mut message = MessageBuf::new();
        Box::new(move || {
            let mut buffer = BufferMut::create(64 << 10).unwrap();
            buffer.fill(7);
            let buffer = buffer.freeze().unwrap();
            for (ours, theirs) in &pairs {
                ours.write(b"", &mut [buffer.duplicate(Rights::SAME_RIGHTS).unwrap().into()]).unwrap();
                theirs.read(&mut message).unwrap();
                let received = Buffer::from(message.take_handle(0).unwrap());
                assert_eq!(received.view().unwrap()[1000], 7);
            }
        })
    }),
    ("read from an empty channel", Nothing, || {
        let (ours, theirs) = Channel::create();
        let mut message = MessageBuf::new();
        Box::new(move || {
            assert_eq!(theirs.read(&mut message), Err(Status::SHOULD_WAIT));
            ours.basic_info().unwrap();
        })
    }),
    ("16 elements of a fifo, written and read", Nothing, || {
        let (ours, theirs) = Fifo::<[u64; 4]>::create(128).unwrap();
        let mut elements = [[7; 4]; 16];
        Box::new(move || {
            assert_eq!(ours.write(&elements), Ok(16));
            assert_eq!(theirs.read(&mut elements), Ok(16));
        })
    }),
    ("an element of a fifo, by duplicates", Nothing, || {
        let (ours, theirs) = Fifo::<u64>::create(512).unwrap();
        let copies = |fifo: &Fifo<u64>| [(); 2].map(|()| fifo.duplicate(Rights::SAME_RIGHTS).unwrap());
        let (ours, theirs) = (copies(&ours), copies(&theirs));
        Box::new(move || {
            for turn in 0..2 {
                ours[turn].write_one(&7).unwrap();
                assert_eq!(theirs[1 - turn].read_one(), Ok(7));
            }
        })
    }),
    ("read from an empty fifo", Nothing, || {
        let (ours, theirs) = Fifo::<u64>::create(512).unwrap();
        Box::new(move || {
            assert_eq!(ours.read_one(), Err(Status::SHOULD_WAIT));
            theirs.basic_info().unwrap();
        })
    }),
    ("a page of a VM object, written and read", Nothing, || {
        let vmo = Vmo::create(1 << 20).unwrap();
        let mut page = [7; 4096];
        vmo.write(&page, 100_000).unwrap();
        Box::new(move || {
            vmo.write(&page, 100_000).unwrap();
            vmo.read(&mut page, 100_000).unwrap();
            assert_eq!(vmo.get_size(), Ok(1 << 20));
        })
    }),
    ("a VM object, grown", Nothing, || {
        let vmo = Vmo::create(0).unwrap();
        let mut size = 0;
        Box::new(move || {
            size += 4096;
            vmo.set_size(size).unwrap();
        })
    }),
    ("64 bytes of a socket, written and read", Nothing, || {
        let (ours, theirs) = Socket::create_stream();
        write_and_read_socket([ours, theirs], 64)
    }),
    ("64 KiB of a socket, written and read", Nothing, || {
        let (ours, theirs) = Socket::create_stream();
        write_and_read_socket([ours, theirs], 65_536)
    }),
    ("a datagram, written and read", Nothing, || {
        let (ours, theirs) = Socket::create_datagram();
        write_and_read_socket([ours, theirs], 1024)
    }),
    ("bytes of a socket, by duplicates", Nothing, || {
        let (ours, theirs) = Socket::create_stream();
        let copies = |socket: &Socket| [(); 2].map(|()| socket.duplicate(Rights::SAME_RIGHTS).unwrap());
        let (ours, theirs, mut bytes) = (copies(&ours), copies(&theirs), [7; 64]);
        Box::new(move || {
            for turn in 0..2 {
                assert_eq!(ours[turn].write(&bytes), Ok(64));
                assert_eq!(theirs[1 - turn].read(&mut bytes), Ok(64));
            }
        })
    }),
    ("a message of a socket's control plane", Nothing, || {
        let (ours, theirs) = Socket::create(SocketOpts::HAS_CONTROL).unwrap();
        let mut bytes = [7; 64];
        Box::new(move || {
            assert_eq!(ours.write_opts(&bytes, SocketWriteOpts::CONTROL), Ok(64));
            assert_eq!(theirs.read_opts(&mut bytes, SocketReadOpts::CONTROL), Ok(64));
        })
    }),
    ("a socket, shared and accepted", Nothing, || {
        let (ours, theirs) = Socket::create(SocketOpts::HAS_ACCEPT).unwrap();
        let (_kept, mut shared) = Socket::create_stream();
        Box::new(move || {
            let accepted = theirs.accept();
            assert_eq!(accepted.err(), Some(Status::SHOULD_WAIT));
            let empty = Socket::from(NullableHandle::invalid());
            ours.share(std::mem::replace(&mut shared, empty)).unwrap();
            shared = theirs.accept().unwrap();
        })
    }),
    ("read from an empty socket", Nothing, || {
        let (ours, theirs) = Socket::create_stream();
        Box::new(move || {
            assert_eq!(ours.read(&mut [0; 64]), Err(Status::SHOULD_WAIT));
            theirs.info().unwrap();
        })
    }),
    ("thresholds of a socket", Nothing, || {
        let (ours, _theirs) = Socket::create_stream();
        Box::new(move || {
            ours.set_rx_threshold(&7).unwrap();
            assert_eq!(ours.get_rx_threshold(), Ok(7));
        })
    }),
    ("call, both sides awake", Turns, || {
        set_spin(MonotonicDuration::from_seconds(60));
        let (client, server) = Channel::create();
        std::thread::spawn(move || {
            let mut request = MessageBuf::new();
            loop {
                match server.read(&mut request) {
                    Ok(()) => tell(&server, request.bytes()),
                    Err(Status::SHOULD_WAIT) => std::thread::yield_now(),
                    Err(status) => return assert_eq!(status, Status::PEER_CLOSED),
                }
            }
        });
        let mut reply = MessageBuf::new();
        Box::new(move || client.call(FOREVER, &[0x5a; 64], &mut [], &mut reply).unwrap())
    }),
    ("basic_info and handle_count", Nothing, || {
        let event = Event::create();
        Box::new(move || {
            event.basic_info().unwrap();
            event.count_info().unwrap();
        })
    }),
    ("handle_stats", Nothing, || {
        let own: Unowned<'_, Process> = process_self().unwrap().cast();
        Box::new(move || assert_eq!(raw::process_handle_counts(own.raw_handle()).unwrap()[1], 1))
    }),
    ("set_cookie and get_cookie", Nothing, || {
        let (event, scope) = (Event::create(), Event::create());
        Box::new(move || {
            event.set_cookie(&scope, 7).unwrap();
            assert_eq!(event.get_cookie(&scope), Ok(7));
        })
    }),
    ("names", Nothing, || {
        let event = Event::create_named(&Name::new_lossy("bell")).unwrap();
        Box::new(move || {
            event.set_name(&Name::new_lossy("alarm")).unwrap();
            assert_eq!(event.get_name().unwrap(), Name::new_lossy("alarm"));
        })
    }),
    ("port_queue and port_wait", Nothing, || {
        let (port, packet) = (Port::create(), Packet::from_user_packet(1, 0, UserPacket::default()));
        Box::new(move || {
            port.queue(&packet).unwrap();
            assert_eq!(port.wait(FOREVER), Ok(packet));
        })
    }),
    ("listener, served and closed", Barriers, || {
        let directory = Directory::create();
        Box::new(move || drop(directory.serve("log").unwrap()))
    }),
    ("connect and accept", Barriers, || {
        let directory = Directory::create();
        let listener = directory.serve("log").unwrap();
        Box::new(move || {
            let client = directory.connect("log", FOREVER).unwrap();
            drop((client, listener.accept().unwrap()));
        })
    }),
    ("port_wait with a deadline that is past", Nothing, || {
        let port = Port::create();
        Box::new(move || assert_eq!(port.wait(MonotonicInstant::INFINITE_PAST), Err(Status::TIMED_OUT)))
    }),
    ("wait_async, a message, its packet", Nothing, || {
        let (port, (ours, theirs)) = (Port::create(), Channel::create());
        let mut message = MessageBuf::new();
        Box::new(move || {
            theirs.wait_async(&port, 1, Signals::CHANNEL_READABLE, WaitAsyncOpts::ONCE).unwrap();
            tell(&ours, [0x5a; 64]);
            assert_eq!(port.wait(FOREVER).unwrap().key(), 1);
            theirs.read(&mut message).unwrap();
        })
    }),
    ("wait_async, repeating, and port_cancel", Nothing, || {
        let (port, event) = (Port::create(), Event::create());
        Box::new(move || {
            event.wait_async(&port, 1, Signals::USER_0, WaitAsyncOpts::REPEATING).unwrap();
            port.cancel(&event, 1).unwrap();
        })
    }),
    ("wait until a deadline", Sleep, || {
        set_spin(MonotonicDuration::ZERO);
        let event = Event::create();
        Box::new(move || {
            let soon = MonotonicInstant::after(MonotonicDuration::from_micros(1));
            assert_eq!(event.wait_one(Signals::USER_0, soon).to_result(), Err(Status::TIMED_OUT));
        })
    }),
];

fn write_and_read(len_bytes: usize, handles: usize) -> Call {
    let (ours, theirs) = Channel::create();
    let event = Event::create();
    let bytes = vec![0x5a; len_bytes];
    let mut luggage: Vec<NullableHandle> =
        (0..handles).map(|_| event.duplicate(Rights::SAME_RIGHTS).unwrap().into()).collect();
    let mut message = MessageBuf::new();
    Box::new(move || {
        ours.write(&bytes, &mut luggage).unwrap();
        theirs.read(&mut message).unwrap();
        for (index, place) in luggage.iter_mut().enumerate() {
            *place = message.take_handle(index).unwrap();
        }
    })
}

fn write_and_read_socket([ours, theirs]: [Socket; 2], size: usize) -> Call {
    let mut bytes = vec![0x5a; size];
    Box::new(move || {
        assert_eq!(ours.write(&bytes), Ok(size));
        assert_eq!(theirs.read(&mut bytes), Ok(size));
    })
}
