//! This process's line to its supervisor. Kept open for as long as the process is attached: the line's end is one of
//! the two signs by which the supervisor knows an exec.
//!
//! When the supervisor's process dies, another takes its place, and the line is renewed (see `succession`). Every
//! question means the same when it is asked twice, so whoever was waiting for an answer asks the next one.

use crate::membership::failure_detector::process;
use crate::membership::poll::wait_for;
use crate::membership::protocol::{Answer, PACKET_BYTES};
use crate::membership::socket::path::{Address, Reach};
use crate::membership::socket::rendezvous;
use jacinth_shm::{self as shm, Held};
use rustix::event::{PollFd, PollFlags};
use rustix::net::{
    self, AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, Shutdown, SocketAddrUnix, SocketFlags, SocketType, sockopt::Timeout,
};
use rustix::process::Pid;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub(crate) use crate::membership::protocol::Request;

/// How long a question waits for the next supervisor once the last one is gone. It takes milliseconds, unless the
/// dead process had a great deal of memory.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long the supervisor may take for an answer, in nanoseconds.
static ANSWER_TIME_NS: AtomicU64 = AtomicU64::new(10_000_000_000);

/// How long a question waits for its answer.
pub(crate) fn answer_time() -> Duration {
    Duration::from_nanos(ANSWER_TIME_NS.load(Ordering::Relaxed))
}

pub(crate) fn set_answer_time(at_most: Duration) {
    ANSWER_TIME_NS.store(u64::try_from(at_most.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
}

/// How long a question waits for this process's other thread to renew the line, before it does so itself.
const RENEWAL_TIME: Duration = Duration::from_millis(20);

/// How long a supervisor may take to make room for one more who wants to connect.
const CONNECT_TIME: Duration = Duration::from_secs(5);

/// An answer, and the descriptor that came with it.
pub(crate) type Answered = (Answer, Option<OwnedFd>);

/// A connected socket.
#[derive(Clone)]
pub(crate) struct Line(Arc<Held>);

impl Line {
    /// To whoever listens at the path.
    pub(crate) fn to(address: &Address) -> io::Result<Self> {
        Self::connect(&Reach::of(address.path())?.address)
    }

    /// To the process that leads, which an attached one finds by the arena, or by the path.
    pub(crate) fn to_leader(arena: &shm::Arena, address: &Address) -> io::Result<Self> {
        let leader = arena.leader();
        let line = rendezvous::place(arena, leader).and_then(|place| Self::connect(&place));
        let line = line.or_else(|error| Self::to(address).map_err(|_| error))?;
        let (listener, _) = process::peer_of(&line.socket()?)?;
        let occupant = leader.seat().and_then(|seat| arena.occupant(seat).ok().flatten());
        let leading = occupant.and_then(|occupant| Pid::from_raw(occupant.pid.cast_signed()));
        match listener {
            Some(listener) if leading == Some(listener) => Ok(line),
            Some(listener) => Err(io::Error::other(format!("process {listener} listens, and does not lead"))),
            None => Err(io::Error::other("a process of another PID namespace listens")),
        }
    }

    /// A process's line to the supervisor that it runs itself, and the supervisor's end of it.
    pub(crate) fn pair() -> io::Result<(Self, OwnedFd)> {
        let flags = SocketFlags::CLOEXEC;
        let (near, far) = net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        Ok((Self(Arc::new(Held::new(near)?)), far))
    }

    fn connect(to: &SocketAddrUnix) -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC;
        let socket = net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        // A dead supervisor's forked child may hold a socket open at which nobody will ever accept.
        net::sockopt::set_socket_timeout(&socket, Timeout::Send, Some(CONNECT_TIME))?;
        net::connect(&socket, to)?;
        Ok(Self(Arc::new(Held::new(socket)?)))
    }

    /// Whether whoever listens at the other end is of this PID namespace.
    pub(crate) fn shares_namespace(&self) -> bool {
        self.socket()
            .and_then(|socket| process::peer_of(&socket))
            .is_ok_and(|(pid, _)| process::shares_namespace_with(pid))
    }

    /// Asks, and waits for the answer, at most this long if it says so.
    pub(crate) fn ask(
        &self,
        request: Request,
        along: Option<BorrowedFd<'_>>,
        at_most: Option<Duration>,
    ) -> io::Result<Answered> {
        send_packet(self.socket()?, &request.to_packet(), along)?;
        if wait_for(&mut [PollFd::from_borrowed_fd(self.socket()?, PollFlags::IN)], at_most)? == 0 {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let mut packet = [0; PACKET_BYTES];
        let (len, file) = receive_packet(self.socket()?, &mut packet, RecvFlags::empty())?;
        let hung_up = || io::Error::new(io::ErrorKind::UnexpectedEof, "the supervisor hung up");
        Ok((Answer::from_packet(&packet[..len]).ok_or_else(hung_up)?, file))
    }

    /// The socket; an error if the program has closed it.
    fn socket(&self) -> io::Result<BorrowedFd<'_>> {
        let closed =
            || io::Error::new(io::ErrorKind::NotConnected, "this program has closed the library's socket");
        self.0.get().ok_or_else(closed)
    }

    /// The socket's number, to be watched for its end.
    pub(crate) fn number(&self) -> BorrowedFd<'_> {
        self.0.number()
    }

    /// Whether the program has left it alone.
    pub(crate) fn is_intact(&self) -> bool {
        self.0.is_intact()
    }

    /// Ends whatever waits for an answer on it.
    fn end(&self) {
        let _ = self.0.get().map(|socket| net::shutdown(socket, Shutdown::Both));
    }
}

/// The line to whoever is the supervisor; one question at a time.
pub(crate) struct Client {
    asking: Mutex<()>,
    line: Mutex<Line>,
    renewed: Condvar,
}

impl Client {
    pub(crate) fn new(line: Line) -> Self {
        Self { asking: Mutex::new(()), line: Mutex::new(line), renewed: Condvar::new() }
    }

    /// Asks whoever is the supervisor, or is next, to which `find` has a new line. A descriptor can go along, and one can come
    /// back.
    ///
    /// [`TimedOut`](io::ErrorKind::TimedOut) when it does not answer within [`answer_time`], also when `find` says so: the
    /// line may be down since the last question that had no answer.
    pub(crate) fn ask(
        &self,
        find: impl Fn() -> io::Result<Line>,
        request: Request,
        along: Option<BorrowedFd<'_>>,
    ) -> io::Result<Answered> {
        let _one_at_a_time = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        let end = Instant::now() + PATIENCE;
        loop {
            let line = self.line().clone();
            let error = match line.ask(request, along, Some(answer_time())) {
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    // A late answer is not to be taken for the next question's.
                    line.end();
                    return Err(error);
                }
                Err(error) => error,
                answered => return answered,
            };
            let is_same = |now: &mut Line| Arc::ptr_eq(&now.0, &line.0);
            let waited = self.renewed.wait_timeout_while(self.line(), RENEWAL_TIME, is_same);
            if !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out() {
                continue;
            }
            if Instant::now() > end {
                return Err(error);
            }
            // Nobody has died: the program may have closed the line, here or there.
            match find() {
                Ok(line) => self.renew(line),
                Err(error) if error.kind() == io::ErrorKind::TimedOut && is_same(&mut self.line()) => {
                    return Err(error);
                }
                Err(_) => {}
            }
        }
    }

    /// The supervisor is dead. A forked child of it may hold the other end open, so its end does not tell.
    pub(crate) fn hang_up(&self) {
        self.line().end();
    }

    /// The line to the next one. Whoever still waits at the last one asks here.
    pub(crate) fn renew(&self, line: Line) {
        std::mem::replace(&mut *self.line(), line).end();
        self.renewed.notify_all();
    }

    /// The line that is in use.
    pub(crate) fn line_in_use(&self) -> Line {
        self.line().clone()
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends one packet, with a descriptor if one goes along.
pub(crate) fn send_packet(
    socket: BorrowedFd<'_>,
    packet: &[u8],
    along: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let along = along.as_slice();
    if !along.is_empty() {
        ancillary.push(SendAncillaryMessage::ScmRights(along));
    }
    net::sendmsg(socket, &[IoSlice::new(packet)], &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Receives one packet, and the descriptor that came along. 0 bytes: the other side has hung up.
pub(crate) fn receive_packet(
    socket: BorrowedFd<'_>,
    packet: &mut [u8],
    flags: RecvFlags,
) -> io::Result<(usize, Option<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = loop {
        match net::recvmsg(
            socket,
            &mut [IoSliceMut::new(packet)],
            &mut ancillary,
            flags | RecvFlags::CMSG_CLOEXEC,
        ) {
            Err(rustix::io::Errno::INTR) => {}
            received => break received?,
        }
    };
    let mut file = None;
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(files) = message {
            file = files.into_iter().next();
        }
    }
    Ok((received.bytes, file))
}
