//! `jacinth.h`: arenas, the programs in them, and how a program comes by its own.
//!
//! ```text
//!  the first call of a program
//!    │ attached already (jacinth_create, jacinth_attach, an earlier call)   ─▶ goes on
//!    │ spawned into an arena, or JACINTH_ARENA names a supervisor's socket  ─▶ joins that arena, or BAD_STATE
//!    │ otherwise, where it may                                              ─▶ makes an arena of its own
//!    └ otherwise (JACINTH_NO_OWN_ARENA, jacinth_forbid_own_arena)           ─▶ BAD_STATE
//! ```

pub(crate) mod fate;

use crate::object::handle::give_both;
use crate::process::error_text::{self as why, explained, failure};
use crate::process::thread_exit::end_with_the_last;
use crate::types::{
    jacinth_audit_t, jacinth_config_t, jacinth_report_t, zx_duration_t, zx_handle_t, zx_status_t,
};
use crate::user_memory::fault_guard as guard;
use crate::user_memory::{UserIn, UserOut};
use jacinth::{
    AttachError, ChannelOptions, Config, Handle, MonotonicDuration, Rights, SpawnError, Status, Supervisor,
    raw,
};
use std::cell::Cell;
use std::ffi::{CStr, CString, OsStr, c_char};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Set once, when this process has an arena.
static IS_ATTACHED: AtomicBool = AtomicBool::new(false);

/// How every call that needs the arena begins. Pointers may be looked into from then on.
#[inline(always)]
pub(crate) fn enter() -> Result<(), Status> {
    // Relaxed: the runtime looks for itself; this only says that it need not be told where to look.
    if IS_ATTACHED.load(Ordering::Relaxed) { Ok(()) } else { first_call() }
}

thread_local! {
    static IS_ATTACHING: Cell<bool> = const { Cell::new(false) };
}

/// Forbids the first call to make an arena, if it is in the environment and neither empty nor 0.
const NO_OWN_VARIABLE: &str = "JACINTH_NO_OWN_ARENA";

/// The same, by [`jacinth_forbid_own_arena`].
static IS_OWN_FORBIDDEN: AtomicBool = AtomicBool::new(false);

/// The process whose threads look for an arena; 0 before any does.
static FINDER: AtomicU32 = AtomicU32::new(0);

#[cold]
fn first_call() -> Result<(), Status> {
    // Relaxed: a child has it from before it was forked, with everything else.
    let finder = FINDER.compare_exchange(0, std::process::id(), Ordering::Relaxed, Ordering::Relaxed);
    if finder.is_err_and(|finder| finder != std::process::id()) {
        // A child forked meanwhile: what its parent's other threads had locked stays locked here.
        why::set("this process was forked from one that was looking for an arena, or had found none");
        return Err(Status::BAD_STATE);
    }
    if IS_ATTACHING.replace(true) {
        // A signal handler that interrupted this very function, and can have nothing to say: a text takes memory.
        return Err(Status::BAD_STATE);
    }
    let attached = find_arena();
    IS_ATTACHING.set(false);
    why::set(&attached.err().map(failure).unwrap_or_default());
    attached
}

/// Whether this process may make an arena at its first call.
fn may_make_its_own() -> bool {
    let variable = std::env::var_os(NO_OWN_VARIABLE).unwrap_or_default();
    !IS_OWN_FORBIDDEN.load(Ordering::Relaxed) && (variable.is_empty() || variable == "0")
}

/// Whether this process was forked from one that is attached.
pub(crate) fn is_of_a_forked_child() -> bool {
    IS_ATTACHED.load(Ordering::Relaxed) && !jacinth::is_attached()
}

fn find_arena() -> Result<(), Status> {
    static FINDING: Mutex<()> = Mutex::new(());
    guard::arm();
    let _one = FINDING.lock().unwrap_or_else(PoisonError::into_inner);
    if IS_ATTACHED.load(Ordering::Relaxed) {
        return Ok(());
    }
    if why::has_failed() && !jacinth::is_attached() {
        return Err(Status::BAD_STATE);
    }
    // The arena that this process has, also as a forked child that has no use of it, or that it was invited to.
    let found = match Supervisor::get() {
        Err(AttachError::NotAttached) if may_make_its_own() => Supervisor::create(&Config::default()),
        Err(AttachError::NotAttached) => {
            why::set_failure(&format!(
                "this program was started by hand: it was not spawned into an arena, {} is not in its environment, and it \
                 may not make an arena of its own at its first call ({NO_OWN_VARIABLE}, jacinth_forbid_own_arena)",
                jacinth::ARENA_VARIABLE
            ));
            return Err(Status::BAD_STATE);
        }
        found => found,
    };
    match found {
        Ok(_) | Err(AttachError::AlreadyAttached) => {
            note_attached();
            Ok(())
        }
        Err(error) => {
            why::set_failure(&error.to_string());
            Err(Status::BAD_STATE)
        }
    }
}

/// This process has an arena: its calls need not look for one any more.
fn note_attached() {
    end_with_the_last();
    IS_ATTACHED.store(true, Ordering::Relaxed);
}

pub(crate) fn plain(what: &str) -> impl Fn(Status) -> (Status, String) {
    move |status| (status, format!("{what}: {status}"))
}

/// As [`plain`], for a call of the library's that has just failed, and may have more to say.
pub(crate) fn detailed(what: &str) -> impl Fn(Status) -> (Status, String) {
    move |status| match status.detail() {
        Some(detail) => (status, format!("{what}: {detail}")),
        None => plain(what)(status),
    }
}

pub(crate) fn of_attaching(error: AttachError) -> (Status, String) {
    (error.status(), error.to_string())
}

fn of_spawning(error: SpawnError) -> (Status, String) {
    (error.status(), error.to_string())
}

/// The text at a pointer of C's.
fn text<'a>(pointer: UserIn<u8>, what: &str) -> Result<&'a CStr, (Status, String)> {
    pointer.text().map_err(plain(what))
}

/// The texts of a list that ends in NULL.
fn texts<'a>(list: UserIn<usize>, what: &str) -> Result<Vec<&'a OsStr>, (Status, String)> {
    let mut texts = Vec::new();
    loop {
        let pointer = UserIn(list.0.wrapping_add(texts.len())).load().map_err(plain(what))? as *const u8;
        if pointer.is_null() {
            return Ok(texts);
        }
        texts.push(OsStr::from_bytes(text(UserIn(pointer), what)?.to_bytes()));
    }
}

fn config_of(config: &jacinth_config_t) -> Result<Config, (Status, String)> {
    let mut made = Config::default();
    made.max_processes = config.max_processes;
    made.max_threads = config.max_threads;
    made.max_threads_per_process = config.max_threads_per_process;
    made.max_objects = config.max_objects;
    made.max_objects_per_process = config.max_objects_per_process;
    made.max_handles_per_process = config.max_handles_per_process;
    made.max_pending_messages = config.max_pending_messages;
    made.max_pending_messages_per_process = config.max_pending_messages_per_process;
    made.first_segment_messages = config.first_segment_messages;
    made.pool_bytes = config.pool_bytes;
    made.max_block_bytes_per_process = config.max_block_bytes_per_process;
    made.max_loan_bytes = config.max_loan_bytes;
    if !config.socket_path.is_null() {
        let path = text(UserIn(config.socket_path.cast()), "the path of the supervisor's socket")?;
        made.socket_path = Some(OsStr::from_bytes(path.to_bytes()).into());
    }
    Ok(made)
}

fn c_config_of(config: &Config) -> jacinth_config_t {
    jacinth_config_t {
        max_processes: config.max_processes,
        max_threads: config.max_threads,
        max_threads_per_process: config.max_threads_per_process,
        max_objects: config.max_objects,
        max_objects_per_process: config.max_objects_per_process,
        max_handles_per_process: config.max_handles_per_process,
        max_pending_messages: config.max_pending_messages,
        max_pending_messages_per_process: config.max_pending_messages_per_process,
        first_segment_messages: config.first_segment_messages,
        pool_bytes: config.pool_bytes,
        max_block_bytes_per_process: config.max_block_bytes_per_process,
        max_loan_bytes: config.max_loan_bytes,
        socket_path: std::ptr::null(),
    }
}

/// The limits of an arena that nobody asked anything special of.
///
/// # Safety
/// `config` is NULL or points to room for one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_config_default(config: UserOut<jacinth_config_t>) {
    guard::arm();
    let _ = config.store_optional(c_config_of(&Config::default()));
}

/// Makes an arena and attaches this process to it.
///
/// # Safety
/// `config` is NULL or points to one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_create(config: UserIn<jacinth_config_t>) -> zx_status_t {
    status_of(explained(|| {
        let config = if config.0.is_null() {
            Config::default()
        } else {
            config_of(&config.load().map_err(plain("the configuration"))?)?
        };
        Supervisor::create(&config).map_err(of_attaching)?;
        note_attached();
        Ok(())
    }))
}

/// Attaches this process to the arena whose supervisor answers at `socket_path`.
///
/// # Safety
/// `socket_path` is NULL or a text that ends in a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_attach(socket_path: UserIn<u8>) -> zx_status_t {
    status_of(explained(|| {
        let path = OsStr::from_bytes(text(socket_path, "the path of the supervisor's socket")?.to_bytes());
        jacinth::attach(path).map_err(of_attaching)?;
        note_attached();
        Ok(())
    }))
}

/// Has the first call of this process fail where it finds no arena to join, rather than make one.
#[unsafe(no_mangle)]
pub extern "C" fn jacinth_forbid_own_arena() {
    IS_OWN_FORBIDDEN.store(true, Ordering::Relaxed);
}

/// Whether this process is attached to an arena.
#[unsafe(no_mangle)]
pub extern "C" fn jacinth_is_attached() -> bool {
    jacinth::is_attached()
}

/// Where the supervisor of this process's arena answers; NULL when it is attached to none.
#[unsafe(no_mangle)]
pub extern "C" fn jacinth_socket_path() -> *const c_char {
    static PATH: OnceLock<CString> = OnceLock::new();
    if !jacinth::is_attached() {
        return std::ptr::null();
    }
    let Ok(supervisor) = Supervisor::get() else { return std::ptr::null() };
    PATH.get_or_init(|| CString::new(supervisor.socket_path().as_os_str().as_bytes()).unwrap_or_default())
        .as_ptr()
}

/// Starts a program in this process's arena and gives it a handle.
///
/// # Safety
/// `program` is a text, `argv` and `envp` are lists of texts that end in NULL (or NULL), `pid` is NULL or points to room
/// for a process id.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_spawn(
    program: UserIn<u8>,
    argv: UserIn<usize>,
    envp: UserIn<usize>,
    startup: zx_handle_t,
    pid: UserOut<libc::pid_t>,
) -> zx_status_t {
    status_of(explained(|| {
        enter().map_err(|status| (status, failure(status)))?;
        // Whatever comes of it, the handle is gone afterwards.
        let startup =
            Handle::from_raw(startup).ok_or_else(|| plain("the startup handle")(Status::BAD_HANDLE))?;
        pid.check_optional().map_err(plain("where the process id goes"))?;
        let program = text(program, "the program's name")?;
        let mut command = Command::new(OsStr::from_bytes(program.to_bytes()));
        if !argv.0.is_null() {
            let mut arguments = texts(argv, "the arguments")?.into_iter();
            if let Some(name) = arguments.next() {
                command.arg0(name);
            }
            command.args(arguments);
        }
        if !envp.0.is_null() {
            let pairs = texts(envp, "the environment")?;
            let pairs = pairs.iter().filter_map(|pair| {
                let pair = pair.as_bytes();
                let middle = pair.iter().skip(1).position(|byte| *byte == b'=')? + 1;
                Some((OsStr::from_bytes(&pair[..middle]), OsStr::from_bytes(&pair[middle + 1..])))
            });
            command.env_clear().envs(pairs);
        }
        let supervisor = Supervisor::get().map_err(of_attaching)?;
        let child = supervisor.spawn(&mut command, startup).map_err(of_spawning)?;
        pid.store_optional(child.id().cast_signed()).map_err(plain("where the process id goes"))
    }))
}

/// Walks the arena and finds anything lost, leaked or doubled.
///
/// # Safety
/// `audit` is NULL or points to room for one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_audit(audit: UserOut<jacinth_audit_t>) -> zx_status_t {
    status_of(explained(|| {
        enter().map_err(|status| (status, failure(status)))?;
        let place = audit.check_optional().map_err(plain("where the audit goes"))?;
        if !jacinth::is_attached() {
            return Err(plain("this process was forked from an attached one")(Status::BAD_STATE));
        }
        let found = Supervisor::get().map_err(of_attaching)?.audit();
        let counted = jacinth_audit_t {
            processes: found.processes,
            threads: found.threads,
            objects: found.objects,
            retired: found.retired,
            handles: found.handles,
            in_transit: found.in_transit,
            messages: found.messages,
            blocks: found.blocks,
            findings: found.findings.len().try_into().unwrap_or(u32::MAX),
        };
        place.store(counted);
        match found.is_clean() {
            true => Ok(()),
            false => Err((Status::IO_DATA_INTEGRITY, found.findings.join("\n"))),
        }
    }))
}

/// Recovers whatever the dead have left, now, and says what has been collected so far.
///
/// # Safety
/// `report` is NULL or points to room for one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_collect(report: UserOut<jacinth_report_t>) -> zx_status_t {
    status_of(explained(|| {
        enter().map_err(|status| (status, failure(status)))?;
        report.check_optional().map_err(plain("where the report goes"))?;
        let supervisor = Supervisor::get().map_err(of_attaching)?;
        let collected = supervisor.collect().map_err(detailed("collecting"))?;
        let recovered = collected.recovered;
        let counted = jacinth_report_t {
            processes: recovered.processes,
            threads: recovered.threads,
            handles_closed: recovered.handles_closed,
            operations_finished: recovered.operations_finished,
            operations_undone: recovered.operations_undone,
            blocks_freed: recovered.blocks_freed,
            objects_retired: recovered.objects_retired,
            objects_reclaimed: collected.objects_reclaimed,
            ends_collected: collected.ends_collected,
            unused: 0,
        };
        report.store_optional(counted).map_err(plain("where the report goes"))
    }))
}

/// `JACINTH_CHANNEL_DISCARD_LATE_REPLIES`.
pub const DISCARD_LATE_REPLIES: u32 = 1;

/// Makes a channel with options that Zircon has not.
///
/// # Safety
/// `out0` and `out1` are NULL or point to room for a handle each.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_channel_create(
    options: u32,
    max_pending_messages: u32,
    out0: UserOut<zx_handle_t>,
    out1: UserOut<zx_handle_t>,
) -> zx_status_t {
    status_of(explained(|| {
        if options & !DISCARD_LATE_REPLIES != 0 {
            return Err(plain("the options")(Status::INVALID_ARGS));
        }
        enter().map_err(|status| (status, failure(status)))?;
        let options = ChannelOptions::new()
            .max_pending_messages(max_pending_messages)
            .discard_late_replies(options & DISCARD_LATE_REPLIES != 0);
        let made = raw::channel_create(Rights::CHANNEL_DEFAULT, options);
        made.and_then(|ends| give_both(ends, out0, out1)).map_err(plain("making a channel"))
    }))
}

/// For how long this process's waits spin before they sleep.
#[unsafe(no_mangle)]
pub extern "C" fn jacinth_set_spin(duration: zx_duration_t) {
    why::set("");
    if enter().is_ok() {
        jacinth::set_spin(MonotonicDuration::from_nanos(duration));
    }
}

pub(crate) fn status_of(result: Result<(), Status>) -> zx_status_t {
    result.map_or_else(Status::into_raw, |()| 0)
}
