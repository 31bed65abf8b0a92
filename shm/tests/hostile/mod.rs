//! An arena that is damaged while operations run on it. The plain tests and the fuzz targets (`fuzz/`) share this; they
//! differ in the source of their choices.
#![allow(dead_code, reason = "each of them uses a part of it")]

pub mod operations;
pub mod raw;
pub mod script;

/// The source of choices: a generator of random numbers, or the bytes of a fuzzer.
pub trait Choices {
    /// A number below `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize;
    /// Any word.
    fn word(&mut self) -> u64;

    /// One of `these`.
    fn one_of<T: Copy>(&mut self, these: &[T]) -> T
    where
        Self: Sized,
    {
        these[self.below(these.len())]
    }
}

impl Choices for arbitrary::Unstructured<'_> {
    fn below(&mut self, end: usize) -> usize {
        // Without bytes left: the first of all choices.
        self.choose_index(end).unwrap_or(0)
    }

    fn word(&mut self) -> u64 {
        self.arbitrary().unwrap_or(0)
    }
}
