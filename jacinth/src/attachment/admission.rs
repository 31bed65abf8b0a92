//! Asking a supervisor for admission.
//!
//! The request is repeated for a while, because some failures pass. When the supervisor's process has just died, another
//! process is about to take its place: then no process listens at the path, or the connection ends without an answer.
//! When a cleaner has removed the socket, the supervisor makes it again. In the meantime the supervisor looks for an
//! obstacle that keeps an expected program from attaching (`server::obstacle`).

use crate::membership::connection::{Answered, Connection};
use crate::membership::protocol::Request;
use crate::membership::socket::path::SocketPath;
use jacinth_shm as shm;
use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

/// How long a new supervisor may take to listen, after the last one's death.
const FAILOVER_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a removed socket may take to come back. The supervisor looks about 100 ms after the removal.
const SOCKET_RETURN_TIMEOUT: Duration = Duration::from_secs(2);
/// How long an answer may take. After that the socket is taken for one that a dead supervisor's forked child inherited.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// The pause between two requests.
const RETRY_INTERVAL: Duration = Duration::from_millis(5);

/// Why a request for admission has no answer.
pub(crate) enum NotJoined {
    OtherNamespace,
    Failed(io::Error),
}

/// Asks the supervisor at this path for admission, to `slot` if a spawner prepared it.
pub(crate) fn request_to_join(
    socket_path: &SocketPath,
    slot: Option<shm::ProcessSlot>,
) -> Result<(Connection, Answered), NotJoined> {
    use ErrorKind::{
        BrokenPipe, ConnectionRefused, ConnectionReset, NotConnected, NotFound, PermissionDenied, TimedOut,
        UnexpectedEof, WouldBlock,
    };
    let start = Instant::now();
    loop {
        let connection = Connection::to(socket_path);
        if connection.as_ref().is_ok_and(|connection| !connection.shares_namespace()) {
            return Err(NotJoined::OtherNamespace);
        }
        let asked = connection.and_then(|connection| {
            let answered = connection.request(Request::Join { slot }, None, Some(ANSWER_TIMEOUT))?;
            Ok((connection, answered))
        });
        // Each kind of failure passes within its own time, if it passes at all.
        let timeout = match asked.as_ref().map_err(io::Error::kind) {
            Err(BrokenPipe | ConnectionRefused | ConnectionReset | NotConnected | UnexpectedEof) => {
                FAILOVER_TIMEOUT
            }
            Err(NotFound) => SOCKET_RETURN_TIMEOUT,
            // A spawned program stays for a while, so that the supervisor sees its obstacle and can tell its spawner.
            Err(PermissionDenied) if slot.is_some() => SOCKET_RETURN_TIMEOUT,
            // No answer, or the queue of waiting connections is full.
            Err(TimedOut | WouldBlock) => 2 * ANSWER_TIMEOUT,
            _ => return asked.map_err(NotJoined::Failed),
        };
        if start.elapsed() > timeout {
            return asked.map_err(NotJoined::Failed);
        }
        std::thread::sleep(RETRY_INTERVAL);
    }
}
