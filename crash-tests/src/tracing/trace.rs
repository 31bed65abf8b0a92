//! The way an operation takes through the program, recorded once by single steps; where to kill it; and how to get
//! there again quickly.
//!
//! Stepping costs some ten microseconds an instruction, and killing at instruction i by i steps would cost the
//! square of the operation's length. So a later victim runs at full speed into a breakpoint at the same instruction,
//! as often as the record says; or into one a little before it, and steps from there.

use crate::tracing::code::Code;
use crate::tracing::tracee::{Registers, Stand, Tracee};
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// What one step of a breakpoint costs, in microseconds, and one single step: measured, and only their ratio counts.
const BREAK_COST: u64 = 30;
const STEP_COST: u64 = 12;
/// How far back a breakpoint may lie.
const LOOK_BACK: usize = 600;
/// An operation that takes longer is taken for one that never ends.
const MOST_STEPS: usize = 20_000_000;

/// One instruction of the record.
#[derive(Clone, Copy, Debug)]
struct Step {
    /// Its address; 0 for one outside the program.
    address: u64,
    /// How many times it has been executed before.
    before: u32,
    is_ours: bool,
    /// Whether it wrote into the arena or entered the kernel.
    is_change: bool,
}

/// A recorded operation.
pub struct Trace {
    steps: Vec<Step>,
}

/// How to get to an instruction.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Route {
    /// Its address.
    pub address: u64,
    breakpoint: u64,
    times: u32,
    steps: usize,
}

impl Trace {
    /// Steps through the whole operation.
    pub fn record(tracee: &Tracee, code: &Code) -> Result<(Self, Stand)> {
        Self::record_until(tracee, code, |_| false)
    }

    /// The same, up to a call of the kernel before which the registers are such. It is not executed.
    pub fn record_until(
        tracee: &Tracee,
        code: &Code,
        ends: impl Fn(&Registers) -> bool,
    ) -> Result<(Self, Stand)> {
        let mut steps = Vec::new();
        let mut counts: HashMap<u64, u32> = HashMap::new();
        let mut arena = tracee.arena()?;
        let stand = loop {
            let registers = tracee.registers()?;
            let address = tracee.relative(&registers);
            let inside = code.is_inside(address);
            if code.is_call_of_the_kernel(address) && ends(&registers) {
                break Stand::At(address);
            }
            let is_change = code.is_change(address, &registers, &arena);
            let before = if inside { counts.entry(address).or_default() } else { &mut 0 };
            steps.push(Step {
                address: if inside { address } else { 0 },
                before: *before,
                is_ours: code.is_ours(address),
                is_change,
            });
            *before += 1;
            let stand = tracee.step()?;
            if !matches!(stand, Stand::At(_)) {
                break stand;
            }
            if arena.is_none() && steps.len().is_multiple_of(64) {
                arena = tracee.arena()?;
            }
            anyhow::ensure!(steps.len() < MOST_STEPS, "the operation has not ended after {MOST_STEPS} steps");
        };
        Ok((Self { steps }, stand))
    }

    /// How many instructions were executed, all libraries included.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// The instructions before which to kill: of the project's own every `stride`-th, and, if `changes`, one for
    /// each state that the arena goes through.
    ///
    /// What a killed process leaves is what it has written into the arena and asked of the kernel. Between two such
    /// instructions all points leave the same.
    pub fn points(&self, changes: bool, stride: usize, offset: usize) -> Vec<usize> {
        let mut points = Vec::new();
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

    /// The instruction's address, and how many times it had been executed before: what a kill point is in any record.
    pub fn visit(&self, index: usize) -> (u64, u32) {
        (self.steps[index].address, self.steps[index].before)
    }

    /// The cheapest way to the instruction.
    pub fn route(&self, index: usize) -> Route {
        let from = index.saturating_sub(LOOK_BACK);
        let cost = |at: &usize| {
            let breaks = u64::from(self.steps[*at].before + 1) * BREAK_COST;
            breaks + (index - at) as u64 * STEP_COST
        };
        let inside = (from..=index).filter(|at| self.steps[*at].address != 0);
        let start = inside.min_by_key(cost).unwrap_or(index);
        let step = self.steps[start];
        Route {
            address: self.steps[index].address,
            breakpoint: step.address,
            times: step.before + 1,
            steps: index - start,
        }
    }
}

impl Route {
    /// Leads the victim there. `false`: it took another way this time.
    pub fn follow(&self, tracee: &Tracee) -> Result<(bool, Stand)> {
        let mut stand = tracee.run_to(self.breakpoint, self.times)?;
        for _ in 0..self.steps {
            if !matches!(stand, Stand::At(_)) {
                return Ok((false, stand));
            }
            stand = tracee.step()?;
        }
        Ok((stand == Stand::At(self.address), stand))
    }
}
