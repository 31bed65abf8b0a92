//! Operations of sockets.

use super::{ALL, HostileOperation, Turn};
use jacinth_shm::{
    HandleValue, MAX_CONTROL_BYTES, ObjectClass, Result, Rights, Shutdown, Signals, SocketOptions, Taking,
    Thread, Threshold, WaitItem,
};

/// The operations of sockets.
pub const OPERATIONS: &[HostileOperation] = &[
    create,
    write,
    write,
    write_many,
    read,
    read,
    read_all,
    write_control,
    read_control,
    shut_down,
    info,
    set_threshold,
    share,
    accept,
    duplicate,
    wait,
];

const NONE: Rights = Rights::empty();

/// A socket of the process: mostly one that it has, if it has one.
fn socket(turn: &mut Turn<'_>) -> HandleValue {
    turn.of_class(ObjectClass::Socket)
}

fn create(turn: &mut Turn<'_>) -> Result<()> {
    let options = SocketOptions::from_bits_truncate(turn.choices.word() as u8);
    let (one, other) = turn.thread.socket_create(options, ALL)?;
    turn.hands.values.extend([one, other]);
    Ok(())
}

fn write(turn: &mut Turn<'_>) -> Result<()> {
    let socket = socket(turn);
    turn.thread.socket_write(socket, NONE, &turn.bytes).map(drop)
}

/// A few bytes at a time, until there is no room: at a shared end as many items as there can be.
fn write_many(turn: &mut Turn<'_>) -> Result<()> {
    let (socket, len) = (socket(turn), [1, 100, 3000][turn.choices.below(3)]);
    for _ in 0..100 {
        turn.thread.socket_write(socket, NONE, &vec![2; len])?;
    }
    Ok(())
}

fn taking(turn: &mut Turn<'_>) -> Taking {
    [Taking::Consume, Taking::Peek][turn.choices.below(2)]
}

fn read(turn: &mut Turn<'_>) -> Result<()> {
    let (socket, taking) = (socket(turn), taking(turn));
    let mut buffer = vec![0; turn.bytes.len()];
    turn.thread.socket_read_bytes(socket, NONE, taking, &mut buffer).map(drop)
}

/// Empties a socket. Damage may make up bytes, so not without a limit.
fn read_all(turn: &mut Turn<'_>) -> Result<()> {
    let (socket, mut buffer) = (socket(turn), [0; 1000]);
    for _ in 0..2000 {
        turn.thread.socket_read_bytes(socket, NONE, Taking::Consume, &mut buffer)?;
    }
    Ok(())
}

fn write_control(turn: &mut Turn<'_>) -> Result<()> {
    let socket = socket(turn);
    let len = turn.bytes.len().min(MAX_CONTROL_BYTES + 1);
    turn.thread.socket_write_control(socket, NONE, &turn.bytes[..len])
}

fn read_control(turn: &mut Turn<'_>) -> Result<()> {
    let (socket, taking) = (socket(turn), taking(turn));
    let mut buffer = [0; MAX_CONTROL_BYTES];
    turn.thread.socket_read_control_bytes(socket, NONE, taking, &mut buffer).map(drop)
}

/// Seldom: afterwards the socket is of little use.
fn shut_down(turn: &mut Turn<'_>) -> Result<()> {
    let socket = socket(turn);
    let how = Shutdown::from_bits_truncate(turn.choices.below(16) as u8);
    if turn.choices.below(4) == 0 { turn.thread.socket_shutdown(socket, NONE, how) } else { Ok(()) }
}

fn info(turn: &mut Turn<'_>) -> Result<()> {
    let socket = socket(turn);
    turn.thread.socket_info(socket, NONE).map(drop)
}

fn set_threshold(turn: &mut Turn<'_>) -> Result<()> {
    let (socket, threshold) = (socket(turn), [Threshold::Read, Threshold::Write][turn.choices.below(2)]);
    turn.thread.socket_threshold(socket, NONE, threshold)?;
    turn.thread.socket_set_threshold(socket, NONE, threshold, turn.bytes.len())
}

fn share(turn: &mut Turn<'_>) -> Result<()> {
    let (socket, shared) = (socket(turn), socket(turn));
    turn.thread.socket_share(socket, NONE, shared, NONE)
}

fn accept(turn: &mut Turn<'_>) -> Result<()> {
    let socket = socket(turn);
    let accepted = turn.thread.socket_accept(socket, NONE)?;
    turn.hands.values.push(accepted.value);
    Ok(())
}

/// Its end is shared from then on.
fn duplicate(turn: &mut Turn<'_>) -> Result<()> {
    let socket = socket(turn);
    let value = turn.thread.duplicate(turn.thread.lookup(socket)?, ALL)?;
    turn.hands.values.push(value);
    Ok(())
}

/// For any of the signals of sockets.
fn wait(turn: &mut Turn<'_>) -> Result<()> {
    let waitfor = Signals::from_bits_retain(1 << turn.choices.below(12));
    let mut items = [WaitItem { handle: socket(turn), waitfor, pending: Signals::empty() }];
    turn.thread.set_spin_ns(turn.choices.below(10_000) as i64);
    turn.thread.wait_many(&mut items, NONE, turn.deadline_ns)
}

/// Sockets of all kinds, with bytes and a control message unread in both directions, and a socket in a queue.
pub fn busy(thread: &Thread) -> Result<Vec<HandleValue>> {
    let mut values = Vec::new();
    for bits in 0..8 {
        let options = SocketOptions::from_bits_truncate(bits);
        let (one, other) = thread.socket_create(options, ALL)?;
        values.extend([one, other]);
        if bits % 4 < 2 {
            values.push(thread.duplicate(thread.lookup(one)?, ALL)?);
        }
        for end in [one, other] {
            // In a socket of ends with one owner the ring has grown.
            for len in [5, if bits == 0 { 4096 } else { 70 }, 1] {
                thread.socket_write(end, NONE, &vec![1; len])?;
            }
            if options.contains(SocketOptions::HAS_CONTROL) {
                thread.socket_write_control(end, NONE, &[3; 200])?;
            }
        }
        if options.contains(SocketOptions::HAS_ACCEPT) {
            let (shared, kept) = thread.socket_create(SocketOptions::empty(), ALL)?;
            thread.socket_share(one, NONE, shared, NONE)?;
            values.push(kept);
        }
    }
    Ok(values)
}
