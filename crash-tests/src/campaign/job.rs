//! A job: one operation and one kind of fault.

use crate::operation::spec::{ActingThread, EntryMode, OperationSpec};
use crate::testbed::recovery_step::RecoveryStep;
use crate::tracing::trace::Visit;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// The fault at a kill point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Kill the victim
    Kill,
    /// Stop the victim for a while, and let it go on
    Stop,
    /// Kill the victim, and then a process that recovers it, at every point of the recovery
    KillRecoverer,
    /// Kill the victim, and then the supervisor that recovers it: its successor finishes
    KillLeader,
}

impl Fault {
    /// Whether the fault can be injected in the middle of this operation.
    pub fn applies_to(self, operation: &OperationSpec) -> bool {
        match self {
            Self::Kill => true,
            // SIGSTOP stops a whole process, not one thread; and a victim that sleeps for ever does not complete its operation.
            Self::Stop => {
                operation.thread == ActingThread::Main
                    && !operation.sleeps_forever
                    && operation.entry != EntryMode::Forked
            }
            // The recoverer needs to know the victim's process slot.
            Self::KillRecoverer | Self::KillLeader => {
                !operation.sleeps_forever
                    && operation.entry == EntryMode::Spawned
                    && operation.thread == ActingThread::Main
            }
        }
    }

    /// Whether the fault is one in the middle of a recovery.
    pub fn hits_recovery(self) -> bool {
        matches!(self, Self::KillRecoverer | Self::KillLeader)
    }
}

/// The name of a value on the command line.
fn name_of(value: impl ValueEnum) -> String {
    value.to_possible_value().map_or_else(String::new, |value| value.get_name().into())
}

/// The work of one testbed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The operation's name.
    pub operation: String,
    /// The fault at each kill point.
    pub fault: Fault,
    /// A kill point at every so many instructions.
    pub stride: usize,
    /// Also a kill point between any two changes of the arena.
    pub changes: bool,
    /// Where the stride begins.
    pub seed: usize,
    /// The most kill points, spread over the whole operation.
    pub most: Option<usize>,
    /// For faults in a recovery: the number of places at which a victim is killed first.
    pub victims: usize,
    /// The only kill point.
    pub at: Option<Visit>,
    /// The step that recovery leaves out.
    pub skip_step: Option<RecoveryStep>,
}

impl Job {
    /// The command line arguments that reproduce a finding `at` an instruction.
    pub fn reproduction(&self, at: Option<Visit>) -> String {
        let mut arguments = format!("--only {}", self.operation);
        if self.fault.hits_recovery() {
            // The instruction is one of the recovery's. Without the victim's it does not identify a point.
            return format!("{arguments} --fault {} --victims {}", name_of(self.fault), self.victims);
        }
        if self.fault == Fault::Stop {
            arguments += " --fault stop";
        }
        if let Some(at) = at {
            arguments += &format!(" --at {at}");
        }
        if let Some(step) = self.skip_step {
            arguments += &format!(" --skip-step {}", name_of(step));
        }
        arguments
    }
}

impl std::fmt::Display for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.operation)?;
        f.write_str(match self.fault {
            Fault::Kill => "",
            Fault::Stop => ", stopped",
            Fault::KillRecoverer => ", recoverer killed",
            Fault::KillLeader => ", leader killed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(fault: Fault) -> Job {
        let operation = "write_1_inline".into();
        let (stride, changes, seed, most, victims) = (97, true, 0, None, 1);
        Job { operation, fault, stride, changes, seed, most, victims, at: None, skip_step: None }
    }

    #[test]
    fn a_job_survives_the_command_line() {
        let job = Job { most: Some(3), skip_step: Some(RecoveryStep::ClearRows), ..job(Fault::KillLeader) };
        let text = serde_json::to_string(&job).unwrap();
        assert_eq!(serde_json::from_str::<Job>(&text).unwrap(), job);
    }

    #[test]
    fn a_reproduction_names_what_the_finding_needs() {
        let killed = Job { skip_step: Some(RecoveryStep::ClearRows), ..job(Fault::Kill) };
        let at: Option<Visit> = "7a:3".parse().ok();
        assert_eq!(killed.reproduction(at), "--only write_1_inline --at 7a:3 --skip-step clear-rows");
        assert_eq!(job(Fault::Stop).reproduction(None), "--only write_1_inline --fault stop");
        let twice = job(Fault::KillRecoverer).reproduction(at);
        assert_eq!(twice, "--only write_1_inline --fault kill-recoverer --victims 1");
    }
}
