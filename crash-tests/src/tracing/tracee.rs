//! A victim under this thread's control: it runs when told to, as far as told, and is killed where it stands.
//!
//! A victim asks to be traced and stops itself (`victim`); from then on each of its instructions is this thread's
//! to grant. Addresses are given relative to where the program was loaded, so that they mean the same in every
//! victim.

use crate::tracing::code::Code;
use anyhow::{Context as _, Result, bail};
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::ops::Range;

/// Where a victim stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    /// Before the instruction at this address.
    At(u64),
    /// After the last instruction of the operation.
    Finished,
    /// Gone: it exited with this code.
    Exited(i32),
    /// Gone: somebody or something killed it.
    Killed(Signal),
}

/// The registers that an instruction can name, by their number in the instruction set.
pub type Registers = nix::libc::user_regs_struct;

/// A stopped thread of another process.
pub struct Tracee {
    pid: Pid,
    /// Where its program was loaded.
    base: u64,
}

/// `int3`, which stops whoever executes it.
const BREAK: u64 = 0xcc;

impl Tracee {
    /// Waits until this thread's child, or a thread of it, has stopped itself to be traced.
    pub fn adopt(code: &Code) -> Result<Self> {
        let flags = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
        match waitpid(None, Some(flags)).context("waiting for a victim")? {
            WaitStatus::Stopped(pid, Signal::SIGSTOP) => {
                ptrace::setoptions(pid, Options::PTRACE_O_EXITKILL)?;
                let base = program_base(pid)? - code.first_address();
                Ok(Self { pid, base })
            }
            other => bail!("the victim ended before it was ready: {other:?}; its own words are above"),
        }
    }

    /// Takes hold of a thread of a child that has not asked for it.
    pub fn seize(thread: i32, code: &Code) -> Result<Self> {
        let pid = Pid::from_raw(thread);
        ptrace::seize(pid, Options::PTRACE_O_EXITKILL)?;
        ptrace::interrupt(pid)?;
        match waitpid(pid, Some(WaitPidFlag::__WALL))? {
            WaitStatus::PtraceEvent(..) => Ok(Self { pid, base: program_base(pid)? - code.first_address() }),
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

    /// What the registers say of where it stands, relative to the program. Code of shared libraries is far beyond.
    pub fn relative(&self, registers: &Registers) -> u64 {
        registers.rip.wrapping_sub(self.base)
    }

    /// Executes one instruction.
    pub fn step(&self) -> Result<Stand> {
        ptrace::step(self.pid, None)?;
        self.stand(|signal| ptrace::step(self.pid, signal))
    }

    /// Goes on until it is about to execute the instruction at `address` for the `times`-th time (1 is the first).
    pub fn run_to(&self, address: u64, times: u32) -> Result<Stand> {
        if times == 0 || self.relative(&self.registers()?) == address && times == 1 {
            return Ok(Stand::At(address));
        }
        let mut left = times;
        if self.relative(&self.registers()?) == address {
            // It stands there: that was the first time.
            left -= 1;
            if let ended @ (Stand::Finished | Stand::Exited(_) | Stand::Killed(_)) = self.step()? {
                return Ok(ended);
            }
        }
        let at = self.base + address;
        let original = self.peek(at)?;
        let broken = original & !0xff | BREAK;
        loop {
            self.poke(at, broken)?;
            ptrace::cont(self.pid, None)?;
            let stand = self.stand(|signal| ptrace::cont(self.pid, signal))?;
            if !matches!(stand, Stand::At(_)) {
                return Ok(stand);
            }
            self.poke(at, original)?;
            let mut registers = self.registers()?;
            registers.rip -= 1;
            if registers.rip != at {
                bail!("the victim stopped at {:#x}, where no breakpoint is", self.relative(&registers));
            }
            ptrace::setregs(self.pid, registers)?;
            left -= 1;
            if left == 0 {
                return Ok(Stand::At(address));
            }
            // Over the instruction, and the breakpoint again behind it.
            if let ended @ (Stand::Finished | Stand::Exited(_) | Stand::Killed(_)) = self.step()? {
                return Ok(ended);
            }
        }
    }

    /// Goes on to the end of the operation.
    pub fn run(&self) -> Result<Stand> {
        ptrace::cont(self.pid, None)?;
        self.stand(|signal| ptrace::cont(self.pid, signal))
    }

    /// Goes on, and is not waited for: whatever it waits for may never come.
    pub fn run_unwatched(&self) -> Result<()> {
        Ok(ptrace::cont(self.pid, None)?)
    }

    /// No longer traced, and stopped as by anybody's SIGSTOP.
    pub fn stop_for_real(&self) -> Result<()> {
        ptrace::detach(self.pid, Signal::SIGSTOP)?;
        self.wait_until_stopped().map(drop)
    }

    /// Goes on after [`stop_for_real`](Self::stop_for_real), to the end of the operation.
    pub fn resume_for_real(&self) -> Result<Stand> {
        nix::sys::signal::kill(self.pid, Signal::SIGCONT)?;
        self.wait_until_stopped()
    }

    fn wait_until_stopped(&self) -> Result<Stand> {
        match waitpid(self.pid, Some(WaitPidFlag::WUNTRACED | WaitPidFlag::__WALL))? {
            WaitStatus::Stopped(_, Signal::SIGSTOP) => Ok(Stand::Finished),
            WaitStatus::Exited(_, code) => Ok(Stand::Exited(code)),
            WaitStatus::Signaled(_, signal, _) => Ok(Stand::Killed(signal)),
            other => bail!("the victim neither stopped nor ended: {other:?}"),
        }
    }

    /// Waits until it stands somewhere; signals that are none of ours are handed on.
    fn stand(&self, go_on: impl Fn(Signal) -> nix::Result<()>) -> Result<Stand> {
        loop {
            return Ok(match waitpid(self.pid, Some(WaitPidFlag::__WALL))? {
                WaitStatus::Stopped(_, Signal::SIGTRAP) => Stand::At(self.relative(&self.registers()?)),
                WaitStatus::Stopped(_, Signal::SIGSTOP) => Stand::Finished,
                WaitStatus::Stopped(_, signal) => {
                    go_on(signal)?;
                    continue;
                }
                WaitStatus::Exited(_, code) => Stand::Exited(code),
                WaitStatus::Signaled(_, signal, _) => Stand::Killed(signal),
                other => bail!("an unexpected state of the victim: {other:?}"),
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
        let maps = std::fs::read_to_string(format!("/proc/{}/maps", self.pid))?;
        let of_arena = maps.lines().filter(|line| line.contains("memfd:jacinth-arena"));
        let ranges = of_arena.filter_map(range_of).collect::<Vec<_>>();
        Ok(ranges.first().zip(ranges.last()).map(|(first, last)| first.start..last.end))
    }
}

/// Kills the process and waits until it is gone, whichever of its threads was traced.
pub fn kill(process: i32) -> Result<()> {
    let process = Pid::from_raw(process);
    // One that has ended already is a zombie until it is waited for: the number is still its own.
    let _ = nix::sys::signal::kill(process, Signal::SIGKILL);
    loop {
        match waitpid(None, Some(WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD)) {
            Ok(WaitStatus::Signaled(pid, ..) | WaitStatus::Exited(pid, _)) if pid == process => return Ok(()),
            Ok(_) => {}
            Err(nix::errno::Errno::ECHILD) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

/// The address of the first mapping of the process's program.
fn program_base(pid: Pid) -> Result<u64> {
    let program = std::fs::read_link(format!("/proc/{pid}/exe"))?;
    let program = program.to_string_lossy().into_owned();
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps"))?;
    let first = maps.lines().find(|line| line.ends_with(&program)).and_then(range_of);
    Ok(first.context("the victim's program is not mapped")?.start)
}

fn range_of(line: &str) -> Option<Range<u64>> {
    let (start, end) = line.split_ascii_whitespace().next()?.split_once('-')?;
    Some(u64::from_str_radix(start, 16).ok()?..u64::from_str_radix(end, 16).ok()?)
}
