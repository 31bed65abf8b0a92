//! One arena, its supervisor and survivor, and one victim after another.

pub mod round;
mod watchdog;
