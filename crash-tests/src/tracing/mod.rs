//! Single-stepping other processes by ptrace: the program's instructions, a recorded operation, and the way back to one
//! of its instructions.

pub mod code;
pub mod kill_point;
pub mod mappings;
pub mod registers;
pub mod trace;
pub mod tracee;
