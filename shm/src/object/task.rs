//! Tasks: jobs, processes, threads, and the root of an address space. So far they are names, with a koid, signals and
//! properties.

use crate::object::class::Class;

pub(crate) struct Process;
impl Class for Process {
    type Progress = ();
}

pub(crate) struct Thread;
impl Class for Thread {
    type Progress = ();
}

pub(crate) struct Job;
impl Class for Job {
    type Progress = ();
}

pub(crate) struct Vmar;
impl Class for Vmar {
    type Progress = ();
}
