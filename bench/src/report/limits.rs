//! The limits of the machine, as this run measured them.

use super::figure::Figure;
use super::{Report, in_unit};
use crate::measure::Unit;
use crate::row::{LIMITS, Limit};
use comfy_table::{Cell, CellAlignment, Table};
use serde_json::{Map, Value, json};

/// A row for each limit.
pub fn fill(report: &Report<'_>) -> Table {
    let mut table = Table::new();
    table.set_header(["limit", "of this machine", "median", "min", "max"]);
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for limit in LIMITS {
        let mut cells = vec![Cell::new(limit.name), Cell::new(limit.about)];
        match report.figure(limit.measured) {
            Ok(figure) => {
                let doubt = if figure.disturbed { "~ " } else { "" };
                let [p50, min, max] = nanoseconds(limit, &figure).map(|ns| in_unit(ns, Unit::Nanoseconds));
                cells.extend([format!("{doubt}{p50}"), min, max].map(Cell::new));
            }
            Err(why) => {
                cells.push(Cell::new(format!("failed: {why}")).set_alignment(CellAlignment::Left));
            }
        }
        table.add_row(cells);
    }
    table
}

/// The limits in nanoseconds, by name.
pub fn json(report: &Report<'_>) -> Value {
    Value::Object(Map::from_iter(LIMITS.iter().map(|limit| {
        let value = match report.figure(limit.measured) {
            Ok(figure) => {
                let [p50, min, max] = nanoseconds(limit, &figure);
                json!({
                    "unit": Unit::Nanoseconds.symbol(),
                    "p50": p50, "min": min, "max": max,
                    "rounds": figure.rounds, "disturbed": figure.disturbed,
                })
            }
            Err(why) => json!({ "error": why }),
        };
        (limit.name.to_owned(), value)
    })))
}

/// The medians of the limits, in one line.
pub fn line(report: &Report<'_>) -> String {
    let told = LIMITS.iter().map(|limit| {
        let median = report
            .figure(limit.measured)
            .map_or_else(str::to_owned, |figure| in_unit(limit.nanoseconds(figure.p50), Unit::Nanoseconds));
        format!("{} {median}", limit.about)
    });
    told.collect::<Vec<_>>().join("; ")
}

/// Median, least and most: a rate's least is the most of the time for one.
fn nanoseconds(limit: &Limit, figure: &Figure) -> [f64; 3] {
    let [p50, min, max] = [figure.p50, figure.min, figure.max].map(|value| limit.nanoseconds(value));
    [p50, min.min(max), max.max(min)]
}
