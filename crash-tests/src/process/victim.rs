//! The victim: this program again, which prepares one operation, asks to be traced, and does it.

use crate::operation::{self, Operation, Thread};
use nix::sys::ptrace;
use nix::sys::signal::{Signal, raise};

/// The first argument of a victim; the operation's name is the second.
pub const ROLE: &str = "victim";
/// The environment variable that tells a stranger where the stage's supervisor listens.
///
/// The runtime knows it too: a program that makes a call before it has attached is invited by it.
pub const SOCKET: &str = jacinth::SOCKET_VARIABLE;

/// Plays the victim of the operation of this name.
pub fn play(name: &str) -> ! {
    die_with_the_stage();
    let operation = operation::find(name).expect("an operation of this name");
    match operation.thread {
        Thread::Main => operation.act_and_stop(),
        Thread::Std => drop(std::thread::spawn(|| act_alone(operation.name)).join()),
        Thread::Foreign | Thread::Zircon => foreign_thread::run(operation),
    }
    loop {
        std::thread::park();
    }
}

/// What a thread does that is not the main one: it may end by a panic, or without a word.
fn act_alone(name: String) {
    drop((operation::find(&name).expect("it was found").prepare_and_stop())());
}

#[expect(unsafe_code, reason = "a thread that ends so is none of the standard library's")]
mod foreign_thread {
    use crate::operation::{Operation, Thread};
    use nix::libc::{c_void, pthread_create, pthread_exit, pthread_join};
    use std::ptr::null_mut;
    use std::sync::OnceLock;

    static WHAT: OnceLock<(String, Thread)> = OnceLock::new();

    extern "C-unwind" fn start(_: *mut c_void) -> *mut c_void {
        WHAT.get().cloned().into_iter().for_each(|(name, _)| super::act_alone(name));
        // SAFETY: the one frame between here and the thread's start is this one, which holds nothing to be dropped;
        // the C library unwinds it as by a foreign exception, which its ABI allows.
        unsafe {
            match WHAT.get() {
                Some((_, Thread::Zircon)) => jacinth_calls::zx_thread_exit(),
                _ => pthread_exit(null_mut()),
            }
        }
    }

    pub(super) fn run(operation: Operation) {
        let _ = WHAT.set((operation.name, operation.thread));
        let mut thread = 0;
        // SAFETY: the two types of function differ in what they say of unwinding, which ends in the C library.
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

/// A copy of this process plays the victim. Gives its number.
///
/// It is a copy of one thread of many, so its act takes no lock that another may have held.
#[expect(unsafe_code, reason = "fork without exec is the thing that is tested")]
pub(crate) fn fork(operation: &Operation) -> nix::Result<i32> {
    // SAFETY: the child runs its act, under the rule above, and is killed at the end of it or exits.
    match unsafe { nix::unistd::fork() }? {
        nix::unistd::ForkResult::Parent { child } => Ok(child.as_raw()),
        nix::unistd::ForkResult::Child => {
            die_with_the_stage();
            operation.act_and_stop()
        }
    }
}

/// Whatever becomes of the stage, its victims go with it.
fn die_with_the_stage() {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
        .expect("asking to die with the stage");
}

impl Operation {
    fn act_and_stop(&self) -> ! {
        let kept = (self.prepare_and_stop())();
        raise(Signal::SIGSTOP).expect("stopping after the operation");
        std::mem::forget(kept);
        loop {
            std::thread::park();
        }
    }

    /// Everything up to the first instruction that is stepped through.
    fn prepare_and_stop(&self) -> operation::Act {
        let act = (self.prepare)();
        ptrace::traceme().expect("asking to be traced");
        raise(Signal::SIGSTOP).expect("stopping before the operation");
        act
    }
}
