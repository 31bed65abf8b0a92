//! Bytes and datagrams of sockets that go to another process and come back.

use crate::endurance::meter::Meter;
use crate::endurance::peer::{Part, Peer, deadline, receive, send};
use anyhow::{Context as _, Result, ensure};
use jacinth::{Channel, MessageBuf, NullableHandle, Rights, Signals, Socket, SocketOpts, Status, Supervisor};

/// How many writes are on their way before the first of them is awaited.
const WINDOW: usize = 16;
/// The bytes of a write.
const WRITE_BYTES: usize = 64;
/// The bytes of all that are on their way.
const WINDOW_BYTES: usize = WINDOW * WRITE_BYTES;

/// The bytes go through the socket's rings.
pub fn owned(supervisor: &Supervisor, meter: &mut Meter<'_>) -> Result<()> {
    there_and_back(supervisor, meter, SocketOpts::STREAM, |_| Ok(()))
}

/// Both ends have had a second handle, so each write takes a block of memory, which the other process frees.
pub fn shared(supervisor: &Supervisor, meter: &mut Meter<'_>) -> Result<()> {
    there_and_back(supervisor, meter, SocketOpts::STREAM, |socket| {
        drop(socket.duplicate(Rights::SAME_RIGHTS)?);
        Ok(())
    })
}

/// Each write is a datagram, with a block of its own.
pub fn datagrams(supervisor: &Supervisor, meter: &mut Meter<'_>) -> Result<()> {
    there_and_back(supervisor, meter, SocketOpts::DATAGRAM, |_| Ok(()))
}

fn there_and_back(
    supervisor: &Supervisor,
    meter: &mut Meter<'_>,
    options: SocketOpts,
    prepare: impl Fn(&Socket) -> Result<()>,
) -> Result<()> {
    let peer = Peer::spawn(supervisor, Part::EchoBytes, 0)?;
    meter.count_memory_of(vec![peer.id()]);
    let (ours, theirs) = Socket::create(options)?;
    prepare(&ours)?;
    prepare(&theirs)?;
    send(&peer.line, b"", &mut [NullableHandle::from(theirs)])?;
    let (mut next, mut came) = (0_u64, [0; WINDOW_BYTES]);
    while !meter.is_over() {
        meter.time(2 * WINDOW as u64, || {
            let first = next;
            for _ in 0..WINDOW {
                write_whole(&ours, &numbered(next))?;
                next += 1;
            }
            let mut read = 0;
            while read < WINDOW_BYTES {
                read += read_some(&ours, &mut came[read..])?.context("the other process is gone")?;
            }
            for (number, came) in (first..next).zip(came.chunks(WRITE_BYTES)) {
                ensure!(came == numbered(number), "write {number} came back as {came:?}");
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// The bytes of the write of this number.
fn numbered(number: u64) -> [u8; WRITE_BYTES] {
    let mut bytes = [0; WRITE_BYTES];
    for word in bytes.as_chunks_mut().0 {
        *word = number.to_ne_bytes();
    }
    bytes
}

/// There is room for all that are on their way.
fn write_whole(socket: &Socket, bytes: &[u8]) -> Result<()> {
    let written = socket.write(bytes).context("writing")?;
    ensure!(written == bytes.len(), "{written} of {} bytes were written", bytes.len());
    Ok(())
}

/// Reads bytes, or a datagram, once there are some. `None` when the other end is closed.
fn read_some(socket: &Socket, bytes: &mut [u8]) -> Result<Option<usize>> {
    loop {
        match socket.read(bytes) {
            Err(Status::SHOULD_WAIT) => {
                let wanted = Signals::SOCKET_READABLE | Signals::SOCKET_PEER_CLOSED;
                socket.wait_one(wanted, deadline()).to_result().context("waiting for bytes")?;
            }
            Err(Status::PEER_CLOSED) => return Ok(None),
            read => return Ok(Some(read?)),
        }
    }
}

/// The other process: writes back what each read gives.
pub fn echo(line: &Channel) -> Result<()> {
    let mut message = MessageBuf::new();
    ensure!(receive(line, &mut message)?, "no socket came");
    let socket = Socket::from(message.take_handle(0).context("a message without a socket")?);
    let mut bytes = [0; WINDOW_BYTES];
    while let Some(read) = read_some(&socket, &mut bytes)? {
        match socket.write(&bytes[..read]) {
            Err(Status::PEER_CLOSED) => return Ok(()),
            written => ensure!(written.context("writing back")? == read, "a write had no room"),
        }
    }
    Ok(())
}
