//! The operations of [`Process`].

use crate::arena::Arena;
use crate::arena::error::Result;
use crate::arena::word::leader::ProcessIdentity;
use crate::arena::word::row::ProcessSlot;
use crate::lifecycle::{create, exhausted, scavenge};
use crate::memory::pressure;
use crate::object::bind;
use crate::object::port::{evaluate, observe};
use crate::process::{Process, slots};
use crate::signal::observers::{self, Observers};
use std::sync::Arc;

impl Process {
    /// The most slots that the arena has ever had in use at once.
    pub fn used_slots(&self) -> u32 {
        create::used_slots(self)
    }

    /// Registers how to start the thread that runs [`run_scavenger`](Self::run_scavenger).
    pub fn set_scavenger(&self, start: impl Fn() -> bool + Send + Sync + 'static) {
        self.scavenger.set_start(start)
    }

    /// The scavenger's loop: has the idle channels of this process give back the memory that they keep, for as long as
    /// `go_on` says so. It asks `go_on` every few seconds. For a thread of its own.
    pub fn run_scavenger(self: &Arc<Self>, go_on: impl Fn() -> bool) {
        scavenge::run_scavenger(self, go_on)
    }

    /// Attaches to a process slot, as `identity`. `seed` makes this process's handle values its own.
    ///
    /// `BadState` for a process slot that was given up, and for one that the supervisor recorded for another process.
    /// The other may be this process under another number, in another PID namespace, where no process could watch it.
    pub fn attach(
        arena: Arc<Arena>,
        process_slot: ProcessSlot,
        identity: impl Into<ProcessIdentity>,
        seed: u32,
    ) -> Result<Arc<Self>> {
        // Before the process is attached: none of its threads can run out of blocks earlier.
        pressure::register(exhausted::take_block_that_comes_back);
        observers::register(Observers {
            evaluate: evaluate::evaluate,
            end_of_handle: observe::end_of_handle,
        });
        let process = slots::attach(arena, process_slot, identity, seed)?;
        // No thread has the process yet, so none can look the startup handle up before its half is bound.
        bind::bind_startup_handle(&process);
        Ok(process)
    }
}
