//! This process's connection to its supervisor, and its questions.
//!
//! The connection stays open for as long as the process is attached: its end is one of the two signs by which the
//! supervisor hears of an exec. When the supervisor dies, the standby thread connects to the next one (`failover`).
//!
//! A question means the same when it is asked twice. So a thread that got no answer asks the next supervisor.

use crate::membership::connection::{Answered, Connection};
use crate::membership::protocol::Request;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a question waits for the next supervisor once the last one is dead. Failover takes milliseconds, unless the
/// dead process had very much memory.
const FAILOVER_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the supervisor may take to answer, in nanoseconds.
static SUPERVISOR_TIMEOUT_NS: AtomicU64 = AtomicU64::new(10_000_000_000);

/// How long a request waits for its answer.
pub(crate) fn supervisor_timeout() -> Duration {
    Duration::from_nanos(SUPERVISOR_TIMEOUT_NS.load(Ordering::Relaxed))
}

pub(crate) fn set_supervisor_timeout(at_most: Duration) {
    SUPERVISOR_TIMEOUT_NS.store(u64::try_from(at_most.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
}

/// How long a question waits for the standby thread to reconnect, before it does so itself.
const RECONNECT_TIMEOUT: Duration = Duration::from_millis(20);

/// The connection to the supervisor of the moment; one question at a time.
pub(crate) struct Client {
    requesting: Mutex<()>,
    connection: Mutex<Connection>,
    replaced: Condvar,
}

impl Client {
    pub(crate) fn new(connection: Connection) -> Self {
        Self { requesting: Mutex::new(()), connection: Mutex::new(connection), replaced: Condvar::new() }
    }

    /// Asks the supervisor, or the next one, to which `find` connects. A descriptor can go along, and one can come back.
    ///
    /// [`TimedOut`](io::ErrorKind::TimedOut) when it does not answer within [`supervisor_timeout`], also when `find` reports
    /// that: the connection may be down since the last question without an answer.
    pub(crate) fn request(
        &self,
        find: impl Fn() -> io::Result<Connection>,
        request: Request,
        along: Option<BorrowedFd<'_>>,
    ) -> io::Result<Answered> {
        let _one_at_a_time = self.requesting.lock().unwrap_or_else(PoisonError::into_inner);
        let end = Instant::now() + FAILOVER_TIMEOUT;
        loop {
            // A clone: the lock is free while this thread waits for the answer, so that the standby thread can replace
            // the connection.
            let connection = self.connection().clone();
            let error = match connection.request(request, along, Some(supervisor_timeout())) {
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    // A late answer must not be taken for the answer to the next question.
                    connection.shut_down();
                    return Err(error);
                }
                Err(error) => error,
                answered => return answered,
            };
            // After a supervisor's death the standby thread connects to the next one.
            let is_same = |now: &mut Connection| now.is_same(&connection);
            let waited = self.replaced.wait_timeout_while(self.connection(), RECONNECT_TIMEOUT, is_same);
            if !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out() {
                continue;
            }
            if Instant::now() > end {
                return Err(error);
            }
            // No process has died: the program may have closed the connection, at either end.
            match find() {
                Ok(connection) => self.replace_connection(connection),
                // The supervisor does not answer. If the connection was replaced meanwhile, the question goes to that
                // one.
                Err(error) if error.kind() == io::ErrorKind::TimedOut && is_same(&mut self.connection()) => {
                    return Err(error);
                }
                Err(_) => {}
            }
        }
    }

    /// Shuts the connection down, because the supervisor is dead. A forked child of it may hold the other end open, so the
    /// connection would not end by itself.
    pub(crate) fn shut_down(&self) {
        self.connection().shut_down();
    }

    /// Sets the connection to the next supervisor. Questions that wait at the last one are repeated here.
    pub(crate) fn replace_connection(&self, connection: Connection) {
        std::mem::replace(&mut *self.connection(), connection).shut_down();
        self.replaced.notify_all();
    }

    /// The connection that is in use.
    pub(crate) fn connection_in_use(&self) -> Connection {
        self.connection().clone()
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
