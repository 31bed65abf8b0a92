//! Plots: one for each row, and one of all rows beside their targets.
//!
//! The compared figures lie orders of magnitude apart, so the scales are logarithmic; and since there is no zero on such a
//! scale, values are dots, not bars. A line through a dot reaches from the least to the most of the rounds.

use super::{Report, in_unit, times};
use crate::measure::Better;
use crate::row::Row;
use anyhow::{Context as _, Result};
use plotters::coord::ranged1d::SegmentValue;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::path::Path;

const JACINTH: RGBColor = RGBColor(0xc8, 0x4b, 0x11);
const REFERENCE: RGBColor = RGBColor(0x1f, 0x4e, 0x79);
const PEER: RGBColor = RGBColor(0x70, 0x70, 0x70);

/// Sizes in pixels.
const WIDTH: u32 = 760;
const LINE_HEIGHT: u32 = 26;
const FRAME_HEIGHT: u32 = 90;
const NAMES_WIDTH: u32 = 210;

/// One line of a plot.
struct Line {
    name: String,
    color: RGBColor,
    value: f64,
    min: f64,
    max: f64,
    label: String,
}

/// Writes the plots into this folder, as `targets.svg` and one file for each row under its name.
pub fn plots(report: &Report<'_>, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("making the folder {}", folder.display()))?;
    let write = |name: &str, title: &str, lines: &[Line], mark: Option<f64>, tick: &dyn Fn(f64) -> String| {
        let path = folder.join(format!("{name}.svg"));
        draw(&path, title, lines, mark, tick).with_context(|| format!("drawing {}", path.display()))
    };
    for row in &report.rows {
        let unit = row.jacinth.unit();
        let better = match unit.better() {
            Better::Lower => "less is better",
            Better::Higher => "more is better",
        };
        let title = format!("{} ({better})", row.name);
        write(row.name, &title, &lines_of_row(report, row), None, &|value| in_unit(value, unit))?;
    }
    let title = "How many times as good as the target asks (1: just met)";
    write("targets", title, &lines_of_targets(report), Some(1.0), &|times| format!("{times} ×"))
}

/// The measurements of one row, without those that failed.
fn lines_of_row(report: &Report<'_>, row: &Row) -> Vec<Line> {
    let unit = row.jacinth.unit();
    let color = |index| match index {
        0 => JACINTH,
        1 => REFERENCE,
        _ => PEER,
    };
    row.measurements()
        .enumerate()
        .filter_map(|(index, measured)| {
            let figure = report.figure(measured).ok()?;
            Some(Line {
                name: measured.who().to_owned(),
                color: color(index),
                value: figure.p50,
                min: figure.min,
                max: figure.max,
                label: in_unit(figure.p50, unit),
            })
        })
        .collect()
}

/// Each row's ratio beside its target, above 1 where it is better.
fn lines_of_targets(report: &Report<'_>) -> Vec<Line> {
    report
        .rows
        .iter()
        .filter_map(|row| {
            let (jacinth, reference) = (report.figure(row.jacinth).ok()?, report.figure(row.reference).ok()?);
            let times_better = |ratio: f64| match row.jacinth.unit().better() {
                Better::Lower => row.target / ratio,
                Better::Higher => ratio / row.target,
            };
            let value = times_better(jacinth.p50 / reference.p50);
            let color = if value >= 1.0 { REFERENCE } else { JACINTH };
            Some(Line {
                name: row.name.to_owned(),
                color,
                value,
                min: value,
                max: value,
                label: times(value),
            })
        })
        .collect()
}

fn draw(
    path: &Path,
    title: &str,
    lines: &[Line],
    mark: Option<f64>,
    tick: &dyn Fn(f64) -> String,
) -> Result<()> {
    let least = lines.iter().map(|line| line.min).chain(mark).fold(f64::INFINITY, f64::min);
    let most = lines.iter().map(|line| line.max).chain(mark).fold(0.0, f64::max);
    if lines.is_empty() || least <= 0.0 {
        return Ok(());
    }
    let count = lines.len();
    let height = FRAME_HEIGHT + LINE_HEIGHT * count as u32;
    let area = SVGBackend::new(path, (WIDTH, height)).into_drawing_area();
    area.fill(&WHITE)?;
    // On the right there is room for the label of the last dot.
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 17))
        .margin(8)
        .x_label_area_size(34)
        .y_label_area_size(NAMES_WIDTH)
        .build_cartesian_2d((least / 1.6..most * 3.0).log_scale(), (0..count - 1).into_segmented())?;
    let name = |at: &SegmentValue<usize>| match at {
        SegmentValue::CenterOf(index) => lines.get(count - 1 - index).map(|line| line.name.clone()),
        _ => None,
    };
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.12))
        .disable_y_mesh()
        .x_labels(8)
        .x_label_formatter(&|value| tick(*value))
        .y_labels(count)
        .y_label_formatter(&|at| name(at).unwrap_or_default())
        .label_style(("sans-serif", 13))
        .draw()?;
    if let Some(mark) = mark {
        let ends = [(mark, SegmentValue::Exact(0)), (mark, SegmentValue::Last)];
        chart.draw_series([PathElement::new(ends, BLACK.stroke_width(1))])?;
    }
    for (index, line) in lines.iter().enumerate() {
        let at = SegmentValue::CenterOf(count - 1 - index);
        let reach = [(line.min, at.clone()), (line.max, at.clone())];
        chart.draw_series([PathElement::new(reach, line.color.stroke_width(2))])?;
        chart.draw_series([Circle::new((line.value, at.clone()), 4, line.color.filled())])?;
        let style = ("sans-serif", 13).into_font().color(&line.color).pos(Pos::new(HPos::Left, VPos::Center));
        let label = EmptyElement::at((line.max, at)) + Text::new(line.label.clone(), (10, 0), style);
        chart.draw_series([label])?;
    }
    area.present()?;
    Ok(())
}
