//! Stepping through other processes by ptrace.

pub mod code;
pub mod trace;
pub mod tracee;
