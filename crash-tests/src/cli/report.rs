//! The end of the output: a table of the operations, and one line of JSON.

use crate::campaign::job::Fault;
use crate::cli::run::JobResult;
use crate::testbed::defect::DefectKind;
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use std::collections::HashSet;

/// The last line.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Operations that were run.
    pub operations: usize,
    /// Kill points of all of them.
    pub kill_points: usize,
    /// Victims that were killed at a kill point.
    pub kills: usize,
    /// Recoverers that were killed, after their victims.
    pub double_kills: usize,
    /// Leaders that were killed, after their victims.
    pub leaders_killed: usize,
    /// Victims that were stopped and went on.
    pub stops: usize,
    /// Points, of any fault, that no victim reached again.
    pub missed: usize,
    /// Leaks.
    pub leaks: usize,
    /// Audits that found an inconsistency.
    pub audit_failures: usize,
    /// Sleepers that slept on.
    pub lost_wakes: usize,
    /// Breaches of an operation's guarantee.
    pub broken_guarantees: usize,
    /// Victims that did not come to an end.
    pub hangs: usize,
    /// Victims that failed at their operation.
    pub failed_victims: usize,
    /// Testbeds that ended by an error of their own.
    pub failed_testbeds: usize,
    /// How long it took, in seconds.
    pub seconds: f64,
}

impl Summary {
    /// The summary of these results.
    pub fn of(results: &[JobResult], seconds: f64) -> Self {
        let names: HashSet<_> = results.iter().map(|result| &result.job.operation).collect();
        let mut summary = Self { operations: names.len(), seconds, ..Self::default() };
        for result in results {
            if result.job.fault == Fault::Kill {
                summary.kill_points += result.points;
            }
            *match result.job.fault {
                Fault::Kill => &mut summary.kills,
                Fault::KillRecoverer => &mut summary.double_kills,
                Fault::KillLeader => &mut summary.leaders_killed,
                Fault::Stop => &mut summary.stops,
            } += result.kills;
            summary.missed += result.missed;
            for finding in &result.findings {
                *match finding.defect.kind {
                    DefectKind::Leak => &mut summary.leaks,
                    DefectKind::Audit => &mut summary.audit_failures,
                    DefectKind::LostWake => &mut summary.lost_wakes,
                    DefectKind::BrokenGuarantee => &mut summary.broken_guarantees,
                    DefectKind::Hang => &mut summary.hangs,
                    DefectKind::Victim => &mut summary.failed_victims,
                    DefectKind::Testbed => &mut summary.failed_testbeds,
                } += 1;
            }
        }
        summary
    }

    /// The number of findings of any kind.
    pub fn failures(&self) -> usize {
        self.leaks
            + self.audit_failures
            + self.lost_wakes
            + self.broken_guarantees
            + self.hangs
            + self.failed_victims
            + self.failed_testbeds
    }
}

/// One row per job.
pub fn table(results: &[JobResult]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["operation", "instructions", "points", "done", "missed", "seconds", "found"]);
    for result in results {
        let found = match result.findings.as_slice() {
            [] => "nothing".into(),
            findings => {
                findings.iter().map(|finding| finding.defect.kind.to_string()).collect::<Vec<_>>().join(", ")
            }
        };
        table.add_row([
            result.job.to_string(),
            result.instructions.to_string(),
            result.points.to_string(),
            result.kills.to_string(),
            result.missed.to_string(),
            format!("{:.1}", result.took.as_secs_f64()),
            found,
        ]);
    }
    for column in 1..6 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::job::Job;
    use crate::campaign::progress::Finding;
    use crate::testbed::defect::Defect;
    use std::time::Duration;

    #[test]
    fn findings_of_every_kind_fail_runs() {
        use DefectKind::{Audit, BrokenGuarantee, Hang, Leak, LostWake, Testbed, Victim};
        let job: Job = serde_json::from_str(
            r#"{"operation":"signal","fault":"kill","stride":1,"changes":true,"seed":0,"victims":1}"#,
        )
        .unwrap();
        for (number, kind) in
            [Leak, Audit, LostWake, BrokenGuarantee, Hang, Victim, Testbed].into_iter().enumerate()
        {
            let defect = Defect::new(kind, "text");
            let [operation, place, reproduction] = [(); 3].map(|()| String::new());
            let finding = Finding { defect, operation, at: None, place, reproduction };
            let (job, took) = (job.clone(), Duration::ZERO);
            let result = JobResult {
                job,
                instructions: 0,
                points: 0,
                kills: 0,
                missed: 0,
                findings: vec![finding],
                took,
            };
            let summary = Summary::of(&[result], 0.0);
            assert_eq!(summary.failures(), 1, "{kind}");
            let counts = [
                summary.leaks,
                summary.audit_failures,
                summary.lost_wakes,
                summary.broken_guarantees,
                summary.hangs,
                summary.failed_victims,
                summary.failed_testbeds,
            ];
            assert_eq!(counts.iter().position(|count| *count == 1), Some(number), "{kind}");
        }
    }
}
