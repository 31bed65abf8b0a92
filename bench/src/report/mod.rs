//! The report of a run: figures over rounds, ratios, a table, JSON, plots.

mod figure;
mod json;
pub mod plain;
mod plot;
mod table;
mod versions;

pub use figure::{Figure, Tail, in_unit};
pub use json::json;
pub use plot::plots;
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
}
