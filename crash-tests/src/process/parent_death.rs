//! No process outlives the one that started it.

use rustix::process::{Signal, set_parent_process_death_signal};

/// The kernel kills this process when its parent ends.
pub fn die_with_parent() {
    set_parent_process_death_signal(Some(Signal::KILL)).expect("asking to die with the parent");
}
