//! This process's attachment: at most one, made once, for as long as the process lives.
//!
//! ```text
//!  create   Supervisor::create(&config)       makes an arena; its embedded supervisor admits the others
//!  join     attach(socket path)               asks a supervisor for admission
//!  inherit  take_startup_handle()             a program that was spawned into an arena finds it by itself
//! ```
//!
//! INV-ATTACH-1: every call goes through [`with_thread`]: it refuses a process that is attached to nothing, one
//! that was forked from an attached one, a poisoned arena, and a call from inside a call (a signal handler).
//! INV-ATTACH-2: no code of the caller's runs inside a call, but for signal handlers: an iterator is asked before it,
//! and what was received is handed over after it.
//! INV-ATTACH-3: a drop always ends what is dropped; inside a call, when that call is over ([`dropped`]).

use crate::library_threads;
use crate::membership::client::{Answered, Client, Line, Request};
use crate::membership::failover::{self, Successor};
use crate::membership::failure_detector::process;
use crate::membership::socket::path::Address;
use crate::membership::system_limits;
use crate::types::status::{self, Status};
use crate::{Handle, detail};
use jacinth_shm as shm;
use std::cell::{Cell, RefCell};
use std::io::ErrorKind;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering, compiler_fence};
use std::sync::{Arc, OnceLock};

/// The environment variable that names the supervisor's socket to a spawned program.
pub const ARENA_VARIABLE: &str = "JACINTH_ARENA";
/// The environment variable that names a spawned program's prepared seat.
pub const SEAT_VARIABLE: &str = "JACINTH_SEAT";

/// Why this process is not attached to an arena.
///
/// `Debug` shows the text, as `Display` does: a `main` that returns it prints the text.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum AttachError {
    /// The file that the supervisor handed over is no arena that this program can use.
    #[error("the arena cannot be used: {0}")]
    Arena(#[source] shm::AttachError),
    /// There is no supervisor at the path, or it does not answer.
    #[error("no supervisor answers at {path}: {source}", path = path.display())]
    NoSupervisor {
        /// Where it was looked for.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The supervisor refused.
    #[error("the supervisor refused admission: {0}")]
    Refused(Status),
    /// The process that runs the supervisor has no descriptors left.
    #[error(
        "the supervisor's process has no descriptors left: it takes two for each attached process, and has raised its \
         RLIMIT_NOFILE (ulimit -n) to the hard limit already; raise that (ulimit -Hn, LimitNOFILE= of systemd)"
    )]
    SupervisorOutOfDescriptors,
    /// The process is attached already. A process has one attachment.
    #[error("this process is attached to an arena already: a process has one attachment")]
    AlreadyAttached,
    /// Nothing says which arena to attach to.
    #[error(
        "this program is attached to nothing: it was not started by `Supervisor::spawn` ({ARENA_VARIABLE} is not \
         set), nor has it called `Supervisor::create` or `attach`"
    )]
    NotAttached,
    /// This process was forked from one that is attached. The arena is not mapped in it.
    #[error(
        "this process was forked from an attached one, and has no arena: start a program by `Supervisor::spawn` instead"
    )]
    Forked,
    /// No spawner started this program into the arena: it made the arena, or joined it.
    #[error(
        "this program has no startup handle: it was not started by `Supervisor::spawn`, but made its arena, or joined it \
         by `attach` or by {ARENA_VARIABLE}"
    )]
    NotSpawned,
    /// The supervisor's process and this one do not see each other under the same numbers.
    #[error(
        "the supervisor runs in another PID namespace (in another container, say): the processes of an arena find each \
         other by their numbers, so all must run in one (docker run --pid=host, or --pid=container:NAME)"
    )]
    OtherPidNamespace,
    /// What names the seat that a spawner prepared is malformed. (A seat that somebody else has taken is no error: the
    /// program joins as one that was not spawned, and has no startup handle.)
    #[error("{SEAT_VARIABLE}={0:?} names no seat that waits for this program")]
    BadSeat(String),
    /// The supervisor of a new arena cannot listen: at the path that [`Config::socket_path`](crate::Config::socket_path)
    /// names, or where it would have made a folder for it. It says so when another arena lives there.
    #[error("the supervisor cannot listen at {path}: {source}", path = path.display())]
    CannotListen {
        /// Where it was to listen.
        path: PathBuf,
        /// What was in the way.
        #[source]
        source: std::io::Error,
    },
    /// The system refused something that attaching needs.
    #[error("attaching failed: {0}")]
    System(#[source] std::io::Error),
    /// The startup handle has been taken before.
    #[error("this program's startup handle has been taken already")]
    NoStartupHandle,
}

impl AttachError {
    /// The status that comes nearest, for those who have nothing but statuses to say it with.
    pub fn status(&self) -> Status {
        match self {
            Self::Arena(shm::AttachError::OutOfRange(_)) => Status::OUT_OF_RANGE,
            Self::Arena(shm::AttachError::AnotherUser { .. }) => Status::ACCESS_DENIED,
            Self::Arena(shm::AttachError::Limited(_)) | Self::SupervisorOutOfDescriptors => {
                Status::NO_RESOURCES
            }
            Self::Arena(shm::AttachError::Map(_) | shm::AttachError::System(_)) => Status::IO,
            Self::Arena(_) => Status::IO_DATA_INTEGRITY,
            Self::NoSupervisor { .. } | Self::NotSpawned | Self::NoStartupHandle => Status::NOT_FOUND,
            Self::Refused(status) => *status,
            Self::AlreadyAttached => Status::ALREADY_BOUND,
            Self::NotAttached | Self::Forked | Self::OtherPidNamespace => Status::BAD_STATE,
            Self::BadSeat(_) => Status::INVALID_ARGS,
            Self::CannotListen { source, .. } => match source.kind() {
                ErrorKind::AddrInUse | ErrorKind::AlreadyExists => Status::ALREADY_EXISTS,
                ErrorKind::InvalidFilename | ErrorKind::InvalidInput => Status::BAD_PATH,
                ErrorKind::PermissionDenied => Status::ACCESS_DENIED,
                _ => Status::IO,
            },
            Self::System(_) => Status::IO,
        }
    }
}

impl std::fmt::Debug for AttachError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl From<shm::AttachError> for AttachError {
    fn from(error: shm::AttachError) -> Self {
        match error {
            shm::AttachError::System(errno) => errno.into(),
            error => Self::Arena(error),
        }
    }
}

impl From<std::io::Error> for AttachError {
    fn from(error: std::io::Error) -> Self {
        Self::System(system_limits::explained(error))
    }
}

impl From<rustix::io::Errno> for AttachError {
    fn from(errno: rustix::io::Errno) -> Self {
        std::io::Error::from(errno).into()
    }
}

pub(crate) struct Attachment {
    pub(crate) process: Arc<shm::Process>,
    pub(crate) supervisor: Arc<Client>,
    pub(crate) address: Arc<Address>,
    /// Whether a spawner prepared this process's seat.
    was_spawned: bool,
    startup_taken: AtomicBool,
}

static ATTACHMENT: OnceLock<Attachment> = OnceLock::new();

/// How long waits of this process spin, in nanoseconds; negative for the default.
static SPIN_NS: AtomicI64 = AtomicI64::new(-1);

/// What a thread keeps.
pub(crate) struct Current {
    /// Its row in the arena. Borrowed for as long as the thread is inside a call.
    thread: RefCell<Option<shm::Thread>>,
    /// Whether the thread is at its end: each call gets a row of its own then, and leaves it.
    is_past: Cell<bool>,
    /// What was dropped inside a call, to be given up when the call is over.
    dropped: RefCell<Vec<Dropped>>,
    /// Whether something is left to do after the call: the thread is past its end, or something was dropped.
    has_more_to_do: Cell<bool>,
    /// The handle to its own thread object, once it has asked for it.
    pub(crate) own_handle: Cell<Option<u32>>,
    /// The call that a signal handler interrupted, until it is finished.
    pub(crate) interrupted_call: Cell<Option<shm::Pending>>,
}

/// What an owner dropped, so that it ends.
pub(crate) enum Dropped {
    Handle(u32),
    Loan(Option<shm::Loan>),
    Message(shm::InPlace),
}

impl Dropped {
    fn end(&mut self, thread: &shm::Thread) -> shm::Result<()> {
        match self {
            Self::Handle(value) => thread.close(thread.find(*value)?),
            Self::Loan(loan) => {
                if let Some(loan) = loan.take() {
                    thread.return_loan(loan);
                }
                Ok(())
            }
            Self::Message(message) => {
                let mut handles = Vec::new();
                let finished = thread.finish(message, &mut |handle| handles.push(handle));
                for handle in handles {
                    thread.close(thread.find(handle.value)?)?;
                }
                finished
            }
        }
    }
}

/// Ends what an owner dropped: now, or, if a call of this thread is under way that a signal handler interrupted, when
/// that call is over. In a child forked from the attached process nothing ends.
pub(crate) fn dropped(mut what: Dropped) {
    CURRENT.with(|current| {
        if current.thread.try_borrow_mut().is_ok() {
            // What is no longer there has ended by itself.
            let _ = with_any_thread(|thread| what.end(thread));
        } else if let Ok(mut dropped) = current.dropped.try_borrow_mut() {
            dropped.push(what);
            current.has_more_to_do.set(true);
        }
    });
}

/// So many things can be dropped inside one call before the list allocates, which a signal handler had better not.
const DROPPED_AT_LEAST: usize = 16;

impl Current {
    /// What is left to do after a call.
    #[cold]
    fn do_more(&self) {
        loop {
            self.has_more_to_do.set(false);
            // Put back empty, with its memory, so that the next signal handler finds room.
            let Ok(mut dropped) = self.dropped.try_borrow_mut().map(|mut list| std::mem::take(&mut *list))
            else {
                break;
            };
            for mut what in dropped.drain(..) {
                let _ = with_any_thread(|thread| what.end(thread));
            }
            let Ok(mut list) = self.dropped.try_borrow_mut() else { break };
            if list.is_empty() {
                *list = dropped;
                break;
            }
        }
        if self.is_past.get() {
            self.give_row_back();
        }
    }

    /// Gives the row back, after a call past the thread's end.
    #[cold]
    fn give_row_back(&self) {
        // Borrowed still: the thread ends inside a call, by somebody's violence. Its row is left to its process's death.
        if let Ok(mut row) = self.thread.try_borrow_mut() {
            drop(row.take());
        }
    }

    /// Leaves the arena. Nobody but this thread would close its handle, or give its call up.
    #[cold]
    fn leave(&self) {
        if let Some(pending) = self.interrupted_call.take() {
            let _ = with_thread(|thread| {
                thread.call_abandon(&pending);
                Ok(())
            });
        }
        if let Some(value) = self.own_handle.take() {
            // It may have been closed by hand.
            let _ = with_thread(|thread| thread.close(thread.find(value)?));
        }
        self.give_row_back();
        self.dropped.take();
    }
}

/// What the calling thread keeps, it keeps no longer.
pub(crate) fn leave() {
    CURRENT.with(|current| current.leave());
}

/// Leaves when it is dropped: when the thread ends.
struct Leaver;

impl Drop for Leaver {
    fn drop(&mut self) {
        CURRENT.with(|current| {
            current.leave();
            current.is_past.set(true);
        });
    }
}

thread_local! {
    // Without a destructor of its own: destructors of other locals, and exit handlers, may call after it has run.
    static CURRENT: ManuallyDrop<Current> = const {
        ManuallyDrop::new(Current {
            thread: RefCell::new(None),
            is_past: Cell::new(false),
            dropped: RefCell::new(Vec::new()),
            has_more_to_do: Cell::new(false),
            own_handle: Cell::new(None),
            interrupted_call: Cell::new(None),
        })
    };
    static LEAVER: Leaver = const { Leaver };
}

/// Runs `operation` with this thread's row.
#[inline]
pub(crate) fn with_thread<T>(operation: impl FnOnce(&shm::Thread) -> shm::Result<T>) -> Result<T, Status> {
    with_current(|thread, _| operation(thread))
}

/// As [`with_thread`], with what else the thread keeps.
#[inline]
pub(crate) fn with_current<T>(
    operation: impl FnOnce(&shm::Thread, &Current) -> shm::Result<T>,
) -> Result<T, Status> {
    CURRENT.with(|current| {
        // Borrowed already: a call inside a call.
        let mut row = current.thread.try_borrow_mut().map_err(|_| {
            detail::because(Status::BAD_STATE, "this call interrupted another call of the same thread")
        })?;
        let thread = match &mut *row {
            Some(thread) => thread,
            none => none.insert(join(current)?),
        };
        if !thread.process().is_here() {
            return Err(detail::because_of(Status::BAD_STATE, &AttachError::Forked));
        }
        if thread.process().arena().is_poisoned() {
            return Err(detail::because(Status::IO_DATA_INTEGRITY, "an audit found the arena damaged"));
        }
        let answer = operation(thread, current).map_err(detail::of);
        drop(row);
        // A signal handler that runs before this still sees the call; one that runs after it, no longer.
        compiler_fence(Ordering::SeqCst);
        if current.has_more_to_do.get() {
            current.do_more();
        }
        answer
    })
}

/// As [`with_thread`], for what must not fail: a thread that has no row, and gets none, borrows one of a reserve.
#[inline]
pub(crate) fn with_any_thread<T>(
    mut operation: impl FnMut(&shm::Thread) -> shm::Result<T>,
) -> Result<T, Status> {
    match with_thread(&mut operation) {
        Err(Status::NO_RESOURCES) if has_no_row() => with_borrowed_row(operation),
        done => done,
    }
}

fn has_no_row() -> bool {
    CURRENT.with(|current| current.thread.try_borrow().is_ok_and(|row| row.is_none()))
}

#[cold]
fn with_borrowed_row<T>(operation: impl FnOnce(&shm::Thread) -> shm::Result<T>) -> Result<T, Status> {
    let attachment = attachment().map_err(|error| detail::because_of(Status::BAD_STATE, &error))?;
    let start = std::time::Instant::now();
    loop {
        match shm::Thread::join_reserve(&attachment.process) {
            // Others have borrowed all of them, for a moment; unless very many were stopped in the middle of a close.
            Err(shm::Error::NoResources(_)) if start.elapsed() < RESERVE_TIME => std::thread::yield_now(),
            joined => return operation(&joined.map_err(detail::of)?).map_err(detail::of),
        }
    }
}

/// How long to wait for a row of the reserve.
const RESERVE_TIME: std::time::Duration = std::time::Duration::from_secs(5);

#[cold]
fn join(current: &Current) -> Result<shm::Thread, Status> {
    let attachment = attachment().map_err(|error| detail::because_of(Status::BAD_STATE, &error))?;
    library_threads::first_use();
    let thread = shm::Thread::join(&attachment.process).map_err(detail::of)?;
    let spin_ns = SPIN_NS.load(Ordering::Relaxed);
    if spin_ns >= 0 {
        thread.set_spin_ns(spin_ns);
    }
    // From now on, unless the thread is past that, its end is noticed.
    current.is_past.set(LEAVER.try_with(|_| ()).is_err());
    if current.is_past.get() {
        current.has_more_to_do.set(true);
    } else if let Ok(mut dropped) = current.dropped.try_borrow_mut() {
        dropped.reserve(DROPPED_AT_LEAST);
    }
    Ok(thread)
}

/// How long waits of this process spin before they sleep. Applies to the calling thread and to threads that
/// first use the arena afterwards. The default, about what a sleep and a wake cost, suits most programs;
/// [`ZERO`](crate::MonotonicDuration::ZERO) sleeps at once, which suits more threads than cores, and
/// real-time threads that share a processor with those that they wait for: a spinning thread keeps it.
pub fn set_spin(duration: crate::MonotonicDuration) {
    let spin_ns = duration.into_nanos().max(0);
    SPIN_NS.store(spin_ns, Ordering::Relaxed);
    let _ = with_thread(|thread| {
        thread.set_spin_ns(spin_ns);
        Ok(())
    });
}

/// This process's attachment; a program that was spawned into an arena attaches here.
pub(crate) fn attachment() -> Result<&'static Attachment, AttachError> {
    if let Some(attachment) = ATTACHMENT.get() {
        return if attachment.process.is_here() { Ok(attachment) } else { Err(AttachError::Forked) };
    }
    let path = std::env::var_os(ARENA_VARIABLE).filter(|path| !path.is_empty());
    let path = path.ok_or(AttachError::NotAttached)?;
    let path = Path::new(&path);
    let attached = match attach_with(path, inherited_seat()?) {
        // An ancestor of this program was spawned, and has taken its seat: the variables are what is left of that. So
        // this is a program like any other that finds its way to the arena.
        Err(AttachError::BadSeat(_)) => attach_with(path, None),
        attached => attached,
    };
    match attached {
        // Another thread was quicker.
        Err(AttachError::AlreadyAttached) => ATTACHMENT.get().ok_or(AttachError::NotAttached),
        attached => attached,
    }
}

/// Whether this process is attached to an arena. A child forked from an attached process is not.
pub fn is_attached() -> bool {
    ATTACHMENT.get().is_some_and(|attachment| attachment.process.is_here())
}

/// Fails if this process has had its one attachment; a forked child has no use of its parent's.
pub(crate) fn has_no_attachment() -> Result<(), AttachError> {
    match ATTACHMENT.get() {
        None => Ok(()),
        Some(attachment) if attachment.process.is_here() => Err(AttachError::AlreadyAttached),
        Some(_) => Err(AttachError::Forked),
    }
}

/// Attaches this process to the arena of the supervisor that listens at `path`.
///
/// # Errors
/// [`AttachError::NoSupervisor`] when nobody answers there, of which it makes sure for two seconds: a socket that was
/// removed comes back, and a dead supervisor has a successor; [`AttachError::Refused`] when the arena has no
/// room or belongs to another user, [`AttachError::Arena`] when it is of another version or damaged or a limit of this
/// process is below its size, [`AttachError::SupervisorOutOfDescriptors`], [`AttachError::System`] when this process has
/// none left or no `/proc`, and [`AttachError::AlreadyAttached`], or [`AttachError::Forked`] in a child that was forked
/// from an attached process; [`AttachError::OtherPidNamespace`]. Nothing is kept of an attempt that failed, and the next
/// one may succeed.
pub fn attach(path: impl AsRef<Path>) -> Result<(), AttachError> {
    attach_with(path.as_ref(), None).map(drop)
}

fn inherited_seat() -> Result<Option<shm::Seat>, AttachError> {
    let Some(text) = std::env::var_os(SEAT_VARIABLE) else { return Ok(None) };
    let text = text.to_string_lossy();
    let seat = text
        .split_once(':')
        .and_then(|(row, epoch)| Some(shm::Seat { row: row.parse().ok()?, epoch: epoch.parse().ok()? }));
    seat.map(Some).ok_or_else(|| AttachError::BadSeat(text.into_owned()))
}

/// One attachment at a time is being made, and an arena for it.
pub(crate) fn one_at_a_time() -> std::sync::MutexGuard<'static, ()> {
    static ATTACHING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    ATTACHING.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn attach_with(path: &Path, seat: Option<shm::Seat>) -> Result<&'static Attachment, AttachError> {
    let _one = one_at_a_time();
    has_no_attachment()?;
    let address = Arc::new(Address::new(path));
    let no_supervisor = |source| AttachError::NoSupervisor {
        path: address.path().into(),
        source: system_limits::explained(source),
    };
    let was_spawned = seat.is_some();
    let (line, (answer, file)) = ask_to_join(&address, seat).map_err(|error| match error {
        NotJoined::OtherNamespace => AttachError::OtherPidNamespace,
        NotJoined::Failed(error) => no_supervisor(error),
    })?;
    let seat = answer.seat().map_err(|status| match seat {
        _ if answer.is_no_descriptors() => AttachError::SupervisorOutOfDescriptors,
        Some(seat) if status == Status::NOT_FOUND => {
            AttachError::BadSeat(format!("{}:{}", seat.row, seat.epoch))
        }
        _ => AttachError::Refused(status),
    })?;
    let prepare = || -> Result<_, AttachError> {
        let arena = shm::Arena::attach(file.ok_or(AttachError::Refused(Status::INTERNAL))?)?;
        Ok((Arc::new(arena), failover::prepare()?))
    };
    let (arena, successor) = prepare().inspect_err(|_| {
        // The seat is for somebody else. One that a spawner prepared is kept for the next try.
        if !was_spawned {
            let _ = line.ask(Request::GiveUp { seat }, None, Some(ANSWER_TIME));
        }
    })?;
    let (process, client) = (sit(arena, seat)?, Arc::new(Client::new(line)));
    let (is_set, set) = shm::handover();
    let begun = Successor {
        process: process.clone(),
        seat,
        client: client.clone(),
        address: address.clone(),
        line_term: Some(answer.term()),
    };
    successor.give((begun, is_set));
    let _ = set.take();
    keep(process, client, address, was_spawned)
}

/// Asks for admission. If the supervisor's process has just died, another is about to take its place: so whoever
/// finds nobody at the path, or is left without an answer, tries again for a while. So does who finds no path: a cleaner
/// may just have removed the socket, which comes back. The supervisor looks meanwhile what a program that it expects has
/// in its way (`obstacle`).
fn ask_to_join(address: &Address, seat: Option<shm::Seat>) -> Result<(Line, Answered), NotJoined> {
    use ErrorKind::{
        BrokenPipe, ConnectionRefused, ConnectionReset, NotConnected, NotFound, PermissionDenied, TimedOut,
        UnexpectedEof, WouldBlock,
    };
    let start = std::time::Instant::now();
    loop {
        let line = Line::to(address);
        if line.as_ref().is_ok_and(|line| !line.shares_namespace()) {
            return Err(NotJoined::OtherNamespace);
        }
        let asked = line.and_then(|line| {
            let answered = line.ask(Request::Join { seat }, None, Some(ANSWER_TIME))?;
            Ok((line, answered))
        });
        let patience = match asked.as_ref().map_err(std::io::Error::kind) {
            Err(BrokenPipe | ConnectionRefused | ConnectionReset | NotConnected | UnexpectedEof) => {
                SUCCESSION_TIME
            }
            Err(NotFound) => RETURN_TIME,
            Err(PermissionDenied) if seat.is_some() => RETURN_TIME,
            // No answer; or so many want to connect that there was no place among those who wait.
            Err(TimedOut | WouldBlock) => 2 * ANSWER_TIME,
            _ => return asked.map_err(NotJoined::Failed),
        };
        if start.elapsed() > patience {
            return asked.map_err(NotJoined::Failed);
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// Why there is no answer to the question for admission.
enum NotJoined {
    OtherNamespace,
    Failed(std::io::Error),
}

/// How long a new supervisor may take to listen, after the last one's death.
const SUCCESSION_TIME: std::time::Duration = std::time::Duration::from_secs(2);
/// How long the socket may take to come back after it was removed: the supervisor looks some 100 ms later (`door`).
const RETURN_TIME: std::time::Duration = std::time::Duration::from_secs(2);
/// How long the answer to a request to join may take, before the socket is taken for one that a dead supervisor's
/// forked child has inherited.
const ANSWER_TIME: std::time::Duration = std::time::Duration::from_secs(5);

fn sit(arena: Arc<shm::Arena>, seat: shm::Seat) -> Result<Arc<shm::Process>, AttachError> {
    let sat = shm::Process::sit(arena, seat, process::own()?, random_seed()?);
    sat.map_err(|error| AttachError::Refused(status::of(error)))
}

fn keep(
    process: Arc<shm::Process>,
    supervisor: Arc<Client>,
    address: Arc<Address>,
    was_spawned: bool,
) -> Result<&'static Attachment, AttachError> {
    address.hold();
    start_keeper_when_needed(&process);
    let startup_taken = AtomicBool::new(false);
    let attachment = Attachment { process, supervisor, address, was_spawned, startup_taken };
    ATTACHMENT.set(attachment).map_err(|_| AttachError::AlreadyAttached)?;
    if !shm::at_exit(before_exit) {
        tracing::debug!("the last process may leave the supervisor's socket behind");
    }
    ATTACHMENT.get().ok_or(AttachError::AlreadyAttached)
}

/// A hidden thread that has quiet channels give back what they keep, once they keep more than a little.
fn start_keeper_when_needed(process: &Arc<shm::Process>) {
    let kept = Arc::downgrade(process);
    process.set_keeper(move || {
        let Some(process) = kept.upgrade() else { return false };
        let spawned = crate::library_threads::spawn("jacinth-keeper", move || process.keep(|| true));
        spawned.inspect_err(|error| tracing::debug!(%error, "no thread to give back what is spare")).is_ok()
    });
}

/// The last process of an arena leaves nothing in the file system.
pub(crate) extern "C" fn before_exit() {
    // A forked child has an end of its own, which is not this one.
    if let Some(attachment) = ATTACHMENT.get()
        && attachment.process.is_here()
    {
        attachment.address.end();
    }
}

/// Attaches the process that has just created `arena`, [one at a time](one_at_a_time).
pub(crate) fn attach_creator(
    arena: Arc<shm::Arena>,
    supervisor: Client,
    address: Arc<Address>,
    prepare: impl FnOnce(&Arc<shm::Process>) -> shm::Result<()>,
) -> Result<&'static Attachment, AttachError> {
    let seat = arena.first_seat().map_err(|error| AttachError::Refused(status::of(error)))?;
    let process = sit(arena, seat)?;
    prepare(&process).map_err(|error| AttachError::Refused(status::of(error)))?;
    keep(process, Arc::new(supervisor), address, false)
}

fn random_seed() -> Result<u32, AttachError> {
    let mut seed = [0; 4];
    rustix::rand::getrandom(&mut seed, rustix::rand::GetRandomFlags::empty())?;
    Ok(u32::from_ne_bytes(seed))
}

/// The bootstrap handle that this program's spawner gave it. It can be taken once.
///
/// A program that was spawned into an arena is attached by its first call, whichever that is; this is usually
/// it. Follows `docs/syscalls/process_start.md`: the handle is the first one that a process has, and it asks
/// for all others through it.
///
/// # Errors
/// [`AttachError::NotAttached`] when the program was started by something else and has joined no arena,
/// [`AttachError::NotSpawned`] when it made its arena or joined it by itself, [`AttachError::Forked`] in a forked child,
/// and [`AttachError::NoStartupHandle`] the second time.
pub fn take_startup_handle() -> Result<Handle, AttachError> {
    let attachment = attachment()?;
    if !attachment.was_spawned {
        return Err(AttachError::NotSpawned);
    }
    if attachment.startup_taken.swap(true, Ordering::AcqRel) {
        return Err(AttachError::NoStartupHandle);
    }
    let value = attachment.process.startup_handle();
    value.and_then(Handle::from_raw).ok_or(AttachError::NoStartupHandle)
}
