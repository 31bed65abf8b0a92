//! Asking a supervisor for admission.
//!
//! The request is repeated for a while, because some failures pass. When the supervisor's process has just died, another
//! process is about to take its place: then no process listens at the path, or the connection ends without an answer.
//! When a cleaner has removed the socket, the supervisor makes it again. In the meantime the supervisor looks for an
//! obstacle that keeps an expected program from attaching (`server::obstacle`).

use crate::attachment::error::AttachError;
use crate::membership::connection::{Answered, Connection};
use crate::membership::environment::SlotToken;
use crate::membership::protocol::Request;
use crate::membership::socket::path::SocketPath;
use crate::membership::system_limits;
use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

/// How long a new supervisor may take to listen, after the last one's death.
const FAILOVER_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a removed socket may take to come back. The supervisor looks about 100 ms after the removal.
const SOCKET_RETURN_TIMEOUT: Duration = Duration::from_secs(2);
/// How long an answer may take. After that the socket is taken for one that a dead supervisor's forked child inherited.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// The pause between two requests.
pub(crate) const RETRY_INTERVAL: Duration = Duration::from_millis(5);

/// Why a request for admission has no answer.
pub(crate) enum NotJoined {
    OtherNamespace,
    Failed(io::Error),
}

impl NotJoined {
    /// The error of the process that has asked at this path.
    pub(crate) fn at(self, socket_path: &SocketPath) -> AttachError {
        match self {
            Self::OtherNamespace => AttachError::OtherPidNamespace,
            Self::Failed(error) => AttachError::NoSupervisor {
                path: socket_path.as_path().into(),
                source: system_limits::with_limit_named(error),
            },
        }
    }
}

impl From<io::Error> for NotJoined {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

/// Asks the supervisor at this path for admission, to the slot of `token` if that was prepared; again and again while the
/// failure may pass.
pub(crate) fn request_to_join(
    socket_path: &SocketPath,
    token: Option<SlotToken>,
) -> Result<(Connection, Answered), NotJoined> {
    let start = Instant::now();
    loop {
        let refused = match ask_to_join(socket_path, token) {
            Err(NotJoined::Failed(refused)) => refused,
            asked => return asked,
        };
        let timeout = match refused.kind() {
            // A spawned program stays for a while, so that the supervisor sees its obstacle and can tell its spawner.
            ErrorKind::PermissionDenied if token.is_some() => Some(SOCKET_RETURN_TIMEOUT),
            kind => passes_within(kind),
        };
        if timeout.is_none_or(|timeout| start.elapsed() > timeout) {
            return Err(refused.into());
        }
        std::thread::sleep(RETRY_INTERVAL);
    }
}

/// Asks once. After a failure this process holds nothing at the path.
pub(crate) fn ask_to_join(
    socket_path: &SocketPath,
    token: Option<SlotToken>,
) -> Result<(Connection, Answered), NotJoined> {
    let connection = Connection::to(socket_path)?;
    if !connection.shares_namespace() {
        return Err(NotJoined::OtherNamespace);
    }
    // A forked child of a dead leader may have the socket. It never answers.
    if !connection.has_living_listener() {
        return Err(io::Error::from(ErrorKind::ConnectionRefused).into());
    }
    // Before the admission: if the leader dies just after it, the lock shows that the arena lives.
    if !socket_path.hold() {
        return Err(io::Error::from(ErrorKind::ResourceBusy).into());
    }
    let asked = connection.request(Request::Join { slot: token }, None, Some(ANSWER_TIMEOUT));
    // A process that only asks must not keep others from making an arena in place of a dead one.
    Ok((connection, asked.inspect_err(|_| socket_path.release())?))
}

/// Each kind of failure passes within its own time; `None` for one that does not pass.
pub(crate) fn passes_within(kind: ErrorKind) -> Option<Duration> {
    use ErrorKind::{
        BrokenPipe, ConnectionRefused, ConnectionReset, NotConnected, NotFound, ResourceBusy, TimedOut,
        UnexpectedEof, WouldBlock,
    };
    match kind {
        BrokenPipe | ConnectionRefused | ConnectionReset | NotConnected | ResourceBusy | UnexpectedEof => {
            Some(FAILOVER_TIMEOUT)
        }
        NotFound => Some(SOCKET_RETURN_TIMEOUT),
        // No answer, or the queue of waiting connections is full.
        TimedOut | WouldBlock => Some(2 * ANSWER_TIMEOUT),
        _ => None,
    }
}
