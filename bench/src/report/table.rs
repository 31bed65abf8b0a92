//! The tables: of the machine's limits, of the rows, and of the rows of calls, which have columns of their own.

use super::verdict::verdict;
use super::{Report, calls, in_unit, limits, times, versions};
use crate::measure::{Unit, full_name};
use crate::report::plain;
use crate::row::Row;
use comfy_table::{Cell, CellAlignment, Table, presets};

/// The tables of a report for the terminal, and below them the conditions of the run. Markdown where the output is no
/// terminal.
pub fn table(report: &Report<'_>) -> String {
    if !plain::is_terminal() {
        return markdown(report);
    }
    let tables = tables(report).map(|mut table| {
        plain::style(&mut table);
        table.to_string()
    });
    format!("{}\n{}\n", tables.collect::<Vec<_>>().join("\n\n"), footnotes(report))
}

/// The same as Markdown.
pub fn markdown(report: &Report<'_>) -> String {
    let tables = tables(report).map(|mut table| {
        table.load_preset(presets::ASCII_MARKDOWN);
        table.to_string()
    });
    format!("{}\n\n{}\n", tables.collect::<Vec<_>>().join("\n\n"), footnotes(report))
}

/// The tables that have rows.
fn tables(report: &Report<'_>) -> impl Iterator<Item = Table> {
    [limits::fill(report), fill(report), calls::fill(report)].into_iter().filter(|table| !table.is_empty())
}

fn fill(report: &Report<'_>) -> Table {
    let mut table = Table::new();
    table.set_header([
        "figure",
        "of",
        "median",
        "min",
        "max",
        "p99",
        "p99.9",
        "worst",
        "jacinth ÷ it",
        "target",
        "",
    ]);
    for column in 2..10 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for (index, row) in report.rows.iter().filter(|row| !calls::has(row)).enumerate() {
        if index > 0 {
            table.add_row([""]);
        }
        add(&mut table, report, row);
    }
    table
}

fn add(table: &mut Table, report: &Report<'_>, row: &Row) {
    let jacinth = report.figure(row.jacinth);
    for (index, measured) in row.measurements().enumerate() {
        let unit = measured.unit();
        let mut cells = vec![Cell::new(if index == 0 { row.name } else { "" }), Cell::new(measured.who())];
        let figure = match report.figure(measured) {
            Ok(figure) => figure,
            Err(why) => {
                cells.push(Cell::new(format!("failed: {why}")).set_alignment(CellAlignment::Left));
                table.add_row(cells);
                continue;
            }
        };
        let doubt = if figure.disturbed { "~ " } else { "" };
        cells.push(Cell::new(format!("{doubt}{}", in_unit(figure.p50, unit))));
        cells.extend([figure.min, figure.max].map(|value| Cell::new(in_unit(value, unit))));
        cells.extend(match &figure.each {
            Some(each) => {
                [each.p99, each.p99_9, each.max].map(|ns| Cell::new(in_unit(ns as f64, Unit::Nanoseconds)))
            }
            None => ["", "", ""].map(Cell::new),
        });
        if index > 0
            && let Ok(jacinth) = &jacinth
        {
            let ratio = jacinth.p50 / figure.p50;
            match row.bound_for(&full_name(measured)) {
                Some(bound) => cells.extend(verdict(unit.better(), ratio, bound, [jacinth, &figure])),
                None => cells.push(Cell::new(times(ratio))),
            }
        }
        table.add_row(cells);
        if index == 1
            && row.compares_slowest_rounds()
            && let (Ok(jacinth), Some(ratio)) = (&jacinth, report.ratio_of_slowest_rounds(row))
        {
            let mut cells = ["", "slowest round", "", "", "", "", "", ""].map(Cell::new).to_vec();
            cells.extend(verdict(unit.better(), ratio, 1.0, [jacinth, &figure]));
            table.add_row(cells);
        }
    }
}

/// The conditions of calls.
const CALLS: &str = "Calls: no process is pinned. CPU is the processor time of the server and its clients.\n";

fn footnotes(report: &Report<'_>) -> String {
    let outcome = &report.outcome;
    format!(
        "Median, min and max are over the undisturbed ones of {} rounds (~ marks a figure with disturbed rounds only); \
         p99, p99.9 and worst are of single round trips, the clock's own cost included.\n{}Two processes on {}; \
         {} attempts, {} of them disturbed after all repeats, {} repeats.\n{}, {} processors, Linux {}; {}.",
        report.rounds,
        if report.rows.iter().any(|row| calls::has(row)) { CALLS } else { "" },
        outcome.placement,
        outcome.attempts,
        outcome.disturbed,
        outcome.repeated,
        report.machine.cpu,
        report.machine.cpus,
        report.machine.kernel,
        versions().map(|(peer, version)| format!("{peer} {version}")).collect::<Vec<_>>().join(", "),
    )
}
