//! Sockets of one process: order at any kind of end, datagrams, the control plane, shutdown, thresholds, damage.

use super::*;
use crate::arena::config::Config;
use crate::arena::word::handle::HandleValue;
use crate::arena::word::stream::item::ItemWord;
use crate::object::port::observe::AsyncWait;
use crate::object::socket::control::MAX_CONTROL_BYTES;
use crate::object::socket::info::Threshold;
use crate::object::stream::read::Taking;
use std::sync::Arc;

const NONE: Rights = Rights::empty();
const STREAM: SocketOptions = SocketOptions::empty();
/// The block of the places for items.
const PLACES_BYTES: usize = 1024 * size_of::<u64>();

fn thread() -> Thread {
    let config = Config { max_objects: 8, max_processes: 1, pool_bytes: 4 << 20, ..Config::default() };
    Thread::join(&process(&config)).unwrap()
}

fn process(config: &Config) -> Arc<Process> {
    Process::alone(config)
}

fn create(thread: &Thread, options: SocketOptions) -> (HandleValue, HandleValue) {
    thread.socket_create(options, Rights::all()).unwrap()
}

fn share(thread: &Thread, value: HandleValue) {
    let other = thread.duplicate(thread.lookup(value).unwrap(), Rights::all()).unwrap();
    thread.close(thread.lookup(other).unwrap()).unwrap();
}

fn take(thread: &Thread, socket: HandleValue, taking: Taking, most: usize) -> Result<Vec<u8>> {
    let mut out = vec![0; most];
    let many = thread.socket_read_bytes(socket, NONE, taking, &mut out)?;
    out.truncate(many);
    Ok(out)
}

fn read(thread: &Thread, socket: HandleValue, most: usize) -> Result<Vec<u8>> {
    take(thread, socket, Taking::Consume, most)
}

fn signals(thread: &Thread, socket: HandleValue) -> Signals {
    thread.signals(thread.lookup(socket).unwrap()).unwrap()
}

fn assert_clean(thread: &Thread) {
    let audit = thread.arena().audit();
    assert!(audit.is_clean(), "{audit}");
}

fn close_all(thread: &Thread, sockets: [HandleValue; 2]) {
    for value in sockets {
        thread.close(thread.lookup(value).unwrap()).unwrap();
    }
    thread.collect().unwrap();
    assert_clean(thread);
    assert_eq!(thread.arena().audit().blocks, 0);
}

/// Sizes up to the whole buffer: rings grow, and items of shared ends are of all sizes.
#[test]
fn bytes_come_in_order_at_any_end() {
    for shared in [[false, false], [true, false], [false, true], [true, true]] {
        let thread = thread();
        let (near, far) = create(&thread, STREAM);
        for (value, is_shared) in [near, far].into_iter().zip(shared) {
            if is_shared {
                share(&thread, value);
            }
        }
        let (mut sent, mut got) = (0_usize, 0_usize);
        let byte = |position: usize| (position % 251) as u8;
        for round in 0..400 {
            let len = [1, 7, 4096, 300, 60_000, 5000, 2, 100_000][round % 8];
            let bytes: Vec<u8> = (sent..sent + len).map(byte).collect();
            match thread.socket_write(near, NONE, &bytes) {
                Ok(many) => sent += many,
                Err(error) => assert_eq!((error, sent - got), (Error::ShouldWait, MAX_SOCKET_BYTES)),
            }
            if round % 40 == 0 {
                assert_clean(&thread);
            }
            let peeked = take(&thread, far, Taking::Peek, 500).unwrap();
            let some = read(&thread, far, [3, 50_000, 9, 70_000][round / 2 % 4]).unwrap();
            assert!(some.iter().enumerate().all(|(at, &it)| it == byte(got + at)), "{shared:?} {round}");
            let both = peeked.len().min(some.len());
            assert_eq!(peeked[..both], some[..both]);
            got += some.len();
        }
        assert!(sent > 500_000, "{sent}");
        close_all(&thread, [near, far]);
    }
}

#[test]
fn a_full_socket_takes_no_byte() {
    for is_shared in [false, true] {
        let thread = thread();
        let (near, far) = create(&thread, STREAM);
        if is_shared {
            share(&thread, near);
        }
        let much = vec![7; MAX_SOCKET_BYTES + 1];
        assert_eq!(thread.socket_write(near, NONE, &much), Ok(MAX_SOCKET_BYTES));
        assert!(!signals(&thread, near).contains(Signals::WRITABLE));
        assert_eq!(thread.socket_write(near, NONE, &much), Err(Error::ShouldWait));
        assert_eq!(read(&thread, far, 10), Ok(vec![7; 10]));
        assert!(signals(&thread, near).contains(Signals::WRITABLE));
        assert_eq!(thread.socket_write(near, NONE, &much), Ok(10));
        let info = thread.socket_info(near, NONE).unwrap();
        assert_eq!(
            (info.tx_buf_size, info.tx_buf_max, info.rx_buf_size),
            (MAX_SOCKET_BYTES, MAX_SOCKET_BYTES, 0)
        );
        close_all(&thread, [near, far]);
    }
}

/// A reader that is slow keeps a ring for each step of its growth; a socket that is read in time keeps the first.
#[test]
fn little_traffic_keeps_a_small_ring() {
    let thread = thread();
    let (near, far) = create(&thread, STREAM);
    for _ in 0..1000 {
        assert_eq!(thread.socket_write(near, NONE, &[1; 1000]), Ok(1000));
        assert_eq!(read(&thread, far, 1000).map(|some| some.len()), Ok(1000));
    }
    let blocks: Vec<_> =
        remains::blocks(thread.arena(), thread.lookup(near).unwrap().entry.object()).unwrap();
    assert_eq!(blocks.iter().map(|block| block.bytes()).collect::<Vec<_>>(), [4096]);
    close_all(&thread, [near, far]);
}

/// The ring that was too short is freed once it is read, and the larger one stays.
#[test]
fn a_ring_grows_to_the_capacity() {
    let thread = thread();
    let (near, far) = create(&thread, STREAM);
    let side = thread.lookup(near).unwrap().entry.object();
    let rings = || -> Vec<usize> {
        let blocks = remains::blocks(thread.arena(), side).unwrap();
        blocks.iter().map(|block| block.bytes()).filter(|bytes| *bytes != PLACES_BYTES).collect()
    };
    for round in 0..3 {
        assert_eq!(thread.socket_write(near, NONE, &[1]), Ok(1), "{round}");
        let much = vec![2; MAX_SOCKET_BYTES];
        assert_eq!(thread.socket_write(near, NONE, &much), Ok(MAX_SOCKET_BYTES - 1));
        assert_eq!(rings().len(), if round == 0 { 2 } else { 1 });
        let mut all = vec![1];
        all.resize(MAX_SOCKET_BYTES, 2);
        assert!(read(&thread, far, MAX_SOCKET_BYTES) == Ok(all), "{round}");
        assert_eq!(rings(), [MAX_SOCKET_BYTES.next_power_of_two()]);
    }
    close_all(&thread, [near, far]);
}

#[test]
fn datagrams_are_read_whole() {
    let thread = thread();
    let (near, far) = create(&thread, SocketOptions::DATAGRAM);
    assert_eq!(thread.socket_write(near, NONE, b"first"), Ok(5));
    assert_eq!(thread.socket_write(near, NONE, b""), Ok(0));
    assert_eq!(thread.socket_write(near, NONE, b"the second"), Ok(10));
    assert_eq!(thread.socket_write(near, NONE, b"3"), Ok(1));
    let info = thread.socket_info(far, NONE).unwrap();
    assert_eq!((info.rx_buf_size, info.rx_buf_available, info.options), (16, 5, SocketOptions::DATAGRAM));
    assert_eq!(take(&thread, far, Taking::Peek, 100).unwrap(), b"first");
    assert_eq!(read(&thread, far, 100).unwrap(), b"first");
    // What does not fit is discarded.
    assert_eq!(read(&thread, far, 3).unwrap(), b"the");
    // As in Zircon, a read of no bytes takes no datagram.
    assert_eq!(read(&thread, far, 0).unwrap(), b"");
    assert_eq!(read(&thread, far, 9).unwrap(), b"3");
    assert_eq!(read(&thread, far, 9), Err(Error::ShouldWait));
    let much = vec![0; MAX_SOCKET_BYTES + 1];
    assert!(matches!(thread.socket_write(near, NONE, &much), Err(Error::OutOfRange { .. })));
    assert_eq!(thread.socket_write(near, NONE, &much[2..]), Ok(MAX_SOCKET_BYTES - 1));
    assert_eq!(thread.socket_write(near, NONE, b"no"), Err(Error::ShouldWait));
    assert_eq!(thread.socket_write(near, NONE, b"1"), Ok(1));
    assert_clean(&thread);
    close_all(&thread, [near, far]);
}

/// The places are used up before the bytes are.
#[test]
fn unread_writes_are_limited() {
    let thread = thread();
    let (near, far) = create(&thread, SocketOptions::DATAGRAM);
    let mut many = 0_u16;
    while signals(&thread, near).contains(Signals::WRITABLE) {
        assert_eq!(thread.socket_write(near, NONE, &many.to_ne_bytes()), Ok(2));
        many += 1;
    }
    // The first item of all has a place beside the others.
    assert_eq!(many, 1025);
    assert_eq!(thread.socket_write(near, NONE, b"no"), Err(Error::ShouldWait));
    assert_eq!(read(&thread, far, 2).unwrap(), 0_u16.to_ne_bytes());
    for round in 1..3000_u16 {
        assert_eq!(read(&thread, far, 2).unwrap(), round.to_ne_bytes());
        assert!(signals(&thread, near).contains(Signals::WRITABLE));
        assert_eq!(thread.socket_write(near, NONE, &many.to_ne_bytes()), Ok(2));
        many += 1;
    }
    assert_clean(&thread);
    close_all(&thread, [near, far]);
}

#[test]
fn control_messages_pass_the_data() {
    let thread = thread();
    let (near, far) = create(&thread, SocketOptions::HAS_CONTROL);
    let mut out = [0; 2000];
    assert_eq!(thread.socket_write(near, NONE, b"data"), Ok(4));
    assert_eq!(
        thread.socket_read_control_bytes(far, NONE, Taking::Consume, &mut out),
        Err(Error::ShouldWait)
    );
    assert!(matches!(thread.socket_write_control(near, NONE, b""), Err(Error::InvalidArgs(_))));
    let much = [5; MAX_CONTROL_BYTES + 1];
    assert!(matches!(thread.socket_write_control(near, NONE, &much), Err(Error::OutOfRange { .. })));
    assert!(signals(&thread, near).contains(Signals::CONTROL_WRITABLE));
    assert_eq!(thread.socket_write_control(near, NONE, &much[1..]), Ok(()));
    assert!(!signals(&thread, near).contains(Signals::CONTROL_WRITABLE));
    assert!(signals(&thread, far).contains(Signals::CONTROL_READABLE | Signals::CONTROL_WRITABLE));
    assert_eq!(thread.socket_write_control(near, NONE, b"x"), Err(Error::ShouldWait));
    assert_clean(&thread);
    assert_eq!(thread.socket_read_control_bytes(far, NONE, Taking::Peek, &mut out), Ok(MAX_CONTROL_BYTES));
    assert_eq!(thread.socket_read_control_bytes(far, NONE, Taking::Consume, &mut out[..3]), Ok(3));
    assert_eq!(out[..3], [5; 3]);
    assert!(!signals(&thread, far).contains(Signals::CONTROL_READABLE));
    assert_eq!(thread.socket_write_control(near, NONE, b"x"), Ok(()));
    assert_eq!(read(&thread, far, 9).unwrap(), b"data");
    thread.close(thread.lookup(near).unwrap()).unwrap();
    assert_eq!(thread.socket_write_control(far, NONE, b"x"), Err(Error::PeerClosed));
    assert_eq!(thread.socket_read_control_bytes(far, NONE, Taking::Consume, &mut out), Ok(1));
    let (plain, _peer) = create(&thread, STREAM);
    assert!(matches!(thread.socket_write_control(plain, NONE, b"x"), Err(Error::BadState(_))));
}

#[test]
fn shutdown_ends_one_direction() {
    for (options, is_shared) in [(STREAM, false), (STREAM, true), (SocketOptions::DATAGRAM, true)] {
        for (by_writer, how) in [(true, Shutdown::WRITE), (false, Shutdown::READ)] {
            let thread = thread();
            let (near, far) = create(&thread, options);
            if is_shared {
                share(&thread, near);
                share(&thread, far);
            }
            thread.socket_write(near, NONE, b"last").unwrap();
            for _ in 0..2 {
                thread.socket_shutdown(if by_writer { near } else { far }, NONE, how).unwrap();
            }
            let [ours, theirs] = [near, far].map(|value| signals(&thread, value));
            assert!(ours.contains(Signals::WRITE_DISABLED) && !ours.intersects(Signals::WRITABLE));
            assert!(theirs.contains(Signals::PEER_WRITE_DISABLED | Signals::WRITABLE | Signals::READABLE));
            assert!(matches!(thread.socket_write(near, NONE, b"x"), Err(Error::BadState(_))));
            assert_eq!(read(&thread, far, 9).unwrap(), b"last");
            assert!(matches!(read(&thread, far, 9), Err(Error::BadState(_))));
            assert!(matches!(read(&thread, far, 0), Err(Error::BadState(_))));
            assert_eq!(thread.socket_write(far, NONE, b"other way"), Ok(9));
            assert_eq!(read(&thread, near, 9).unwrap(), b"other way");
            thread.close(thread.lookup(near).unwrap()).unwrap();
            assert_eq!(read(&thread, far, 9), Err(Error::PeerClosed));
            assert_clean(&thread);
        }
    }
}

#[test]
fn thresholds_follow_the_buffers() {
    let thread = thread();
    let (near, far) = create(&thread, STREAM);
    let set = |socket, threshold, bytes| thread.socket_set_threshold(socket, NONE, threshold, bytes);
    assert!(matches!(set(far, Threshold::Read, MAX_SOCKET_BYTES + 1), Err(Error::InvalidArgs(_))));
    set(far, Threshold::Read, 10).unwrap();
    set(near, Threshold::Write, MAX_SOCKET_BYTES - 12).unwrap();
    assert_eq!(thread.socket_threshold(far, NONE, Threshold::Read), Ok(10));
    assert!(signals(&thread, near).contains(Signals::WRITE_THRESHOLD));
    thread.socket_write(near, NONE, b"123456789").unwrap();
    assert!(!signals(&thread, far).contains(Signals::READ_THRESHOLD));
    thread.socket_write(near, NONE, b"0123").unwrap();
    assert!(signals(&thread, far).contains(Signals::READ_THRESHOLD));
    assert!(!signals(&thread, near).contains(Signals::WRITE_THRESHOLD));
    read(&thread, far, 4).unwrap();
    assert!(!signals(&thread, far).contains(Signals::READ_THRESHOLD));
    assert!(signals(&thread, near).contains(Signals::WRITE_THRESHOLD));
    set(near, Threshold::Write, 0).unwrap();
    assert!(!signals(&thread, near).contains(Signals::WRITE_THRESHOLD));
    close_all(&thread, [near, far]);
}

/// A repeating observer follows other marks once a threshold was set, and keeps to them when the threshold is turned off.
#[test]
fn observers_outlive_the_thresholds() {
    let thread = thread();
    let (near, far) = create(&thread, STREAM);
    let port = thread.create(ObjectClass::Port, Rights::all()).unwrap().0;
    let found = |value| thread.lookup(value).unwrap();
    let waits = || thread.port_wait(port, NONE, 0).is_ok();
    let wait = AsyncWait { key: 1, trigger: Signals::READABLE, is_repeating: true };
    thread.wait_async(found(far), found(port), wait).unwrap();
    for bytes in [9, 0, 9, 0] {
        thread.socket_set_threshold(far, NONE, Threshold::Read, bytes).unwrap();
        while waits() {}
        thread.socket_write(near, NONE, b"x").unwrap();
        assert!(waits(), "{bytes}");
        assert_eq!(read(&thread, far, 9).unwrap(), b"x");
    }
    assert_clean(&thread);
}

/// As of a block that another thread has read, and that is another stream's since: the reader finds out, and retries.
#[test]
fn control_message_fits_its_block() {
    let thread = thread();
    let (near, far) = create(&thread, SocketOptions::HAS_CONTROL);
    thread.socket_write_control(near, NONE, b"short").unwrap();
    let writer = thread.lookup(near).unwrap().entry.object();
    let words = StreamWords::of(thread.arena().direction(writer).unwrap());
    let block = ItemWord(words.control().load(Relaxed)).block().unwrap();
    assert!(block.bytes() < MAX_CONTROL_BYTES);
    for len in [5000, u64::MAX] {
        thread.arena().descriptor(block).unwrap().link.store(len, Relaxed);
        let mut out = [0; MAX_CONTROL_BYTES];
        let read = thread.socket_read_control_bytes(far, NONE, Taking::Peek, &mut out);
        assert_eq!((read, &out[..5]), (Ok(block.bytes()), &b"short"[..]));
    }
    thread.socket_read_control_bytes(far, NONE, Taking::Consume, &mut [0; 5]).unwrap();
    close_all(&thread, [near, far]);
}

/// Both have streams and private halves, and are not each other.
#[test]
fn a_socket_is_no_fifo() {
    let thread = thread();
    let (socket, _far) = create(&thread, STREAM);
    let (fifo, _other) = thread.fifo_create(4, 1, Rights::all()).unwrap();
    let need = Rights::all();
    let weak = thread.duplicate(thread.lookup(fifo).unwrap(), NONE).unwrap();
    for fifo in [fifo, weak] {
        assert_eq!(thread.socket_write(fifo, need, b"x"), Err(Error::WrongType));
        assert_eq!(thread.socket_read_bytes(fifo, need, Taking::Consume, &mut [0]), Err(Error::WrongType));
        assert_eq!(thread.socket_info(fifo, need).err(), Some(Error::WrongType));
    }
    let bare = thread.replace(thread.lookup(socket).unwrap(), NONE).unwrap();
    assert_eq!(thread.fifo_write(bare, need, 1, b"x"), Err(Error::WrongType));
    assert_eq!(thread.fifo_read_bytes(bare, need, 1, &mut [0]), Err(Error::WrongType));
    assert!(matches!(thread.socket_write(bare, need, b"x"), Err(Error::AccessDenied { .. })));
}

#[test]
fn damaged_position_is_an_error() {
    for (options, is_shared) in [(STREAM, false), (STREAM, true), (SocketOptions::DATAGRAM, true)] {
        let thread = thread();
        let (near, far) = create(&thread, options);
        thread.socket_write(near, NONE, b"before").unwrap();
        if is_shared {
            share(&thread, near);
        }
        // Its new private half has seen no position.
        let near = thread.replace(thread.lookup(near).unwrap(), Rights::all()).unwrap();
        let writer = thread.lookup(near).unwrap().entry.object();
        let words = StreamWords::of(thread.arena().direction(writer).unwrap());
        for word in [words.end(), words.control(), words.tail(), words.head(), words.passed(), words.items()]
        {
            word.store(u64::MAX, Relaxed);
            // No more than that they end.
            let _ = (thread.socket_write(near, NONE, b"ab"), read(&thread, far, 4), signals(&thread, far));
            let _ = thread.socket_shutdown(near, NONE, Shutdown::all());
        }
    }
}
