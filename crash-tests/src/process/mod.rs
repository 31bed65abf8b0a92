//! The processes that are stepped through.

pub mod recoverer;
pub mod victim;
