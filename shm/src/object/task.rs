//! Tasks: jobs, processes, threads, and the root of an address space. So far they are names, with a koid, signals and
//! properties.

use crate::object::class::Class;

pub(crate) struct Process;
impl Class for Process {
    const NUMBER: u8 = 1;
    type Progress = ();
}

pub(crate) struct Thread;
impl Class for Thread {
    const NUMBER: u8 = 2;
    type Progress = ();
}

pub(crate) struct Job;
impl Class for Job {
    const NUMBER: u8 = 17;
    type Progress = ();
}

pub(crate) struct Vmar;
impl Class for Vmar {
    const NUMBER: u8 = 18;
    type Progress = ();
}
