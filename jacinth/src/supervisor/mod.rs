//! The public [`Supervisor`]: creating an arena, spawning programs into it, collecting, auditing.
//!
//! ```text
//!  mod, meeting     the public calls: an arena, its programs, its contents; an arena by its name
//!  spawn            starting a program in a seat
//!  seat             a slot that waits for a program, with its startup handle
//!  requests         the questions to the supervisor, and whom they go to
//! ```

pub(crate) mod meeting;
pub(crate) mod requests;
pub(crate) mod seat;
pub(crate) mod spawn;

use crate::attachment::create;
use crate::attachment::current_process::{Attachment, Origin, lock_attaching};
use crate::attachment::error::AttachError;
use crate::attachment::join::attachment;
use crate::detail;
use crate::handle::NullableHandle;
use crate::membership::client;
use crate::membership::protocol::Request;
use crate::membership::report::CollectReport;
use crate::membership::socket::path::SocketPath;
use crate::membership::spawn_error::SpawnError;
use crate::membership::spawn_status::SpawnStatus;
use crate::supervisor::seat::Seat;
use crate::types::status::{self, Status};
use crate::types::time::MonotonicDuration;
use jacinth_shm::{self as shm, Audit, Config, Counters, ListedSide, ListedThread};
use std::path::Path;
use std::process::{Child, Command};
use std::sync::Arc;

/// Sets how long this process waits for the supervisor's answer when it spawns a program, asks for its status, or
/// collects. The default is 10 seconds; a negative duration is 0.
///
/// An answer takes microseconds, and some seconds in the largest arenas. It does not come while the supervisor's process
/// is stopped.
///
/// ```
/// # use jacinth::*;
/// set_supervisor_timeout(MonotonicDuration::from_seconds(2));
/// ```
pub fn set_supervisor_timeout(at_most: MonotonicDuration) {
    client::set_supervisor_timeout(std::time::Duration::from_nanos(
        at_most.into_nanos().max(0).cast_unsigned(),
    ));
}

/// A process's access to the supervisor of its arena: spawning, collecting, auditing.
///
/// The process that creates the arena runs the supervisor as one of its threads, and gets this value by
/// [`Supervisor::create`]. Every other attached process gets it by [`Supervisor::get`].
///
/// The thread runs for as long as its process. When the process dies, another attached process takes over: it recovers
/// the dead process's handles, watches all others, and admits new processes at the same path. Dropping this value has no
/// effect: the arena lives for as long as a process is attached to it. The last process that exits in good order removes
/// the socket. Other files of dead arenas are removed when this user creates the next arena.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (ours, theirs) = Channel::create();
/// assert!(supervisor.audit().is_clean());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Supervisor {
    attachment: &'static Attachment,
}

impl Supervisor {
    /// Makes an arena within these limits, attaches this process to it, and runs its supervisor as a thread.
    ///
    /// The arena is a sealed memfd without a name. The supervisor's socket is at [`Config::socket_path`]. Without one, it is
    /// in a new folder that only this user can enter: in `XDG_RUNTIME_DIR`, if only this user can enter that too, or else
    /// among the temporary files. The files of this user's dead arenas there are removed.
    ///
    /// # Errors
    /// - [`AttachError::AlreadyAttached`], or [`AttachError::Forked`] in a forked child.
    /// - [`AttachError::Arena`]: a limit is out of its range, or a limit of this process (`RLIMIT_FSIZE`, `RLIMIT_AS`,
    ///   `RLIMIT_MEMLOCK`) is below the arena's size.
    /// - [`AttachError::CannotListen`]: the socket cannot be made, or another arena lives at the path.
    /// - [`AttachError::System`]: descriptors or threads have run out, or there is no `/proc`.
    ///
    /// ```
    /// # use jacinth::{Config, Supervisor};
    /// let config = Config::default().with_max_pending_messages(100_000);
    /// let supervisor = Supervisor::create(&config)?;
    /// assert!(supervisor.audit().is_clean());
    /// # Ok::<(), jacinth::AttachError>(())
    /// ```
    pub fn create(config: &Config) -> Result<Self, AttachError> {
        let lock = lock_attaching()?;
        let listen = || {
            let (socket_path, listening) = SocketPath::create(config.socket_path.as_deref())?;
            Ok((Arc::new(socket_path), listening))
        };
        Ok(Self { attachment: create::create(&lock, config, listen)? })
    }

    /// The supervisor of the arena that this process is attached to.
    ///
    /// # Errors
    /// [`AttachError::NotAttached`] when it is attached to none, and [`AttachError::Forked`] in a forked child.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// assert_eq!(Supervisor::get()?.socket_path(), supervisor.socket_path());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get() -> Result<Self, AttachError> {
        Ok(Self { attachment: attachment()? })
    }

    /// The process that runs the supervisor now. When it dies, another one does.
    ///
    /// ```
    /// # use jacinth::{Config, Supervisor};
    /// let supervisor = Supervisor::create(&Config::default())?;
    /// assert_eq!(supervisor.process_id(), Some(std::process::id()));
    /// # Ok::<(), jacinth::AttachError>(())
    /// ```
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        requests::leader(self.attachment)
    }

    /// The path at which the supervisor listens, for [`attach`](crate::attach).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// assert!(supervisor.socket_path().exists());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn socket_path(&self) -> &Path {
        self.attachment.socket_path.as_path()
    }

    /// Starts a program into the arena. `startup` becomes its bootstrap handle, which the program takes with
    /// [`take_startup_handle`](crate::take_startup_handle). Usually it is one end of a channel.
    ///
    /// The handle leaves this process also on an error, as with Zircon's `process_start`. A child that dies before it
    /// attaches is noticed, and its handle closed. Needs [`Rights::TRANSFER`](crate::Rights::TRANSFER) on `startup`.
    ///
    /// # Errors
    /// [`SpawnError::Arena`], [`SpawnError::StartupHandle`], [`SpawnError::Program`], [`SpawnError::Supervisor`],
    /// [`SpawnError::CannotListen`].
    ///
    /// ```no_run
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// let mut child = supervisor.spawn(&mut std::process::Command::new("a-worker"), theirs)?;
    /// ours.write(b"do this", &mut [])?;
    /// child.wait()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn spawn(
        &self,
        program: &mut Command,
        startup: impl Into<NullableHandle>,
    ) -> Result<Child, SpawnError> {
        spawn::spawn(self.attachment, program, startup.into())
    }

    /// Prepares a seat in the arena for one program that another one starts: `std::process::Command`, a shell, systemd.
    /// `startup` becomes the program's bootstrap handle; with [`NullableHandle::invalid`] it gets none.
    ///
    /// The program gets the seat's [variables](Seat::variables) in its environment, and attaches by its first call, as a
    /// [spawned](Self::spawn) one does. The handle leaves this process also on an error. Needs [`Rights::TRANSFER`](crate::Rights::TRANSFER) on
    /// `startup`.
    ///
    /// # Errors
    /// [`SpawnError::Arena`], [`SpawnError::StartupHandle`].
    ///
    /// ```no_run
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// let seat = supervisor.prepare(theirs)?;
    /// let mut child = seat.prepare(&mut std::process::Command::new("a-worker")).spawn()?;
    /// ours.wait_one(Signals::CHANNEL_READABLE, std::time::Duration::from_secs(5)).to_result()?; // It greets us.
    /// drop(seat); // It is taken, so this has no effect.
    /// child.wait()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn prepare(&self, startup: impl Into<NullableHandle>) -> Result<Seat, SpawnError> {
        seat::prepare(self.attachment, startup.into())
    }

    /// The seat with this text, which this process or another one of the arena [prepared](Self::prepare), as the value of
    /// its [`SLOT_VARIABLE`](crate::SLOT_VARIABLE): to ask about it, or to give it back. For a seat that was
    /// [left](Seat::leave): a drop of this value does not give it back.
    ///
    /// # Errors
    /// [`Status::INVALID_ARGS`] for a malformed text, [`Status::NOT_FOUND`] for a seat of another arena,
    /// [`Status::BAD_STATE`] in a forked child.
    ///
    /// ```
    /// # use jacinth::*;
    /// let supervisor = Supervisor::create(&Config::default())?;
    /// let text = supervisor.prepare(Event::create())?.leave();
    /// let seat = supervisor.seat(&text)?;
    /// assert!(seat.is_free());
    /// seat.give_back()?;
    /// assert_eq!(supervisor.seat("nonsense").map(drop), Err(Status::INVALID_ARGS));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn seat(&self, text: &str) -> Result<Seat, Status> {
        seat::of_text(self.attachment, text)
    }

    /// Whether this process made the arena. It may lead no more.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert!(Supervisor::create(&Config::default())?.is_creator());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_creator(&self) -> bool {
        matches!(self.attachment.origin, Origin::Created)
    }

    /// The status of a [spawned](Self::spawn) program: whether it has attached, and if not, why not. For a spawner that
    /// finds its channel closed, or gets no message.
    ///
    /// A program learns why it cannot attach by the error of its first call. Its spawner learns the supervisor's knowledge:
    /// which programs it has refused, and the obstacle that it saw in `/proc`, for a program that lived for some milliseconds at
    /// least. The supervisor remembers the last 256 programs that did not attach, until another process takes over.
    ///
    /// # Errors
    /// As for [`collect`](Self::collect).
    ///
    /// ```no_run
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let mut program = std::process::Command::new("a-worker");
    /// let (ours, theirs) = Channel::create();
    /// let child = supervisor.spawn(&mut program, theirs)?;
    /// println!("{}", supervisor.spawn_status(&child)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn spawn_status(&self, child: &Child) -> Result<SpawnStatus, Status> {
        self.spawn_status_of(child.id())
    }

    /// As [`spawn_status`](Self::spawn_status), by the program's process number.
    ///
    /// # Errors
    /// As for [`collect`](Self::collect).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// assert_eq!(supervisor.spawn_status_of(std::process::id())?, SpawnStatus::Unknown); // It was not spawned.
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn spawn_status_of(&self, pid: u32) -> Result<SpawnStatus, Status> {
        self.arena().ok_or_else(|| detail::because_of(Status::BAD_STATE, &AttachError::Forked))?;
        let (answer, _) = requests::request(self.attachment, Request::SpawnStatus { pid }, None)
            .map_err(|error| detail::because_of(Status::UNAVAILABLE, &error))?;
        answer.to_spawn_status()
    }

    /// Recovers dead processes, closes channel ends that are only queued inside each other, reclaims free objects, and
    /// gives their memory back to the system, all of it now. Reports the counts of this supervisor so far.
    ///
    /// The supervisor does all of that without being asked, the last of it after some seconds. This call is for programs
    /// that need it done now.
    ///
    /// # Errors
    /// [`Status::UNAVAILABLE`] when the supervisor does not answer within its [timeout](set_supervisor_timeout):
    /// [`Status::detail`] names its process, and says whether that is stopped. [`Status::BAD_STATE`] in a forked child.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let report = supervisor.collect()?;
    /// println!("{report}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn collect(&self) -> Result<CollectReport, Status> {
        self.arena().ok_or_else(|| detail::because_of(Status::BAD_STATE, &AttachError::Forked))?;
        let (answer, _) = requests::request(self.attachment, Request::Collect, None)
            .map_err(|error| detail::because_of(Status::UNAVAILABLE, &error))?;
        answer.to_report()
    }

    /// Checks the whole arena for anything lost, leaked or doubled. The result is meaningful while no operation is under
    /// way. An arena that fails is poisoned: every later call on it gives [`Status::IO_DATA_INTEGRITY`].
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// assert!(supervisor.audit().is_clean());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn audit(&self) -> Audit {
        self.arena().map_or_else(Self::forked, |arena| arena.audit())
    }

    /// As [`audit`](Self::audit), while other threads work. A finding may be only a difference of numbers that were read at
    /// different moments. It does not poison the arena.
    ///
    /// The result has totals, and a text for each fault. [`list_objects`](Self::list_objects) has the objects one by one,
    /// with their waiters and the heads and tails of their queues; [`list_threads`](Self::list_threads) has the threads,
    /// and the object that each of them waits for.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let _event = Event::create();
    /// assert!(supervisor.inspect().objects >= 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn inspect(&self) -> Audit {
        self.arena().map_or_else(Self::forked, |arena| arena.inspect())
    }

    /// Lists the sides of all live objects: koids, handles, stored signals, waiters, and the heads and tails of queues. It
    /// reads while other threads work, so each line is of its own moment.
    ///
    /// # Errors
    /// [`Status::IO_DATA_INTEGRITY`] for a damaged arena, [`Status::BAD_STATE`] in a forked child.
    ///
    /// ```
    /// # use jacinth::*;
    /// let supervisor = Supervisor::create(&Config::default())?;
    /// let (near, _far) = Channel::create();
    /// near.write(b"unread", &mut [])?;
    /// let listed = supervisor.list_objects()?;
    /// assert!(listed.iter().any(|side| side.class == ObjectClass::Channel && side.tail == side.head + 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn list_objects(&self) -> Result<Vec<ListedSide>, Status> {
        self.arena().ok_or(Status::BAD_STATE)?.list_objects().map_err(status::of)
    }

    /// Lists the threads of all processes that have used the arena, and the object on which each of them sleeps.
    ///
    /// # Errors
    /// As [`list_objects`](Self::list_objects).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let _event = Event::create();
    /// assert!(supervisor.list_threads()?.iter().any(|thread| !thread.is_asleep));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn list_threads(&self) -> Result<Vec<ListedThread>, Status> {
        self.arena().ok_or(Status::BAD_STATE)?.list_threads().map_err(status::of)
    }

    /// The work of all processes since the arena was created.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let before = supervisor.counters().objects_created;
    /// let _event = Event::create();
    /// assert_eq!(supervisor.counters().objects_created, before + 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn counters(&self) -> Counters {
        self.arena().map_or_else(Counters::default, |arena| arena.counters())
    }

    /// The limits of the arena.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// assert_eq!(supervisor.config().max_processes, Config::default().max_processes);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn config(&self) -> &Config {
        self.attachment.process.arena().config()
    }

    /// The arena; `None` in a process that was forked from the one that attached.
    fn arena(&self) -> Option<&shm::Arena> {
        self.attachment.process.is_here().then(|| &**self.attachment.process.arena())
    }

    fn forked() -> Audit {
        let mut audit = Audit::default();
        audit
            .findings
            .push("this process was forked from an attached one: it has no arena to look at".into());
        audit
    }
}
