//! The report of a run: the machine's limits, figures over rounds, ratios, tables, JSON, plots.

mod calls;
mod figure;
mod json;
mod limits;
pub mod plain;
mod plot;
mod summary;
mod table;
mod verdict;
mod versions;

pub use figure::{Figure, ProcessorTime, Tail, in_unit, times};
pub use json::json;
pub use plot::plots;
pub use summary::summary;
pub use table::{markdown, table};
use versions::versions;

use crate::machine::Machine;
use crate::row::{Measured, Row};
use crate::run::schedule::Outcome;

/// A run, ready to be told.
pub struct Report<'r> {
    /// Where it was made.
    pub machine: Machine,
    /// How many rounds.
    pub rounds: u32,
    /// The rows that were asked for.
    pub rows: Vec<&'r Row>,
    /// The run's outcome.
    pub outcome: Outcome,
}

impl Report<'_> {
    /// The figure of one measurement, or why there is none.
    fn figure(&self, of: Measured) -> Result<Figure, &str> {
        match self.outcome.figures.get(&crate::measure::full_name(of)) {
            Some(Ok(attempts)) => Figure::over(attempts).ok_or("not measured"),
            Some(Err(why)) => Err(why),
            None => Err("not measured"),
        }
    }

    /// Jacinth's processor time of a call / the reference's.
    fn ratio_of_processor_times(&self, row: &Row) -> Option<f64> {
        let time = |of: Measured| Some(self.figure(of).ok()?.processor_time?.p50);
        Some(time(row.jacinth)? / time(row.reference)?)
    }

    /// Jacinth's slowest round / the reference's slowest round.
    fn ratio_of_slowest_rounds(&self, row: &Row) -> Option<f64> {
        let slowest = |of: Measured| self.figure(of).ok().map(|figure| figure.slowest(of.unit()));
        Some(slowest(row.jacinth)? / slowest(row.reference)?)
    }
}
