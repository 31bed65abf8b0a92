//! Sockets between processes: several on one end, some that are stopped or killed, and sockets sent over sockets.

mod support;

use jacinth::*;
use rustix::process::Pid;
use std::process::Child;
use support::*;

#[test]
fn child_main() {
    play(&[
        (WRITER, writes),
        (READER, reads),
        (STREAMER, streams),
        (SERVER, serves),
        (SHARER, shares),
        (ENDER, ends_both_directions),
    ]);
}

const WRITER: &str = "writes datagrams";
const READER: &str = "reads datagrams";
const STREAMER: &str = "streams bytes";
const SERVER: &str = "shares sockets and answers";
const SHARER: &str = "shares until it is killed";
const ENDER: &str = "shuts its socket down";

const READABLE: Signals = Signals::SOCKET_READABLE;
const WRITABLE: Signals = Signals::SOCKET_WRITABLE;
const PEER_CLOSED: Signals = Signals::SOCKET_PEER_CLOSED;
const PEER_OVER: Signals = Signals::SOCKET_PEER_WRITE_DISABLED;

fn wait(socket: &Socket, signals: Signals) -> Result<Signals, Status> {
    socket.wait_one(signals, FOREVER).to_result()
}

/// Writes all of it: of a stream in as many writes as it takes.
fn write_all(socket: &Socket, mut bytes: &[u8]) -> Result<(), Status> {
    while !bytes.is_empty() {
        match socket.write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(Status::SHOULD_WAIT) => drop(wait(socket, WRITABLE | PEER_CLOSED)?),
            Err(status) => return Err(status),
        }
    }
    Ok(())
}

/// Waits for bytes, and reads them.
fn read_some(socket: &Socket, most: usize) -> Result<Vec<u8>, Status> {
    let mut bytes = vec![0; most];
    loop {
        match socket.read(&mut bytes) {
            Ok(read) => {
                bytes.truncate(read);
                return Ok(bytes);
            }
            Err(Status::SHOULD_WAIT) => drop(wait(socket, READABLE | PEER_CLOSED | PEER_OVER)?),
            Err(status) => return Err(status),
        }
    }
}

fn receive_socket(channel: &Channel) -> Socket {
    next(channel).take_handle(0).unwrap().into()
}

/// A process in this role, with a duplicate of the socket.
fn spawn_with(supervisor: &Supervisor, role: &str, socket: &Socket) -> (Channel, Child) {
    let (ours, child) = spawn(supervisor, role);
    let copy = socket.duplicate(Rights::SAME_RIGHTS).unwrap();
    ours.write(b"", &mut [copy.into()]).unwrap();
    (ours, child)
}

/// A datagram that says who wrote it, its number, and all of whose bytes depend on both.
fn datagram(writer: u32, number: u32) -> Vec<u8> {
    let len = 8 + (number as usize * 37) % 700;
    let fill = (writer ^ number.wrapping_mul(31)) as u8;
    [&writer.to_le_bytes()[..], &number.to_le_bytes(), &vec![fill; len - 8]].concat()
}

/// Writer and number of a datagram, which is whole.
fn parse(bytes: &[u8]) -> (u32, u32) {
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let (writer, number) = (word(0), word(4));
    assert!(bytes == datagram(writer, number), "{writer} {number} {}", bytes.len());
    (writer, number)
}

const NUMBERS: u32 = 2000;

fn writes() {
    let channel = startup_channel();
    let socket = receive_socket(&channel);
    for number in 0..NUMBERS {
        if let Err(status) = write_all(&socket, &datagram(std::process::id(), number)) {
            return assert_eq!(status, Status::PEER_CLOSED);
        }
    }
    tell(&channel, "written");
    wait_for_peer_closed(&channel);
}

/// Reads until the other end is closed, and says which datagrams it got.
fn reads() {
    let channel = startup_channel();
    let socket = receive_socket(&channel);
    tell(&channel, "begins");
    let mut got = Vec::new();
    loop {
        match read_some(&socket, 1000) {
            Ok(bytes) => {
                let (writer, number) = parse(&bytes);
                got.extend([writer, number].iter().flat_map(|word| word.to_le_bytes()));
            }
            Err(status) => break assert_eq!(status, Status::PEER_CLOSED),
        }
    }
    got.chunks(60_000).for_each(|part| tell(&channel, part));
    tell(&channel, "");
    wait_for_peer_closed(&channel);
}

/// What a reader has read, in its order.
fn numbers_of(channel: &Channel) -> Vec<(u32, u32)> {
    let mut bytes = Vec::new();
    loop {
        let message = next(channel);
        if message.bytes().is_empty() {
            break;
        }
        bytes.extend_from_slice(message.bytes());
    }
    let words: Vec<u32> = bytes.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect();
    words.as_chunks().0.iter().map(|[writer, number]| (*writer, *number)).collect()
}

/// Two write, two read, at once.
#[test]
fn datagrams_go_once_to_one_reader() {
    in_arena(|supervisor| {
        let (ours, theirs) = Socket::create_datagram();
        let readers: Vec<_> = (0..2).map(|_| spawn_with(supervisor, READER, &theirs)).collect();
        readers.iter().for_each(|(channel, _)| assert_eq!(next(channel).bytes(), b"begins"));
        let writers: Vec<_> = (0..2).map(|_| spawn_with(supervisor, WRITER, &ours)).collect();
        drop(theirs);
        for (channel, child) in writers {
            assert_eq!(next(&channel).bytes(), b"written");
            drop(channel);
            join(child);
        }
        drop(ours);
        let mut all = Vec::new();
        for (channel, child) in readers {
            let got = numbers_of(&channel);
            let mut by_writer = got.clone();
            by_writer.sort_by_key(|(writer, _)| *writer);
            assert!(by_writer.is_sorted(), "each reader sees each writer's order");
            all.extend(got);
            drop(channel);
            join(child);
        }
        all.sort_unstable();
        let lots: Vec<_> = all.chunk_by(|one, other| one.0 == other.0).collect();
        assert_eq!(lots.len(), 2);
        assert!(lots.iter().all(|lot| lot.iter().map(|it| it.1).eq(0..NUMBERS)));
    });
}

const BYTES: usize = 3_000_000;

fn byte(position: usize) -> u8 {
    (position % 251) as u8
}

/// Writes bytes whose values tell their positions, in writes of all sizes, and ends the direction.
fn streams() {
    let channel = startup_channel();
    let socket = receive_socket(&channel);
    let mut random = random(7);
    let mut sent = 0;
    while sent < BYTES {
        let most = [10, 1000, 100_000][random.usize(..3)];
        let len = random.usize(1..=most).min(BYTES - sent);
        let bytes: Vec<u8> = (sent..sent + len).map(byte).collect();
        if let Err(status) = write_all(&socket, &bytes) {
            return assert_eq!(status, Status::PEER_CLOSED);
        }
        sent += len;
    }
    socket.half_close().unwrap();
    drop(socket);
    wait_for_peer_closed(&channel);
}

/// Both ends have one owner; the writer's ring grows as the reader falls behind.
#[test]
fn streams_cross_processes_in_order() {
    in_arena(|supervisor| {
        let (ours, theirs) = Socket::create_stream();
        let (channel, child) = spawn(supervisor, STREAMER);
        channel.write(b"", &mut [theirs.into()]).unwrap();
        let (mut random, mut got) = (random(8), 0);
        let end = loop {
            match read_some(&ours, random.usize(1..80_000)) {
                Ok(bytes) => {
                    assert!(bytes.iter().enumerate().all(|(at, &it)| it == byte(got + at)), "at {got}");
                    got += bytes.len();
                }
                Err(status) => break status,
            }
        };
        assert!(end == Status::BAD_STATE || end == Status::PEER_CLOSED, "{end}");
        assert_eq!(got, BYTES);
        drop(channel);
        join(child);
    });
}

/// What a killed writer has written is a beginning of what it would have written.
#[test]
fn killed_streamers_leave_whole_writes() {
    in_arena(|supervisor| {
        for round in 0..10_u64 {
            let (ours, theirs) = Socket::create_stream();
            let (channel, child) = spawn(supervisor, STREAMER);
            channel.write(b"", &mut [theirs.into()]).unwrap();
            let (mut random, mut got) = (random(round), 0);
            let most = random.usize(1..1_000_000);
            let mut see = |bytes: &[u8]| {
                assert!(bytes.iter().enumerate().all(|(at, &it)| it == byte(got + at)), "at {got}");
                got += bytes.len();
                got
            };
            while see(&read_some(&ours, 30_000).unwrap()) < most {}
            kill(supervisor, child);
            let end = loop {
                match read_some(&ours, 30_000) {
                    Ok(bytes) => drop(see(&bytes)),
                    Err(status) => break status,
                }
            };
            assert_eq!(end, Status::PEER_CLOSED);
        }
    });
}

#[test]
fn killed_writers_leave_whole_datagrams() {
    in_arena(|supervisor| {
        let (ours, theirs) = Socket::create_datagram();
        let mut random = random(2);
        for _ in 0..10 {
            let (_channel, child) = spawn_with(supervisor, WRITER, &ours);
            let (mut expected, most) = (0, random.u32(1..1500));
            while expected < most {
                assert_eq!(parse(&read_some(&theirs, 1000).unwrap()).1, expected);
                expected += 1;
            }
            kill(supervisor, child);
            let mut bytes = [0; 1000];
            while let Ok(read) = theirs.read(&mut bytes) {
                assert_eq!(parse(&bytes[..read]).1, expected);
                expected += 1;
            }
            assert_eq!(ours.count_info().unwrap().handle_count, 1);
        }
    });
}

/// A stopped process keeps no process that shares an end with it from writing and reading.
#[test]
fn stopped_sharers_hold_up_nobody() {
    in_arena(|supervisor| {
        let (ours, theirs) = Socket::create_datagram();
        let mut random = random(5);
        for _ in 0..10 {
            let (writing, writer) = spawn_with(supervisor, WRITER, &ours);
            let (reading, reader) = spawn_with(supervisor, READER, &theirs);
            assert_eq!(next(&reading).bytes(), b"begins");
            std::thread::sleep(std::time::Duration::from_micros(random.u64(1..3000)));
            for child in [&writer, &reader] {
                stop(Pid::from_child(child));
            }
            for number in 0..200 {
                write_all(&ours, &datagram(1, number)).unwrap();
                while parse(&read_some(&theirs, 1000).unwrap()) != (1, number) {}
            }
            kill(supervisor, writer);

            kill(supervisor, reader);

            drop((writing, reading));
            while theirs.read(&mut [0; 1000]).is_ok() {}
        }
    });
}

/// Makes a socket for each request, shares it, and answers there.
fn serves() {
    let channel = startup_channel();
    let carrier = receive_socket(&channel);
    drop(channel);
    let mut number = 0_u32;
    while read_some(&carrier, 1).is_ok() {
        let (ours, theirs) = Socket::create_stream();
        ours.write(&number.to_le_bytes()).unwrap();
        carrier.share(theirs).unwrap();
        let question = read_some(&ours, 100).unwrap();
        ours.write(&question).unwrap();
        number += 1;
    }
}

#[test]
fn shared_sockets_connect_processes() {
    in_arena(|supervisor| {
        let (ours, theirs) = Socket::create(SocketOpts::HAS_ACCEPT).unwrap();
        let (channel, child) = spawn(supervisor, SERVER);
        channel.write(b"", &mut [theirs.into()]).unwrap();
        wait_for_peer_closed(&channel);
        for number in 0..100_u32 {
            ours.write(b"?").unwrap();
            wait(&ours, Signals::SOCKET_ACCEPT | PEER_CLOSED).unwrap();
            let connection = ours.accept().unwrap();
            assert_eq!(read_some(&connection, 100).unwrap(), number.to_le_bytes());
            connection.write(b"question").unwrap();
            assert_eq!(read_some(&connection, 100).unwrap(), b"question");
        }
        drop(ours);
        join(child);
    });
}

/// Shares ends of sockets of which it keeps the other end, until it is killed.
fn shares() {
    let channel = startup_channel();
    let carrier = receive_socket(&channel);
    let mut kept = Vec::new();
    loop {
        let (ours, theirs) = Socket::create_stream();
        kept.push(ours);
        if carrier.share(theirs) == Err(Status::SHOULD_WAIT) {
            kept.pop();
            wait(&carrier, Signals::SOCKET_SHARE).unwrap();
        }
    }
}

#[test]
fn killed_sharers_leave_one_handle() {
    in_arena(|supervisor| {
        let (ours, theirs) = Socket::create(SocketOpts::HAS_ACCEPT).unwrap();
        let mut random = random(6);
        for _ in 0..15 {
            let (_channel, child) = spawn_with(supervisor, SHARER, &theirs);
            for _ in 0..random.u32(1..40) {
                wait(&ours, Signals::SOCKET_ACCEPT).unwrap();
                drop(ours.accept().unwrap());
            }
            kill(supervisor, child);
            // At most the one in the queue is left, and its peer is closed.
            if let Ok(last) = ours.accept() {
                assert_eq!(last.write(b"x"), Err(Status::PEER_CLOSED));
            }
            assert_eq!(ours.accept().err(), Some(Status::SHOULD_WAIT));
            assert!(wait(&theirs, Signals::SOCKET_SHARE).is_ok());
        }
    });
}

fn ends_both_directions() {
    let channel = startup_channel();
    let socket = receive_socket(&channel);
    tell(&channel, "begins");
    while socket.write(b"datagram").is_ok() {}
    socket.shutdown(SocketShutdown::READ | SocketShutdown::WRITE).unwrap();
    tell(&channel, "ended");
    wait_for_peer_closed(&channel);
}

/// The readers of the other end wake, read all that was written, and then learn that it is over.
#[test]
fn shutdown_wakes_other_processes() {
    in_arena(|supervisor| {
        for options in [SocketOpts::STREAM, SocketOpts::DATAGRAM] {
            let (ours, theirs) = Socket::create(options).unwrap();
            let (channel, child) = spawn(supervisor, ENDER);
            channel.write(b"", &mut [theirs.into()]).unwrap();
            assert_eq!(next(&channel).bytes(), b"begins");
            let seen = wait(&ours, PEER_OVER).unwrap();
            assert!(seen.contains(Signals::SOCKET_READABLE));
            assert_eq!(ours.write(b"x"), Err(Status::BAD_STATE));
            let all = ours.info().unwrap().rx_buf_size;
            let mut got = 0;
            let end = loop {
                match read_some(&ours, 100) {
                    Ok(bytes) => got += bytes.len(),
                    Err(status) => break status,
                }
            };
            assert_eq!((end, got), (Status::BAD_STATE, all));
            assert_eq!(next(&channel).bytes(), b"ended");
            drop(channel);
            join(child);
        }
    });
}
