//! The public [`Supervisor`]: creating an arena, spawning programs into it, collecting, auditing.

use crate::attachment::current_process::{Attachment, lock_attaching};
use crate::attachment::current_thread::with_thread;
use crate::attachment::error::AttachError;
use crate::attachment::join::{attach_creator, attachment};
use crate::detail;
use crate::handle::NullableHandle;
use crate::library_threads;
use crate::membership::client::{self, Client};
use crate::membership::connection::{Answered, Connection};
use crate::membership::environment::{SLOT_VARIABLE, SOCKET_VARIABLE, slot_text};
use crate::membership::failure_detector::process;
use crate::membership::protocol::Request;
use crate::membership::report::CollectReport;
use crate::membership::server::event_loop;
use crate::membership::server::listener::Listener;
use crate::membership::server::state::Server;
use crate::membership::socket::path::SocketPath;
use crate::membership::socket::rendezvous;
use crate::membership::spawn_error::SpawnError;
use crate::membership::spawn_status::SpawnStatus;
use crate::membership::system_limits;
use crate::types::rights::Rights;
use crate::types::status::{self, Status};
use crate::types::time::MonotonicDuration;
use jacinth_shm::{self as shm, Audit, Config, Counters, ListedSide, ListedThread};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::io::ErrorKind::{Interrupted, TimedOut};
use std::os::fd::{AsFd, OwnedFd};
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
        let _lock = lock_attaching()?;
        let arena = Arc::new(shm::Arena::create(config)?);
        // An attachment cannot be undone. So all that can fail comes before it, the thread above all.
        let (served_by, serves) = shm::handover::<(Server, Arc<shm::Process>)>();
        let (is_set, set) = shm::handover();
        let run = move || {
            shm::request_short_slice();
            // `None`: creating the arena has failed, and the giver was dropped.
            let Some((server, process)) = serves.take() else { return };
            // By it other processes hear of an exec. Kept while the thread runs.
            let _death_notice = shm::DeathNotice::set(&process);
            is_set.give(());
            event_loop::run(server)
        };
        library_threads::spawn("jacinth-supervisor", run).map_err(system_limits::no_thread)?;
        let (connection, served) = Connection::pair()?;
        let rendezvous = rendezvous::prepare()?;
        let cannot_listen = |(path, source)| AttachError::CannotListen { path, source };
        let (socket_path, listening) =
            SocketPath::create(config.socket_path.as_deref()).map_err(cannot_listen)?;
        let socket_path = Arc::new(socket_path);
        let attachment = attach_creator(arena, Client::new(connection), socket_path.clone(), |process| {
            let thread = shm::Thread::join_reserve(process)?;
            thread.try_become_leader(
                process.arena().leader(),
                shm::ProcessSlot { row: process.row(), epoch: 0 },
            )?;
            let server = Server::new(Listener::open(socket_path, listening), rendezvous, served, thread);
            served_by.give((server, process.clone()));
            Ok(())
        })?;
        // Waits until the robust futex is set. Before that, an exec of this process could go unnoticed.
        let _ = set.take();
        Ok(Self { attachment })
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
        let arena = self.arena()?;
        let slot = arena.leader().process_slot()?;
        arena.identity(slot).ok().flatten().map(|occupant| occupant.pid)
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
    /// attaches is noticed, and its handle closed. Needs [`Rights::TRANSFER`] on `startup`.
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
        let startup: NullableHandle = startup.into();
        let value = startup.raw_handle();
        let reserve = || with_thread(|thread| thread.process().arena().reserve_slot(thread));
        let slot = match reserve() {
            // Slots of dead processes, and canceled slots, may not be free yet.
            Err(Status::NO_RESOURCES) => self.collect().and_then(|_| reserve()),
            reserved => reserved,
        };
        let slot = slot.map_err(SpawnError::Arena)?;
        // The handle moves before the program starts, so it is there at the program's first call. If this process dies
        // in between, recovery closes it with the slot.
        let moved = with_thread(|thread| {
            let found = thread.lookup(shm::HandleValue(value))?;
            found.require(Rights::TRANSFER.into())?;
            thread.leave_startup_handle(found, slot)
        });
        if let Err(status) = moved {
            self.cancel_slot(slot);
            // `startup` still owns its handle here, and closes it.
            return Err(SpawnError::StartupHandle(status));
        }
        // The slot owns the handle now, so this owner must not close it.
        let _moved = startup.into_raw();
        program.env(SOCKET_VARIABLE, self.socket_path());
        program.env(SLOT_VARIABLE, slot_text(slot));
        let spawned = program.spawn();
        // The caller may start another program by the same command. That one must not find this slot.
        program.env_remove(SOCKET_VARIABLE).env_remove(SLOT_VARIABLE);
        let mut child = spawned.map_err(|error| {
            self.cancel_slot(slot);
            SpawnError::Program(system_limits::with_limit_named(error))
        })?;
        let pid = Pid::from_raw(child.id().cast_signed()).expect("a child's id is not 0");
        let pidfd = match pidfd_open(pid, PidfdFlags::empty()) {
            Err(Errno::SRCH) => {
                // The child has ended, and this program reaps its children by itself. So the number has no process.
                self.cancel_slot(slot);
                return Ok(child);
            }
            pidfd => pidfd,
        };
        let refused = match &pidfd {
            Ok(pidfd) => match self.request(Request::Spawned { slot }, Some(pidfd)) {
                Ok((answer, _)) => match answer.status() {
                    Ok(()) => return Ok(child),
                    Err(Status::UNAVAILABLE) => SpawnError::CannotListen(self.socket_path().into()),
                    Err(status) => SpawnError::Arena(status),
                },
                Err(error) => SpawnError::Supervisor(error),
            },
            Err(errno) => SpawnError::Program(system_limits::with_limit_named((*errno).into())),
        };
        // The supervisor would not notice the program's death, so it must not live.
        let _ = match &pidfd {
            Ok(pidfd) => pidfd_send_signal(pidfd, Signal::KILL).map_err(std::io::Error::from),
            Err(_) => child.kill(),
        };
        let _ = child.wait();
        self.cancel_slot(slot);
        Err(refused)
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
        let (answer, _) = self
            .request(Request::SpawnStatus { pid }, None)
            .map_err(|error| detail::because_of(Status::UNAVAILABLE, &error))?;
        answer.to_spawn_status()
    }

    /// Cancels a slot that no program will take. If the supervisor does not answer, this process's death frees the slot.
    fn cancel_slot(&self, slot: shm::ProcessSlot) {
        let _ = self.request(Request::CancelSlot { slot }, None);
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
        let (answer, _) = self
            .request(Request::Collect, None)
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

    fn request(&self, request: Request, along: Option<&OwnedFd>) -> std::io::Result<Answered> {
        let Attachment { process, socket_path, supervisor, .. } = self.attachment;
        let find = || {
            let leader = process.arena().leader();
            let connection = Connection::to_leader(process.arena(), socket_path)?;
            // A process that has become another user's is known by its slot. The leader's own slot is refused, which is
            // an answer too.
            match connection.request(
                Request::Rejoin { slot: process.process_slot() },
                None,
                Some(client::supervisor_timeout()),
            ) {
                // A dead leader's forked child may have the socket. The next leader has not been asked yet.
                Err(_) if process.arena().leader() != leader => Err(Interrupted.into()),
                asked => asked.map(|_| connection),
            }
        };
        let asked = supervisor.request(find, request, along.map(AsFd::as_fd));
        asked.map_err(|error| if error.kind() == TimedOut { self.no_answer() } else { error })
    }

    /// The reason why there was no answer.
    fn no_answer(&self) -> std::io::Error {
        let Some(pid) = self.process_id() else { return TimedOut.into() };
        let why = if process::is_stopped(pid) {
            format!(
                "process {pid}, which runs the supervisor, is stopped (by a signal, or a debugger): let it go on \
                 (kill -CONT {pid}), or end it, and another process takes over"
            )
        } else {
            format!(
                "process {pid}, which runs the supervisor, has not answered within {:?}",
                client::supervisor_timeout()
            )
        };
        std::io::Error::new(TimedOut, why)
    }
}
