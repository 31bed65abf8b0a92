//! The victim: this program again, which prepares one operation, asks to be traced, and does it.

use crate::operation::{self, Operation};
use nix::sys::ptrace;
use nix::sys::signal::{Signal, raise};

/// The first argument of a victim; the operation's name is the second.
pub const ROLE: &str = "victim";
/// The environment variable that tells a stranger where the stage's supervisor listens.
pub const SOCKET: &str = "JACINTH_CRASH_SOCKET";

/// Plays the victim of the operation of this name.
pub fn play(name: &str) -> ! {
    // Whatever becomes of the stage, its victims go with it.
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
        .expect("asking to die with the stage");
    let operation = operation::find(name).expect("an operation of this name");
    if operation.in_thread {
        let name = operation.name;
        let end = move || drop((operation::find(&name).expect("it was found").prepare_and_stop())());
        std::thread::spawn(end).join().expect("the thread ends well");
    } else {
        let kept = (operation.prepare_and_stop())();
        raise(Signal::SIGSTOP).expect("stopping after the operation");
        std::mem::forget(kept);
    }
    loop {
        std::thread::park();
    }
}

impl Operation {
    /// Everything up to the first instruction that is stepped through.
    fn prepare_and_stop(&self) -> operation::Act {
        let act = (self.prepare)();
        ptrace::traceme().expect("asking to be traced");
        raise(Signal::SIGSTOP).expect("stopping before the operation");
        act
    }
}
