//! What is printed at the end: a table of the operations, and one line of JSON.

use crate::campaign::Deed;
use crate::campaign::progress::Kind;
use crate::cli::run::Outcome;
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use std::collections::HashSet;

/// The last line.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Operations that were looked at.
    pub operations: usize,
    /// Kill points of all of them.
    pub kill_points: usize,
    /// Victims that were killed at one.
    pub kills: usize,
    /// Recoverers that were killed, after their victims.
    pub double_kills: usize,
    /// Supervisors that were killed, after their victims.
    pub supervisors_killed: usize,
    /// Victims that were stopped and went on.
    pub stops: usize,
    /// Points, of any kind, that no victim came by again.
    pub missed: usize,
    /// Things left over.
    pub leaks: usize,
    /// Audits that found something out of place.
    pub audit_failures: usize,
    /// Sleepers that slept on.
    pub lost_wakes: usize,
    /// Things that a survivor must not have seen.
    pub broken_promises: usize,
    /// Victims that did not come to an end.
    pub hangs: usize,
    /// Victims that failed at what they were to do.
    pub failed_victims: usize,
    /// How long it took, in seconds.
    pub seconds: f64,
}

impl Summary {
    /// Of these outcomes.
    pub fn of(outcomes: &[Outcome], seconds: f64) -> Self {
        let names: HashSet<_> = outcomes.iter().map(|outcome| &outcome.orders.operation).collect();
        let mut summary = Self { operations: names.len(), seconds, ..Self::default() };
        for outcome in outcomes {
            if outcome.orders.deed == Deed::Kill {
                summary.kill_points += outcome.points;
            }
            *match outcome.orders.deed {
                Deed::Kill => &mut summary.kills,
                Deed::KillTwice => &mut summary.double_kills,
                Deed::KillSupervisor => &mut summary.supervisors_killed,
                Deed::Stop => &mut summary.stops,
            } += outcome.kills;
            summary.missed += outcome.missed;
            for finding in &outcome.findings {
                *match finding.kind {
                    Kind::Leak => &mut summary.leaks,
                    Kind::Audit => &mut summary.audit_failures,
                    Kind::LostWake => &mut summary.lost_wakes,
                    Kind::Promise => &mut summary.broken_promises,
                    Kind::Hang => &mut summary.hangs,
                    Kind::Victim => &mut summary.failed_victims,
                } += 1;
            }
        }
        summary
    }

    /// How many failures there are of any kind.
    pub fn failures(&self) -> usize {
        self.leaks
            + self.audit_failures
            + self.lost_wakes
            + self.broken_promises
            + self.hangs
            + self.failed_victims
    }
}

/// A row an operation.
pub fn table(outcomes: &[Outcome]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["operation", "instructions", "points", "done", "missed", "seconds", "found"]);
    for outcome in outcomes {
        let found = match outcome.findings.as_slice() {
            [] => "nothing".into(),
            findings => {
                findings.iter().map(|finding| finding.kind.to_string()).collect::<Vec<_>>().join(", ")
            }
        };
        table.add_row([
            outcome.orders.to_string(),
            outcome.instructions.to_string(),
            outcome.points.to_string(),
            outcome.kills.to_string(),
            outcome.missed.to_string(),
            format!("{:.1}", outcome.took.as_secs_f64()),
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
