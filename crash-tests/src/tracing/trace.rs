//! The path of an operation through the program, recorded once by single steps, and the instructions of it before which
//! victims are killed.

use crate::tracing::code::Code;
use crate::tracing::kill_point::KillPoint;
use crate::tracing::registers::Registers;
use crate::tracing::tracee::{StopState, Tracee};
use anyhow::ensure;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The cost of one breakpoint hit and of one single step, in microseconds. Both are measured; only their ratio counts.
const BREAK_COST_US: u64 = 30;
const STEP_COST_US: u64 = 12;
/// How many instructions a breakpoint may lie before its kill point.
const LOOK_BACK: usize = 600;
/// An operation of more steps counts as one that never ends.
const MOST_STEPS: usize = 20_000_000;

/// One instruction of the record.
#[derive(Clone, Copy, Debug)]
struct Step {
    /// Its address; 0 for an instruction outside the program.
    address: u64,
    /// How many times it has been executed before.
    before: u32,
    is_ours: bool,
    /// Whether it wrote into the arena or entered the kernel.
    is_change: bool,
}

/// A point of an operation. Records of an operation differ, for the operation may take one of several paths; this is the
/// same in all of them, until the program is built anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Visit {
    /// The instruction's address.
    address: u64,
    /// How many times it had been executed before.
    before: u32,
}

impl std::fmt::Display for Visit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:x}:{}", self.address, self.before)
    }
}

impl std::str::FromStr for Visit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let visit = text.split_once(':').and_then(|(address, before)| {
            Some(Self { address: u64::from_str_radix(address, 16).ok()?, before: before.parse().ok()? })
        });
        visit.ok_or_else(|| format!("{text} is not an address and a number, like 1a2b3c:0"))
    }
}

/// A recorded operation.
pub struct Trace {
    steps: Vec<Step>,
}

impl Trace {
    /// Steps through the whole operation.
    pub fn record(tracee: &Tracee, code: &Code) -> anyhow::Result<(Self, StopState)> {
        Self::record_until(tracee, code, |_| false)
    }

    /// Steps up to the first `syscall` with registers that satisfy `ends`. That one is not executed.
    pub fn record_until(
        tracee: &Tracee,
        code: &Code,
        ends: impl Fn(&Registers) -> bool,
    ) -> anyhow::Result<(Self, StopState)> {
        let mut steps = Vec::new();
        let mut counts: HashMap<u64, u32> = HashMap::new();
        let mut arena = tracee.arena()?;
        let state = loop {
            let registers = tracee.registers()?;
            let address = tracee.relative(&registers);
            let inside = code.is_inside(address);
            if code.is_syscall(address) && ends(&registers) {
                break StopState::At(address);
            }
            // Asked before the instruction is executed: these registers give the addresses of its operands.
            let is_change = code.is_change(address, &registers, &arena);
            // Libraries lie elsewhere in each process, so their instructions are not counted and make no breakpoints.
            let before = if inside { counts.entry(address).or_default() } else { &mut 0 };
            steps.push(Step {
                address: if inside { address } else { 0 },
                before: *before,
                is_ours: code.is_ours(address),
                is_change,
            });
            *before += 1;
            let state = tracee.step()?;
            if !matches!(state, StopState::At(_)) {
                break state;
            }
            // An operation that attaches maps the arena in the middle. The mappings are cheap to read every few steps
            // only.
            if arena.is_none() && steps.len().is_multiple_of(64) {
                arena = tracee.arena()?;
            }
            ensure!(steps.len() < MOST_STEPS, "the operation has not ended after {MOST_STEPS} steps");
        };
        Ok((Self { steps }, state))
    }

    /// How many instructions were executed, those of libraries included.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// The instructions before which to kill: every `stride`-th of the project's own, and, if `changes`, one for each
    /// state that the arena goes through.
    ///
    /// A killed process leaves its writes to the arena and its system calls. Between two such instructions all points
    /// leave the same.
    pub fn points(&self, changes: bool, stride: usize, offset: usize) -> Vec<usize> {
        let mut points = Vec::new();
        // The first instruction is a point too: the state before any change. After a change the next instruction of the
        // project's is the point, because kill points lie in its own code only.
        let mut wanted = changes;
        let mut ours = 0;
        for (index, step) in self.steps.iter().enumerate() {
            if step.is_ours {
                if wanted || (ours + offset).is_multiple_of(stride) {
                    points.push(index);
                    wanted = false;
                }
                ours += 1;
            }
            wanted |= changes && step.is_change;
        }
        points
    }

    /// The point as it is identified in every record of the operation.
    pub fn visit(&self, index: usize) -> Visit {
        Visit { address: self.steps[index].address, before: self.steps[index].before }
    }

    /// The index of the point in this record.
    pub fn find(&self, visit: Visit) -> Option<usize> {
        self.steps.iter().position(|step| step.address == visit.address && step.before == visit.before)
    }

    /// The cheapest way to the instruction.
    pub fn kill_point(&self, index: usize) -> KillPoint {
        let from = index.saturating_sub(LOOK_BACK);
        let cost = |at: &usize| {
            let breaks = u64::from(self.steps[*at].before + 1) * BREAK_COST_US;
            breaks + (index - at) as u64 * STEP_COST_US
        };
        // A breakpoint costs a hit for each earlier execution of its instruction. In a loop an instruction before the loop,
        // and single steps from there, may be cheaper.
        let inside = (from..=index).filter(|at| self.steps[*at].address != 0);
        let start = inside.min_by_key(cost).unwrap_or(index);
        let step = self.steps[start];
        KillPoint {
            address: self.steps[index].address,
            breakpoint: step.address,
            hits: step.before + 1,
            steps: index - start,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record in which every instruction is the project's; `changes` lists those that change the arena.
    fn trace(addresses: &[u64], changes: &[usize]) -> Trace {
        let step = |(index, address): (usize, &u64)| Step {
            address: *address,
            before: addresses[..index].iter().filter(|before| *before == address).count() as u32,
            is_ours: *address != 0,
            is_change: changes.contains(&index),
        };
        Trace { steps: addresses.iter().enumerate().map(step).collect() }
    }

    #[test]
    fn each_arena_state_gets_one_point() {
        let trace = trace(&[1, 2, 3, 4, 5, 6], &[1, 3]);
        assert_eq!(trace.points(true, usize::MAX, 1), [0, 2, 4]);
    }

    #[test]
    fn a_stride_of_one_takes_all_instructions() {
        assert_eq!(trace(&[1, 0, 2, 3], &[]).points(false, 1, 0), [0, 2, 3]);
    }

    #[test]
    fn a_visit_is_found_in_another_record() {
        let visit = trace(&[1, 2, 2, 3], &[]).visit(2);
        assert_eq!(visit.to_string().parse(), Ok(visit));
        assert_eq!(trace(&[7, 1, 2, 9, 2, 3], &[]).find(visit), Some(4));
        assert_eq!(trace(&[1, 2, 3], &[]).find(visit), None);
        assert!("2".parse::<Visit>().is_err());
    }

    #[test]
    fn a_breakpoint_precedes_its_iteration() {
        let mut addresses = vec![1];
        addresses.extend([2; 100]);
        addresses.push(3);
        let trace = trace(&addresses, &[]);
        let rare = trace.kill_point(101);
        assert_eq!((rare.address, rare.breakpoint, rare.hits, rare.steps), (3, 3, 1, 0));
        // A hundred hits of a breakpoint in the loop cost more than one hit and 99 steps.
        let late = trace.kill_point(100);
        assert_eq!((late.address, late.breakpoint, late.hits, late.steps), (2, 2, 1, 99));
    }
}
