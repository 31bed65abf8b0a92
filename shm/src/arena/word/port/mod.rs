//! The words of ports: what a cell of a port holds, where a ring of packets leads, and which cells observe a side.
//!
//! A cell of a port holds one observer or one user packet. Its first word (`cell`) is the truth about it. The words of
//! rings and indices only say where to look: a thread that follows one compares it with the cell.

pub(crate) mod bound;
pub(crate) mod cell;
pub(crate) mod index;
pub(crate) mod observer;
pub(crate) mod ring;
pub(crate) mod sleeper;
