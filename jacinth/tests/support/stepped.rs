//! A thread of another process that is stopped after each of its system calls.
#![allow(dead_code, reason = "each test file uses a part of this")]

use super::commanded_child::CommandedChild;
use nix::sys::ptrace;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::process::Command;
use std::time::Duration;

/// A commanded child whose thread is traced. The thread that made this value is the tracer.
pub struct Stepped {
    pub child: CommandedChild,
    thread: Pid,
}

impl Stepped {
    /// Starts a process that waits for a word before its work, and stops it there.
    pub fn begin(mut command: Command) -> Self {
        let mut child = CommandedChild::begin({
            command.env("WAITS", "");
            command
        });
        let thread = Pid::from_raw(child.heard().parse().unwrap());
        ptrace::attach(thread).unwrap();
        assert!(matches!(wait(thread), WaitStatus::Stopped(..)));
        child.tell("go");
        Self { child, thread }
    }

    /// Lets it go on to the end of its next system calls, so many. `false` if it has done its work before.
    pub fn step(&mut self, system_calls: usize) -> bool {
        for _ in 0..system_calls {
            // To the call's beginning, and to its end.
            for _ in 0..2 {
                ptrace::syscall(self.thread, None).unwrap();
                assert!(matches!(wait(self.thread), WaitStatus::Stopped(..)), "it ended");
            }
            if self.child.has_spoken(Duration::ZERO) {
                return false;
            }
        }
        true
    }

    /// Lets it run.
    pub fn release(self) -> CommandedChild {
        ptrace::detach(self.thread, None).unwrap();
        self.child
    }

    pub fn kill(mut self) {
        self.child.child.kill().unwrap();
        // The process is reaped after its traced thread.
        while !matches!(wait(self.thread), WaitStatus::Signaled(..) | WaitStatus::Exited(..)) {}
        self.child.child.wait().unwrap();
    }
}

fn wait(thread: Pid) -> WaitStatus {
    waitpid(thread, Some(WaitPidFlag::__WALL)).unwrap()
}
