//! The table of calls from client processes to a server process: the rate, the tail, and the processor time of a call.

use super::figure::Figure;
use super::verdict::verdict;
use super::{Report, in_unit, times};
use crate::measure::{Better, Unit, full_name};
use crate::row::Row;
use comfy_table::{Cell, CellAlignment, Table};

/// Whether the row stands in this table.
pub fn has(row: &Row) -> bool {
    row.jacinth.unit() == Unit::CallsPerSecond
}

/// The columns before the ratio.
const FIGURES: [&str; 9] =
    ["figure", "of", "calls/s", "min", "p50", "p99", "p99.9", "CPU s per 10⁶ calls", "min"];

/// A row for each service.
pub fn fill(report: &Report<'_>) -> Table {
    let mut table = Table::new();
    table.set_header(FIGURES.into_iter().chain(["jacinth ÷ it", "target", ""]));
    for column in table.column_iter_mut().take(FIGURES.len() + 2).skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for (index, row) in report.rows.iter().filter(|row| has(row)).enumerate() {
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
        let mut cells = vec![Cell::new(if index == 0 { row.name } else { "" }), Cell::new(measured.who())];
        let figure = match report.figure(measured) {
            Ok(figure) => figure,
            Err(why) => {
                cells.push(Cell::new(format!("failed: {why}")).set_alignment(CellAlignment::Left));
                table.add_row(cells);
                continue;
            }
        };
        cells.extend(figures(&figure).map(Cell::new));
        let Some(jacinth) = jacinth.as_ref().ok().filter(|_| index > 0) else {
            table.add_row(cells);
            continue;
        };
        let ratio = jacinth.p50 / figure.p50;
        match row.bound_for(&full_name(measured)) {
            Some(bound) => cells.extend(verdict(Better::Higher, ratio, bound, [jacinth, &figure])),
            None => cells.push(Cell::new(times(ratio))),
        }
        table.add_row(cells);
        if index > 1 {
            continue;
        }
        let slowest = report.ratio_of_slowest_rounds(row).filter(|_| row.compares_slowest_rounds());
        let time = report.ratio_of_processor_times(row).zip(row.bound_for_processor_time());
        let lines = [
            ("slowest round", Better::Higher, slowest.map(|ratio| (ratio, 1.0))),
            ("processor time", Better::Lower, time),
        ];
        for (name, better, compared) in lines {
            if let Some((ratio, bound)) = compared {
                let mut cells = vec![Cell::new(""), Cell::new(name)];
                cells.resize_with(FIGURES.len(), || Cell::new(""));
                cells.extend(verdict(better, ratio, bound, [jacinth, &figure]));
                table.add_row(cells);
            }
        }
    }
}

/// The cells of a figure.
fn figures(figure: &Figure) -> [String; 7] {
    let doubt = if figure.disturbed { "~ " } else { "" };
    let rate = |value| in_unit(value, Unit::CallsPerSecond);
    let each = figure.each.as_ref();
    let latency = |ns: Option<u64>| ns.map_or_else(String::new, |ns| in_unit(ns as f64, Unit::Nanoseconds));
    // A microsecond for a call is a second for a million of them.
    let seconds = |ns: Option<f64>| ns.map_or_else(String::new, |ns| format!("{:.2} s", ns / 1e3));
    let time = figure.processor_time.as_ref();
    [
        format!("{doubt}{}", rate(figure.p50)),
        rate(figure.min),
        latency(each.map(|each| each.p50)),
        latency(each.map(|each| each.p99)),
        latency(each.map(|each| each.p99_9)),
        seconds(time.map(|time| time.p50)),
        seconds(time.map(|time| time.min)),
    ]
}
