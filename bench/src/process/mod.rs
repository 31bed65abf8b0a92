//! The processes beside the one that times.

pub mod link;
pub mod team;
pub mod victim;
