//! The last cells of a line with a bound.

use super::figure::Figure;
use super::times;
use crate::measure::Better;
use comfy_table::Cell;

/// A ratio, its bound, and whether it is within the bound. Figures with disturbed rounds only decide nothing.
pub fn verdict(better: Better, ratio: f64, bound: f64, figures: [&Figure; 2]) -> [Cell; 3] {
    let sign = if better == Better::Lower { "≤" } else { "≥" };
    let is_met = match better.is_met(ratio, bound) {
        _ if figures.iter().any(|figure| figure.disturbed) => "disturbed",
        true => "met",
        false => "not met",
    };
    [Cell::new(times(ratio)), Cell::new(format!("{sign} {bound:.2}")), Cell::new(is_met)]
}
