//! Tasks: jobs, processes, threads, and the root of an address space. So far they are names, with a koid, signals and
//! properties.

use crate::object::class::Class;

pub(crate) struct Process;
impl Class for Process {}

pub(crate) struct Thread;
impl Class for Thread {}

pub(crate) struct Job;
impl Class for Job {}

pub(crate) struct Vmar;
impl Class for Vmar {}
