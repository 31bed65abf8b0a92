//! Recovery without one of its steps: the harness must find the defects that this causes.
//!
//! The library has no switch for this. Its recovery asks a function `is_skipped`, which always answers no. This file finds
//! the function in the running program, and overwrites its first instructions with a jump to a function that says yes for one
//! step. Only this process recovers differently then, until it ends.

use crate::tracing::code::Code;
use crate::tracing::mappings::program_base;
use anyhow::{Context as _, Result, ensure};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// The function of `jacinth-shm` that is overwritten.
const IS_SKIPPED: &str = "is_skipped";

macro_rules! recovery_step {
    ($( $(#[$doc:meta])* $step:ident, )+) => {
        /// A step of recovery, from the list that `jacinth-shm` makes its own of: the numbers are the same.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[repr(u8)]
        pub enum RecoveryStep {
            $( $(#[$doc])* $step, )+
        }
    };
}
jacinth_shm::recovery_steps!(recovery_step);

/// No step has this number.
const NO_STEP: u8 = u8::MAX;

/// The number of the omitted step. It is set before anything is recovered.
static OMITTED: AtomicU8 = AtomicU8::new(NO_STEP);

/// Takes the place of `is_skipped`: its argument has the same form.
fn is_omitted(step: u8) -> bool {
    step == OMITTED.load(Relaxed)
}

impl RecoveryStep {
    /// Recovery leaves the step out from now on, in this process. No recovery may be under way.
    pub fn omit(self, code: &Code) -> Result<()> {
        OMITTED.store(self as u8, Relaxed);
        let base = program_base(std::process::id().cast_signed())? - code.first_address();
        let addresses = code.addresses_of(IS_SKIPPED)?;
        ensure!(
            !addresses.is_empty(),
            "the program has no function {IS_SKIPPED}: was it renamed, or inlined?"
        );
        let memory =
            OpenOptions::new().write(true).open("/proc/self/mem").context("this process's memory")?;
        let jump = jump_to(is_omitted as fn(u8) -> bool as usize);
        for address in addresses {
            // The kernel copies the page of the program first, and ignores that this process cannot write to it.
            memory.write_all_at(&jump, base + address)?;
        }
        Ok(())
    }
}

/// `mov rax, address; jmp rax`. The register holds neither an argument nor a value that a caller expects to keep.
fn jump_to(address: usize) -> [u8; 12] {
    let mut code = [0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xe0];
    code[2..10].copy_from_slice(&(address as u64).to_le_bytes());
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_has_the_function_to_overwrite() {
        let code = Code::of_this_program().unwrap();
        assert!(!code.addresses_of(IS_SKIPPED).unwrap().is_empty());
    }
}
