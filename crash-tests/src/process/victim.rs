//! The victim: it prepares one operation, asks to be traced, and performs it.

use crate::operation;
use crate::operation::spec::{ActingThread, Action, OperationSpec};
use crate::process::parent_death::die_with_parent;
use nix::sys::ptrace;
use nix::sys::signal::{Signal, raise};

/// The role. The operation's name follows.
pub const ROLE: &str = "victim";

/// The victim of the operation of this name.
pub fn play(name: &str) -> ! {
    die_with_parent();
    let operation = operation::find(name).expect("an operation of this name");
    match operation.thread {
        ActingThread::Main => act_and_stop(&operation),
        ActingThread::Std => drop(std::thread::spawn(|| act_in_this_thread(operation.name)).join()),
        ActingThread::Foreign | ActingThread::Zircon => foreign_thread::run(operation),
    }
    loop {
        std::thread::park();
    }
}

/// The work of a thread other than the main one. It may end by a panic, or by the action itself.
fn act_in_this_thread(name: String) {
    drop(prepare_and_stop(&operation::find(&name).expect("it was found"))());
}

fn act_and_stop(operation: &OperationSpec) -> ! {
    let retained = prepare_and_stop(operation)();
    raise(Signal::SIGSTOP).expect("stopping after the operation");
    // The handles stay open: the checks of a living victim count them.
    std::mem::forget(retained);
    loop {
        std::thread::park();
    }
}

/// Everything up to the first instruction that is stepped through.
fn prepare_and_stop(operation: &OperationSpec) -> Action {
    let action = (operation.prepare)();
    // The set-up is over: the tracer takes the next stop for the beginning of the operation.
    ptrace::traceme().expect("asking to be traced");
    raise(Signal::SIGSTOP).expect("stopping before the operation");
    action
}

#[expect(unsafe_code, reason = "the standard library has no thread that another language made")]
mod foreign_thread {
    use crate::operation::spec::{ActingThread, OperationSpec};
    use nix::libc::{c_void, pthread_create, pthread_exit, pthread_join};
    use std::ptr::null_mut;
    use std::sync::OnceLock;

    static OPERATION: OnceLock<(String, ActingThread)> = OnceLock::new();

    extern "C-unwind" fn start(_: *mut c_void) -> *mut c_void {
        OPERATION.get().cloned().into_iter().for_each(|(name, _)| super::act_in_this_thread(name));
        // SAFETY: the one frame between here and the thread's start is this one, which has no value to drop;
        // the C library unwinds it as by a foreign exception, which its ABI allows.
        unsafe {
            match OPERATION.get() {
                Some((_, ActingThread::Zircon)) => jacinth_capi_calls::zx_thread_exit(),
                _ => pthread_exit(null_mut()),
            }
        }
    }

    pub(super) fn run(operation: OperationSpec) {
        let _ = OPERATION.set((operation.name, operation.thread));
        let mut thread = 0;
        // SAFETY: the two types of function differ in unwinding alone, which ends in the C library.
        let start = unsafe {
            std::mem::transmute::<
                extern "C-unwind" fn(*mut c_void) -> *mut c_void,
                extern "C" fn(*mut c_void) -> *mut c_void,
            >(start)
        };
        // SAFETY: `thread` is written before it is read; no attributes, no argument, no result.
        let ended = unsafe {
            pthread_create(&mut thread, std::ptr::null(), start, null_mut()) == 0
                && pthread_join(thread, null_mut()) == 0
        };
        assert!(ended, "a thread of the C library's own");
    }
}

/// Forks this process; the child performs the operation. Returns the child's process id.
///
/// The child is a copy of one thread of many, so its action takes no lock that another thread may have held.
#[expect(unsafe_code, reason = "fork without exec is under test")]
pub fn fork(operation: &OperationSpec) -> nix::Result<i32> {
    // SAFETY: the child performs its action, under the rule above, and is killed at the end of it or exits.
    match unsafe { nix::unistd::fork() }? {
        nix::unistd::ForkResult::Parent { child } => Ok(child.as_raw()),
        nix::unistd::ForkResult::Child => {
            die_with_parent();
            act_and_stop(operation)
        }
    }
}
