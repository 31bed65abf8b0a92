//! A process's handles to itself: to its process, its threads, its job, and its address space.
//!
//! In Zircon the kernel makes these objects, and the loader gives the first handles to the program. Here they are plain
//! objects so far. Each has a koid, a type, its default rights, a name and user signals, and a message can carry it. The
//! rest of Zircon's tasks is missing (`TASK_TERMINATED`, `zx_task_kill`, a common job). Each object is made by the first
//! request for it; later requests get the same value.
//!
//! INV-OWN-1: the library owns these values. Closing one closes it for the whole process.

use crate::attachment::current_process::require_unattached;
use crate::attachment::current_thread::with_current;
use crate::attachment::error::AttachError;
use crate::detail;
use crate::handle::{Handle, HandleRef, Name};
use crate::raw;
use crate::types::object_type::ObjectType;
use crate::types::rights::Rights;
use crate::types::status::Status;
use std::sync::atomic::{AtomicU32, Ordering};

/// A handle to an object that this process has one of. The value is [`raw::INVALID`] until the object is made.
struct LazyHandle(AtomicU32);

impl LazyHandle {
    const fn new() -> Self {
        Self(AtomicU32::new(raw::INVALID))
    }

    fn get(&self, make: impl FnOnce() -> Result<Handle, Status>) -> Result<HandleRef<'static>, Status> {
        // A forked child has inherited its parent's values, which mean no objects of its own.
        if let Err(forked @ AttachError::Forked) = require_unattached() {
            return Err(detail::because_of(Status::BAD_STATE, &forked));
        }
        // Relaxed, here and below: the number publishes no other memory.
        let known = self.0.load(Ordering::Relaxed);
        if known != raw::INVALID {
            return Ok(HandleRef::from_raw_handle(known));
        }
        let made = make()?;
        let first =
            self.0.compare_exchange(raw::INVALID, made.raw_handle(), Ordering::Relaxed, Ordering::Relaxed);
        // Two threads may make one at the same time. The later one closes its own.
        Ok(HandleRef::from_raw_handle(match first {
            Ok(_) => made.into_raw(),
            Err(known) => known,
        }))
    }
}

fn make(kind: ObjectType, rights: Rights) -> Result<Handle, Status> {
    let (value, _) = raw::create(kind, rights)?;
    Ok(Handle::from_raw(value))
}

fn make_named(kind: ObjectType, rights: Rights, name: &str) -> Result<Handle, Status> {
    let handle = make(kind, rights)?;
    handle.set_name(&Name::new_lossy(name))?;
    Ok(handle)
}

/// This process, with [`Rights::PROCESS_DEFAULT`]; its name is the program's.
///
/// Follows `zx_process_self` of `zircon/process.h`.
///
/// # Errors
/// [`Status::NO_RESOURCES`] when there is no room for another object or handle; [`Status::BAD_STATE`] in a process that
/// is attached to no arena.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let process = process_self()?;
/// assert_eq!(process.basic_info()?.object_type, ObjectType::PROCESS);
/// assert_eq!(process_self()?.koid()?, process.koid()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn process_self() -> Result<HandleRef<'static>, Status> {
    static PROCESS: LazyHandle = LazyHandle::new();
    let own = PROCESS.get(|| {
        let program = std::env::args_os().next().unwrap_or_default();
        let name = std::path::Path::new(&program).file_name().unwrap_or_default().to_string_lossy();
        make_named(ObjectType::PROCESS, Rights::PROCESS_DEFAULT, &name)
    })?;
    // Without a koid, as of a handle that was closed, or in a signal handler within a call, the value is given all the same.
    if let Ok(koid) = own.koid() {
        raw::set_own_process(koid);
    }
    Ok(own)
}

/// The calling thread, with [`Rights::THREAD_DEFAULT`]; its name is the system's name of the thread. The handle is closed when
/// the thread ends.
///
/// Follows `zx_thread_self` of `zircon/process.h`.
///
/// # Errors
/// As [`process_self`].
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let here = thread_self()?.koid()?;
/// let there = std::thread::spawn(|| thread_self()?.koid()).join().unwrap()?;
/// assert_ne!(here, there);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn thread_self() -> Result<HandleRef<'static>, Status> {
    if let Some(value) = with_current(|_, current| Ok(current.own_handle.get()))? {
        return Ok(HandleRef::from_raw_handle(value));
    }
    let name = rustix::thread::name().unwrap_or_default();
    let thread = make_named(ObjectType::THREAD, Rights::THREAD_DEFAULT, &name.to_string_lossy())?;
    // `thread` still owns the handle, and closes it after an error.
    raw::set_own_koid(thread.koid()?)?;
    let value = thread.into_raw();
    with_current(|_, current| {
        current.own_handle.set(Some(value));
        Ok(())
    })?;
    Ok(HandleRef::from_raw_handle(value))
}

/// The job that this process belongs to, with [`Rights::JOB_DEFAULT`]: one of its own, so far.
///
/// Follows `zx_job_default` of `zircon/process.h`.
///
/// # Errors
/// As [`process_self`].
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// assert_eq!(job_default()?.basic_info()?.object_type, ObjectType::JOB);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn job_default() -> Result<HandleRef<'static>, Status> {
    static JOB: LazyHandle = LazyHandle::new();
    JOB.get(|| make(ObjectType::JOB, Rights::JOB_DEFAULT))
}

/// This process's address space, with [`Rights::VMAR_DEFAULT`], [`Rights::IO`] and [`Rights::EXECUTE`]. VM objects are mapped
/// through it ([`Vmar::map`](crate::Vmar::map)).
///
/// Follows `zx_vmar_root_self` of `zircon/process.h`.
///
/// # Errors
/// As [`process_self`].
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// assert_eq!(vmar_root_self()?.basic_info()?.object_type, ObjectType::VMAR);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn vmar_root_self() -> Result<HandleRef<'static>, Status> {
    static VMAR: LazyHandle = LazyHandle::new();
    let own =
        VMAR.get(|| make(ObjectType::VMAR, Rights::VMAR_DEFAULT.union(Rights::IO).union(Rights::EXECUTE)))?;
    raw::set_own_vmar(own.koid()?);
    Ok(own)
}
