//! The result, as a table.

use crate::site::{Exception, Mutant};
use crate::verdict::{Outcome, Verdict};
use comfy_table::{Table, presets};
use std::collections::BTreeMap;

fn cells(mutant: &Mutant) -> [String; 4] {
    let site = &mutant.site;
    [
        format!("{}:{}", site.file, site.line),
        site.function.clone(),
        site.operation.clone(),
        format!("{} → {}", site.strong.name(), mutant.weak),
    ]
}

fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Caught(model) => model.clone(),
        Verdict::Hangs(model) => format!("{model} (hangs)"),
        Verdict::Survived(models) => format!("SURVIVED {models} models"),
        Verdict::Undecided(done, of) => format!("SURVIVED {done} of {of} models, then the time was up"),
        Verdict::Unreached => "SURVIVED: no model executes it".to_owned(),
    }
}

/// One outcome on a line.
pub fn line(outcome: &Outcome) -> String {
    format!("{}: {}", cells(&outcome.mutant).join(" "), verdict(&outcome.verdict))
}

/// The mutants, without verdicts.
pub fn of_mutants(mutants: &[Mutant]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_BORDERS_ONLY).set_header(["place", "function", "call", "ordering"]);
    table.add_rows(mutants.iter().map(cells));
    table
}

/// The orderings that are not weakened, and why.
pub fn of_exceptions(exceptions: &[Exception]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_BORDERS_ONLY).set_header(["place", "function", "not weakened"]);
    table.add_rows(exceptions.iter().map(|exception| {
        let place = format!("{}:{}", exception.file, exception.line);
        [place, exception.function.clone(), exception.reason.text().to_owned()]
    }));
    table
}

/// The outcomes.
pub fn of_outcomes(outcomes: &[&Outcome]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_BORDERS_ONLY);
    table.set_header(["place", "function", "call", "ordering", "caught by", "seconds"]);
    for outcome in outcomes {
        let took = format!("{:.1}", outcome.took.as_secs_f64());
        table.add_row(cells(&outcome.mutant).into_iter().chain([verdict(&outcome.verdict), took]));
    }
    table
}

/// The outcomes as Markdown.
pub fn markdown(outcomes: &[&Outcome]) -> String {
    let rows: String = outcomes.iter().map(|outcome| row(outcome)).collect();
    format!("| file | function | call | ordering | caught by |\n|---|---|---|---|---|\n{rows}")
}

/// One row of it, without the line and the time, which differ from run to run.
pub fn row(outcome: &Outcome) -> String {
    let [_, function, operation, weakened] = cells(&outcome.mutant);
    let (file, verdict) = (&outcome.mutant.site.file, verdict(&outcome.verdict));
    format!("| {file} | `{function}` | {operation} | {weakened} | `{verdict}` |\n")
}

/// The score of each file, and of all.
pub fn score(outcomes: &[Outcome]) -> String {
    let mut files: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for outcome in outcomes {
        let (caught, tried) = files.entry(&outcome.mutant.site.file).or_default();
        *caught += usize::from(!outcome.survived());
        *tried += 1;
    }
    let caught: usize = files.values().map(|(caught, _)| caught).sum();
    let by_file: Vec<_> =
        files.iter().map(|(file, (caught, tried))| format!("{file} {caught}/{tried}")).collect();
    let score = 100.0 * caught as f64 / outcomes.len().max(1) as f64;
    format!("{}\nscore: {caught} of {} caught, {score:.1} %", by_file.join(" · "), outcomes.len())
}
