//! The operations on sockets: streams of records, datagrams, messages of the control plane, sockets that are shared and
//! accepted.

use crate::soak::worker::contents::{RECORD_BYTES, assert_records, assert_whole, compose, records};
use fastrand::Rng;
use jacinth::*;

/// The largest datagram, and the most bytes of a read.
const MOST_BYTES: usize = 9000 / RECORD_BYTES * RECORD_BYTES;
/// The most records of a large write: some fill the socket.
const MANY_RECORDS: usize = 100_000 / RECORD_BYTES;
const MOST_CONTROL_BYTES: usize = 1024;

/// The sockets of a worker.
#[derive(Default)]
pub struct Sockets {
    ends: Vec<End>,
}

struct End {
    socket: Socket,
    has_datagrams: bool,
}

impl Sockets {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Socket> {
        self.ends.iter().map(|end| &end.socket)
    }

    /// One of them.
    pub fn any(&self, random: &mut Rng) -> Option<&Socket> {
        random.choice(&self.ends).map(|end| &end.socket)
    }

    /// Takes one of them out.
    pub fn take(&mut self, random: &mut Rng) -> Option<Socket> {
        let index = self.any_index(random)?;
        Some(self.ends.swap_remove(index).socket)
    }

    /// Adds one.
    pub fn keep(&mut self, socket: Socket) {
        let options = socket.info().expect("a socket has its options").options;
        self.ends.push(End { socket, has_datagrams: options.contains(SocketOpts::DATAGRAM) });
    }

    /// Makes a socket.
    pub fn create(&mut self, random: &mut Rng) -> Result<(), Status> {
        let options = [SocketOpts::DATAGRAM, SocketOpts::HAS_CONTROL, SocketOpts::HAS_ACCEPT];
        let options = options.into_iter().filter(|_| random.bool()).collect();
        let (one, other) = Socket::create(options)?;
        self.keep(one);
        self.keep(other);
        Ok(())
    }

    /// Makes a second handle, so that the end is shared.
    pub fn duplicate(&mut self, random: &mut Rng) -> Result<(), Status> {
        if let Some(socket) = self.any(random) {
            let socket = socket.duplicate(Rights::SAME_RIGHTS)?;
            self.keep(socket);
        }
        Ok(())
    }

    /// Performs one operation.
    pub fn step(&mut self, random: &mut Rng) -> Result<(), Status> {
        let Some(index) = self.any_index(random) else { return Ok(()) };
        let end = &self.ends[index];
        let result = match random.u8(0..24) {
            0..8 => end.write(random),
            8..17 => end.read(random),
            17 => end.write_control(random),
            18 => end.read_control(),
            19 => end.shut_down(random),
            20..22 => self.share(index, random),
            _ => end.socket.accept().map(|accepted| self.keep(accepted)),
        };
        match result {
            // A direction was shut down, or the socket has no control plane, or the socket cannot be shared.
            Err(Status::BAD_STATE) => Ok(()),
            Err(Status::PEER_CLOSED) if random.bool() && index < self.ends.len() => {
                drop(self.ends.swap_remove(index));
                Ok(())
            }
            result => result,
        }
    }

    fn any_index(&self, random: &mut Rng) -> Option<usize> {
        (!self.ends.is_empty()).then(|| random.usize(0..self.ends.len()))
    }

    fn share(&mut self, over: usize, random: &mut Rng) -> Result<(), Status> {
        let Some(index) = self.any_index(random).filter(|index| *index != over) else { return Ok(()) };
        let shared = self.ends.swap_remove(index);
        // The last one may have moved.
        let over = if over == self.ends.len() { index } else { over };
        let result = self.ends[over].socket.try_share(shared.socket);
        result.map_err(|(status, socket)| {
            self.ends.push(End { socket, ..shared });
            status
        })
    }
}

impl End {
    fn write(&self, random: &mut Rng) -> Result<(), Status> {
        let is_large = random.u8(0..10) == 0;
        let (bytes, least) = if self.has_datagrams {
            let len = random.usize(8..if is_large { MOST_BYTES } else { 200 });
            let datagram = compose(len, 0, random.u8(..));
            let len = datagram.len();
            (datagram, len)
        } else {
            let count = random.usize(1..if is_large { MANY_RECORDS } else { 40 });
            (records(count, random.u64(..)), RECORD_BYTES)
        };
        let written = self.socket.write(&bytes)?;
        assert!((least..=bytes.len()).contains(&written), "{written} of {} bytes were written", bytes.len());
        assert!(self.has_datagrams || written.is_multiple_of(RECORD_BYTES), "{written} bytes were written");
        Ok(())
    }

    fn read(&self, random: &mut Rng) -> Result<(), Status> {
        let is_peek = random.u8(0..8) == 0;
        let options = if is_peek { SocketReadOpts::PEEK } else { SocketReadOpts::empty() };
        let most = if self.has_datagrams || random.u8(0..4) == 0 {
            MOST_BYTES
        } else {
            random.usize(1..60) * RECORD_BYTES
        };
        let mut bytes = vec![0; most];
        let read = self.socket.read_opts(&mut bytes, options)?;
        if self.has_datagrams {
            assert_whole(&bytes[..read], 0);
        } else {
            assert_records(&bytes[..read]);
        }
        Ok(())
    }

    fn write_control(&self, random: &mut Rng) -> Result<(), Status> {
        let message = compose(random.usize(8..=MOST_CONTROL_BYTES), 0, random.u8(..));
        self.socket.write_opts(&message, SocketWriteOpts::CONTROL).map(drop)
    }

    fn read_control(&self) -> Result<(), Status> {
        let mut bytes = [0; MOST_CONTROL_BYTES];
        let read = self.socket.read_opts(&mut bytes, SocketReadOpts::CONTROL)?;
        assert_whole(&bytes[..read], 0);
        Ok(())
    }

    /// Rarely: a socket is of little use afterwards.
    fn shut_down(&self, random: &mut Rng) -> Result<(), Status> {
        if random.u8(0..4) > 0 {
            return Ok(());
        }
        self.socket.shutdown(if random.bool() { SocketShutdown::WRITE } else { SocketShutdown::READ })
    }
}
