//! Which jobs the command line asks for.

use crate::campaign::job::{Fault, Job};
use crate::operation;
use crate::operation::spec::OperationSpec;
use crate::testbed::recovery_step::RecoveryStep;
use crate::tracing::trace::Visit;
use anyhow::{Result, bail};

/// The stride of a quick run: a prime, so that it does not keep step with loops.
const QUICK_STRIDE: usize = 97;
/// In a quick run: the most kill points of an operation that is a variant of another.
const QUICK_VARIANT_POINTS: usize = 60;
/// In a quick run: the recoverers and the leaders killed for one victim, and the victims stopped, per operation.
const QUICK_RECOVERERS: usize = 40;
const QUICK_LEADERS: usize = 8;
const QUICK_STOPS: usize = 4;
/// In a run of every instruction: recoverers are killed at each state that they take the arena through, and at a stride
/// over all other instructions.
const EVERY_RECOVERER_STRIDE: usize = 17;
const EVERY_LEADERS: usize = 500;
const EVERY_STOPS: usize = 40;

/// The command line's choices about jobs.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Kill at every instruction.
    pub every_instruction: bool,
    /// The given stride.
    pub stride: Option<usize>,
    /// The given operations: names or prefixes.
    pub only: Vec<String>,
    /// The given kill point.
    pub at: Option<Visit>,
    /// The given fault.
    pub fault: Option<Fault>,
    /// The given number of victims.
    pub victims: Option<usize>,
    /// Where strides begin.
    pub seed: usize,
    /// The step that recovery leaves out.
    pub skip_step: Option<RecoveryStep>,
}

/// The jobs, fault by fault.
pub fn jobs(request: &Request) -> Result<Vec<Job>> {
    let faults = match request.fault {
        Some(fault) => vec![fault],
        // A finding's instruction is a kill's unless it names another fault; and a step is left out for kills alone.
        None if request.at.is_some() || request.skip_step.is_some() => vec![Fault::Kill],
        None => vec![Fault::Kill, Fault::KillRecoverer, Fault::KillLeader, Fault::Stop],
    };
    let mut jobs = Vec::new();
    for fault in faults {
        for operation in operations(&request.only, fault)? {
            // Faults in a recovery: only where a recovery has much to do, unless they are asked for.
            if fault.hits_recovery() && request.fault.is_none() && !operation.exercises_recovery {
                continue;
            }
            jobs.push(job(request, fault, operation));
        }
    }
    Ok(jobs)
}

fn job(request: &Request, fault: Fault, operation: OperationSpec) -> Job {
    let every = request.every_instruction;
    let (stride, changes, most) = match fault {
        Fault::Kill if every => (1, false, None),
        Fault::Kill => (QUICK_STRIDE, true, operation.is_variant.then_some(QUICK_VARIANT_POINTS)),
        Fault::KillRecoverer if every => (EVERY_RECOVERER_STRIDE, true, None),
        Fault::KillRecoverer => (usize::MAX, true, Some(QUICK_RECOVERERS)),
        Fault::KillLeader => (usize::MAX, true, Some(if every { EVERY_LEADERS } else { QUICK_LEADERS })),
        Fault::Stop => (QUICK_STRIDE, true, Some(if every { EVERY_STOPS } else { QUICK_STOPS })),
    };
    let (stride, most) = request.stride.map_or((stride, most), |stride| (stride, None));
    Job {
        operation: operation.name,
        fault,
        stride,
        changes,
        seed: request.seed,
        most,
        victims: request.victims.unwrap_or(if every { 3 } else { 1 }).max(1),
        at: request.at,
        skip_step: request.skip_step,
    }
}

/// The operations of these names or prefixes to which the fault applies; all of them when none is given.
fn operations(only: &[String], fault: Fault) -> Result<Vec<OperationSpec>> {
    let all = operation::all();
    for name in only {
        if !all.iter().any(|operation| operation.name.starts_with(name)) {
            bail!("no operation is called {name}, or begins like that; --list names them");
        }
    }
    // The name of an operation means this one, also where others begin like it.
    let exact: Vec<_> = only.iter().filter(|only| all.iter().any(|known| known.name == **only)).collect();
    let is_wanted = |name: &String| {
        let is_named_by = |only: &String| name == only || !exact.contains(&only) && name.starts_with(only);
        only.is_empty() || only.iter().any(is_named_by)
    };
    let mut operations = operation::all();
    operations.retain(|operation| fault.applies_to(operation) && is_wanted(&operation.name));
    Ok(operations)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(request: &Request) -> Vec<String> {
        jobs(request).unwrap().into_iter().map(|job| job.operation).collect()
    }

    #[test]
    fn a_full_name_excludes_longer_ones() {
        let kill = Some(Fault::Kill);
        let exact = Request { only: vec!["create_event".into()], fault: kill, ..Request::default() };
        assert_eq!(names(&exact), ["create_event"]);
        let prefix = Request { only: vec!["create_eventp".into()], fault: kill, ..Request::default() };
        assert_eq!(names(&prefix), ["create_eventpair"]);
        let unknown = Request { only: vec!["no_such".into()], ..Request::default() };
        assert!(jobs(&unknown).is_err());
    }

    #[test]
    fn recovery_faults_skip_variants_by_default() {
        let default = jobs(&Request::default()).unwrap();
        let recoveries: Vec<_> = default.iter().filter(|job| job.fault == Fault::KillRecoverer).collect();
        assert!(recoveries.iter().any(|job| job.operation == "duplicate"));
        assert!(!recoveries.iter().any(|job| job.operation == "basic_info"));
        let asked = Request { fault: Some(Fault::KillRecoverer), ..Request::default() };
        assert!(names(&asked).contains(&"basic_info".into()));
    }

    #[test]
    fn every_instruction_has_a_stride_of_one() {
        let request = Request { every_instruction: true, fault: Some(Fault::Kill), ..Request::default() };
        assert!(jobs(&request).unwrap().iter().all(|job| job.stride == 1 && job.most.is_none()));
    }
}
