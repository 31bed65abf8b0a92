//! A run: its rounds, the second process that plays the far sides, and the members of teams.

pub mod member;
pub mod partner;
pub mod schedule;
