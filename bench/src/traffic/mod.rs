//! The stores of a write and of a read, and the cache lines that they move between two processors.
//!
//! [`exchange`] writes and reads messages by two threads in turn, and marks where each call begins and ends. Valgrind's
//! tool lackey prints every access to memory of that process. [`trace`] reads them, and [`caches`] plays two processors
//! with a cache each: a line moves when one side loads a line that only the other side holds, or stores to a line that
//! the other side holds. So the result is the same on every machine, and needs no hardware counters. Where the machine
//! has counters, [`counters`] reads them during real round trips.

pub mod caches;
pub mod counters;
pub mod exchange;
pub mod trace;
