//! This process's attachment, which is set once and stays for as long as the process lives.

use crate::attachment::error::{AttachError, LostSeat};
use crate::library_threads;
use crate::membership::client::Client;
use crate::membership::environment::SlotToken;
use crate::membership::socket::path::SocketPath;
use jacinth_shm as shm;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// How a process came to its arena.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Origin {
    /// It made the arena.
    Created,
    /// It joined by itself.
    Joined,
    /// A spawner, or a [`Seat`](crate::Seat), had its slot ready.
    Seated,
    /// It joined by itself, because the slot in its environment was not to be had.
    LostItsSeat(SlotToken, LostSeat),
}

/// The data of an attached process.
pub(crate) struct Attachment {
    pub(crate) process: Arc<shm::Process>,
    pub(crate) supervisor: Arc<Client>,
    pub(crate) socket_path: Arc<SocketPath>,
    pub(crate) origin: Origin,
    startup_taken: AtomicBool,
}

impl Attachment {
    pub(crate) fn new(
        process: Arc<shm::Process>,
        supervisor: Arc<Client>,
        socket_path: Arc<SocketPath>,
        origin: Origin,
    ) -> Self {
        Self { process, supervisor, socket_path, origin, startup_taken: AtomicBool::new(false) }
    }

    /// The value of the startup handle; `None` from the second call on.
    pub(crate) fn take_startup_handle(&self) -> Option<u32> {
        // ORDER: AcqRel: a thread that finds the handle taken sees all that its taker did before.
        let is_taken = self.startup_taken.swap(true, Ordering::AcqRel);
        if is_taken { None } else { self.process.startup_handle().map(|value| value.0) }
    }
}

impl std::fmt::Debug for Attachment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attachment").field("socket", &self.socket_path.as_path()).finish_non_exhaustive()
    }
}

static ATTACHMENT: OnceLock<Attachment> = OnceLock::new();

/// This process's attachment, if it has one; in a forked child, its parent's.
pub(crate) fn current() -> Option<&'static Attachment> {
    ATTACHMENT.get()
}

/// Whether this process is attached to an arena. A child forked from an attached process is not.
///
/// ```
/// # use jacinth::*;
/// assert!(!is_attached());
/// let supervisor = Supervisor::create(&Config::default())?;
/// assert!(is_attached());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn is_attached() -> bool {
    current().is_some_and(|attachment| attachment.process.is_here())
}

/// Fails if this process has had its one attachment. A forked child cannot use its parent's.
pub(crate) fn require_unattached() -> Result<(), AttachError> {
    match current() {
        None => Ok(()),
        Some(attachment) if attachment.process.is_here() => Err(AttachError::AlreadyAttached),
        Some(_) => Err(AttachError::Forked),
    }
}

/// One for each process: a child that is forked while another thread attaches does not wait for that thread, which only the
/// parent has.
static ATTACHING: shm::PerProcess<Mutex<()>> = shm::PerProcess::new(forget_lock);

/// Whether a thread attaches this process at the moment. A forked child inherits it.
static IS_ATTACHING: AtomicBool = AtomicBool::new(false);

extern "C" fn forget_lock() {
    ATTACHING.forget();
}

/// The right to attach this process, or to create an arena for it: one thread at a time has it.
pub(crate) struct AttachingLock {
    _guard: MutexGuard<'static, ()>,
}

impl Drop for AttachingLock {
    fn drop(&mut self) {
        // Relaxed: the lock orders it.
        IS_ATTACHING.store(false, Ordering::Relaxed);
    }
}

/// Waits until no other thread attaches this process, and locks such threads out.
///
/// Fails as [`require_unattached`] does, and in a child that was forked while its parent attached: the child has a copy of
/// an attachment half made.
pub(crate) fn lock_attaching() -> Result<AttachingLock, AttachError> {
    // Before the lock too, for a child that was made without the C library's `fork`: it has its parent's lock.
    require_unattached()?;
    let guard = ATTACHING.get().lock().unwrap_or_else(PoisonError::into_inner);
    require_unattached()?;
    // Relaxed, both: the lock orders them. A child has one thread, and no other process writes its copy.
    if IS_ATTACHING.load(Ordering::Relaxed) {
        // Under the lock of this process no thread of it attaches. So it was a thread of the parent.
        return Err(AttachError::Forked);
    }
    IS_ATTACHING.store(true, Ordering::Relaxed);
    Ok(AttachingLock { _guard: guard })
}

/// Sets this process's attachment.
pub(crate) fn set_attachment(attachment: Attachment) -> Result<&'static Attachment, AttachError> {
    attachment.socket_path.hold();
    start_scavenger_when_needed(&attachment.process);
    ATTACHMENT.set(attachment).map_err(|_| AttachError::AlreadyAttached)?;
    if !shm::at_exit(remove_socket_if_last) {
        tracing::debug!("the last process may leave the supervisor's socket behind");
    }
    current().ok_or(AttachError::AlreadyAttached)
}

/// Starts a thread that makes quiet channels return their spare memory, once they keep more than a little.
fn start_scavenger_when_needed(process: &Arc<shm::Process>) {
    // Weak: the process owns this closure, and a strong count in it would never be dropped.
    let kept = Arc::downgrade(process);
    process.set_scavenger(move || {
        let Some(process) = kept.upgrade() else { return false };
        let spawned = library_threads::spawn("scavenger", move || process.run_scavenger(|| true));
        spawned.inspect_err(|error| tracing::debug!(%error, "no thread to return spare memory")).is_ok()
    });
}

/// Does the library's work before the process exits in good order. A library that ends the process without its
/// exit handlers calls this first.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// attachment::before_exit();
/// std::process::exit(0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn before_exit() {
    remove_socket_if_last();
}

/// The last attached process leaves no files behind.
extern "C" fn remove_socket_if_last() {
    // A forked child exits too, while the process that is attached lives on.
    if let Some(attachment) = current()
        && attachment.process.is_here()
    {
        attachment.socket_path.end();
    }
}
