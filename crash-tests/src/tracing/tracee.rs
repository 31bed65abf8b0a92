//! A victim under this thread's control: it runs as far as this thread lets it, and is killed where it stands.
//!
//! A victim asks to be traced and stops itself (`process/victim.rs`). From then on this thread decides about each of its
//! instructions. Addresses are relative to where the program was loaded, so that they mean the same in every victim.

use crate::tracing::code::Code;
use crate::tracing::mappings;
use crate::tracing::registers::Registers;
use anyhow::{Context as _, Result, bail};
use nix::errno::Errno;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::ops::Range;

/// Where a victim stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopState {
    /// It stands before the instruction at this address.
    At(u64),
    /// It stands after the last instruction of the operation.
    Finished,
    /// The victim exited with this code.
    Exited(i32),
    /// A signal ended the victim.
    Killed(Signal),
}

/// A stopped thread of another process.
pub struct Tracee {
    pid: Pid,
    /// Where its program was loaded.
    base: u64,
}

/// `int3`: the thread that executes it stops.
const BREAKPOINT: u64 = 0xcc;

impl Tracee {
    /// Waits until this thread's child, or a thread of it, has stopped itself to be traced.
    pub fn adopt(code: &Code) -> Result<Self> {
        // The thread that stops need not be the child's main one, and its number is not known. So the call waits for any
        // child of this thread. `__WNOTHREAD` leaves the children of this process's other threads to those.
        let flags = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
        match waitpid(None, Some(flags)).context("waiting for a victim")? {
            WaitStatus::Stopped(pid, Signal::SIGSTOP) => {
                // If the testbed dies, the kernel kills the victim: no stopped process is left over.
                ptrace::setoptions(pid, Options::PTRACE_O_EXITKILL)?;
                let base = mappings::program_base(pid.as_raw())? - code.first_address();
                Ok(Self { pid, base })
            }
            other => bail!("the victim ended before it was ready: {other:?}; its own output is above"),
        }
    }

    /// Attaches to a thread of a child that has not asked to be traced, and stops it.
    pub fn attach_ptrace(thread: i32, code: &Code) -> Result<Self> {
        let pid = Pid::from_raw(thread);
        // Not PTRACE_ATTACH: its SIGSTOP could be taken for the one that ends an operation. An interrupt stops this
        // thread alone, also inside a system call; the kernel restarts the call afterwards.
        ptrace::seize(pid, Options::PTRACE_O_EXITKILL)?;
        ptrace::interrupt(pid)?;
        match waitpid(pid, Some(WaitPidFlag::__WALL))? {
            WaitStatus::PtraceEvent(..) => {
                Ok(Self { pid, base: mappings::program_base(pid.as_raw())? - code.first_address() })
            }
            other => bail!("a thread that was to stop: {other:?}"),
        }
    }

    /// The thread's number.
    pub fn pid(&self) -> i32 {
        self.pid.as_raw()
    }

    /// Its registers.
    pub fn registers(&self) -> Result<Registers> {
        Ok(ptrace::getregs(self.pid)?)
    }

    /// The address at which a thread with these registers stands, relative to the program. Shared libraries lie far
    /// outside.
    pub fn relative(&self, registers: &Registers) -> u64 {
        registers.rip.wrapping_sub(self.base)
    }

    /// Executes one instruction.
    pub fn step(&self) -> Result<StopState> {
        self.or_end(self.try_step())
    }

    /// Runs until it is about to execute the instruction at `address` for the `times`-th time; 1 is the first.
    pub fn run_to(&self, address: u64, times: u32) -> Result<StopState> {
        self.or_end(self.try_run_to(address, times))
    }

    /// How the process ended, if it was killed while this thread dealt with the stopped tracee. A breakpoint is there for
    /// all threads of a victim: one that runs into it ends the process, at any moment.
    fn or_end(&self, state: Result<StopState>) -> Result<StopState> {
        match state {
            // No such tracee: it is no longer stopped, since it ends.
            Err(error) if error.downcast_ref() == Some(&Errno::ESRCH) => end_of(
                waitpid(self.pid, Some(WaitPidFlag::__WALL)).context("waiting for the end of a victim")?,
            ),
            state => state,
        }
    }

    fn try_step(&self) -> Result<StopState> {
        ptrace::step(self.pid, None)?;
        self.wait_until_stopped(|signal| ptrace::step(self.pid, signal))
    }

    fn try_run_to(&self, address: u64, times: u32) -> Result<StopState> {
        if times == 0 || self.relative(&self.registers()?) == address && times == 1 {
            return Ok(StopState::At(address));
        }
        let mut left = times;
        if self.relative(&self.registers()?) == address {
            // It stands there already: that was the first time.
            left -= 1;
            if let ended @ (StopState::Finished | StopState::Exited(_) | StopState::Killed(_)) =
                self.try_step()?
            {
                return Ok(ended);
            }
        }
        let at = self.base + address;
        // ptrace reads and writes whole words. Its lowest byte is the first byte of the instruction.
        let original = self.peek(at)?;
        let broken = original & !0xff | BREAKPOINT;
        loop {
            // The breakpoint is in place only while the victim runs. So the instruction can be executed by a single step, and a
            // victim that is killed here was never changed.
            self.poke(at, broken)?;
            ptrace::cont(self.pid, None)?;
            let state = self.wait_until_stopped(|signal| ptrace::cont(self.pid, signal))?;
            if !matches!(state, StopState::At(_)) {
                return Ok(state);
            }
            self.poke(at, original)?;
            let mut registers = self.registers()?;
            // The trap comes after the `int3`, which has one byte: the thread goes back to the start of the instruction.
            registers.rip -= 1;
            if registers.rip != at {
                bail!("the victim stopped at {:#x}, where no breakpoint is", self.relative(&registers));
            }
            ptrace::setregs(self.pid, registers)?;
            left -= 1;
            if left == 0 {
                return Ok(StopState::At(address));
            }
            // The original instruction is in place: step over it, then set the breakpoint again.
            if let ended @ (StopState::Finished | StopState::Exited(_) | StopState::Killed(_)) =
                self.try_step()?
            {
                return Ok(ended);
            }
        }
    }

    /// Runs to the end of the operation.
    pub fn run(&self) -> Result<StopState> {
        self.or_end(self.try_run())
    }

    fn try_run(&self) -> Result<StopState> {
        ptrace::cont(self.pid, None)?;
        self.wait_until_stopped(|signal| ptrace::cont(self.pid, signal))
    }

    /// Lets it run, and does not wait for it: it may sleep for ever.
    pub fn run_without_waiting(&self) -> Result<()> {
        Ok(ptrace::cont(self.pid, None)?)
    }

    /// Ends the tracing, and stops the process by SIGSTOP as any process can.
    pub fn detach_stopped(&self) -> Result<()> {
        // A traced thread stops for its tracer alone. The test needs the stop of a whole process, as job control makes it.
        ptrace::detach(self.pid, Signal::SIGSTOP)?;
        self.wait_for_group_stop().map(drop)
    }

    /// Continues a process after [`detach_stopped`](Self::detach_stopped), to the end of the operation.
    pub fn continue_detached(&self) -> Result<StopState> {
        nix::sys::signal::kill(self.pid, Signal::SIGCONT)?;
        self.wait_for_group_stop()
    }

    fn wait_for_group_stop(&self) -> Result<StopState> {
        match waitpid(self.pid, Some(WaitPidFlag::WUNTRACED | WaitPidFlag::__WALL))? {
            WaitStatus::Stopped(_, Signal::SIGSTOP) => Ok(StopState::Finished),
            other => end_of(other),
        }
    }

    /// Waits until it stops or ends. Signals that are not the tracer's are passed on to it.
    fn wait_until_stopped(&self, resume: impl Fn(Signal) -> nix::Result<()>) -> Result<StopState> {
        loop {
            return Ok(match waitpid(self.pid, Some(WaitPidFlag::__WALL))? {
                // A step or a breakpoint; then the stop that ends the operation; then signals that are part of the
                // operation, such as the SIGSEGV of the C interface's fault guard.
                WaitStatus::Stopped(_, Signal::SIGTRAP) => StopState::At(self.relative(&self.registers()?)),
                WaitStatus::Stopped(_, Signal::SIGSTOP) => StopState::Finished,
                WaitStatus::Stopped(_, signal) => {
                    resume(signal)?;
                    continue;
                }
                other => end_of(other)?,
            });
        }
    }

    fn peek(&self, at: u64) -> Result<u64> {
        Ok(ptrace::read(self.pid, at as ptrace::AddressType)?.cast_unsigned())
    }

    fn poke(&self, at: u64, word: u64) -> Result<()> {
        Ok(ptrace::write(self.pid, at as ptrace::AddressType, word.cast_signed())?)
    }

    /// Where the arena is mapped, once it is.
    pub fn arena(&self) -> Result<Option<Range<u64>>> {
        mappings::arena(self.pid())
    }
}

/// The state of a victim that has ended.
fn end_of(status: WaitStatus) -> Result<StopState> {
    match status {
        WaitStatus::Exited(_, code) => Ok(StopState::Exited(code)),
        WaitStatus::Signaled(_, signal, _) => Ok(StopState::Killed(signal)),
        other => bail!("the victim neither stopped nor ended: {other:?}"),
    }
}

/// Kills the process and reaps all of it, whichever of its threads was traced.
pub fn kill(process: i32) -> Result<()> {
    let process = Pid::from_raw(process);
    // A process that has ended already is a zombie until it is reaped, so the number is still its own.
    let _ = nix::sys::signal::kill(process, Signal::SIGKILL);
    loop {
        match waitpid(None, Some(WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD)) {
            // Each traced thread is reported by itself, and the process last.
            Ok(WaitStatus::Signaled(pid, ..) | WaitStatus::Exited(pid, _)) if pid == process => return Ok(()),
            Ok(_) => {}
            Err(Errno::ECHILD) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::signal;
    use std::process::Command;

    /// As by another thread of a victim, which runs into the breakpoint while the traced one is stopped there.
    #[test]
    fn an_end_between_two_requests_is_told() {
        let code = Code::of_this_program().unwrap();
        let requests: [fn(&Tracee) -> Result<StopState>; 3] =
            [Tracee::step, Tracee::run, |tracee| tracee.run_to(1, 2)];
        for request in requests {
            let mut child = Command::new("/proc/self/exe")
                .args(["--ignored", "sleeps_for_another_test"])
                .spawn()
                .unwrap();
            let tracee = Tracee::attach_ptrace(child.id().cast_signed(), &code).unwrap();
            signal::kill(tracee.pid, Signal::SIGKILL).unwrap();
            assert_eq!(request(&tracee).unwrap(), StopState::Killed(Signal::SIGKILL));
            // The request has reaped it.
            assert!(child.wait().is_err());
        }
    }

    #[test]
    #[ignore = "it is the other process of a test"]
    fn sleeps_for_another_test() {
        std::thread::sleep(std::time::Duration::from_secs(60));
    }
}
