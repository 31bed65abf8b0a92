//! A run: its rounds, and the second process that plays the far sides.

pub mod partner;
pub mod schedule;
