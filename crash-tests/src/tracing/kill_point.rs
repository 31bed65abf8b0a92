//! An instruction of a recorded operation, and how another victim gets there quickly.
//!
//! A single step costs some ten microseconds. To reach instruction i by i steps, for every i, would cost the square of
//! the operation's length. So a later victim runs at full speed into a breakpoint at the same instruction, as often as
//! the record says; or into one a little before it, and steps from there.

use crate::tracing::tracee::{StopState, Tracee};
use anyhow::Result;
use serde::{Deserialize, Serialize};

/// An instruction before which a victim is to be stopped.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct KillPoint {
    /// The instruction's address.
    pub address: u64,
    /// The address of the breakpoint.
    pub(super) breakpoint: u64,
    /// How many times the victim runs into the breakpoint.
    pub(super) hits: u32,
    /// How many single steps follow the last hit.
    pub(super) steps: usize,
}

impl KillPoint {
    /// Leads the victim there. `false`: it took another path this time.
    pub fn reach(&self, tracee: &Tracee) -> Result<(bool, StopState)> {
        let mut state = tracee.run_to(self.breakpoint, self.hits)?;
        for _ in 0..self.steps {
            if !matches!(state, StopState::At(_)) {
                return Ok((false, state));
            }
            state = tracee.step()?;
        }
        // The same steps can lead elsewhere: a CAS that failed or a sleeper that was there changes the path.
        Ok((state == StopState::At(self.address), state))
    }
}
