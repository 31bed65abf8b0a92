//! Runs each mutant with the models that pass the weakened ordering, until one fails.

use crate::catchers::Catchers;
use crate::model::Model;
use crate::progress::Progress;
use crate::reach::reach;
use crate::runner::{Ended, in_parallel, run_model};
use crate::site::Mutant;
use crate::table;
use crate::verdict::{Outcome, Verdict};
use anyhow::Result;
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The means of a run.
#[derive(Clone, Copy, Debug)]
pub struct Means<'a> {
    /// Where verdicts and the models that caught mutants are written.
    pub folder: &'a Path,
    /// How many models run at once.
    pub jobs: usize,
    /// Give a mutant up as a survivor after this long.
    pub limit: Duration,
}

/// Tries every mutant, and prints each verdict as it comes. The model that caught one ordering of a function is tried first
/// on the next. In a first pass each mutant runs only the models that caught it before. The other models do not even have
/// to be measured, unless a mutant survives.
pub fn run(
    mutants: &[Mutant],
    models: &[Model],
    catchers: Catchers,
    means: Means<'_>,
) -> Result<Vec<Outcome>> {
    let catchers = Mutex::new(catchers);
    let progress = Progress::new(mutants.len(), "mutants");
    let mut rows = std::fs::File::options().append(true).create(true).open(means.folder.join("rows.md"))?;
    progress.say(&format!("verdicts are written to {}", means.folder.join("rows.md").display()));
    let rows = Mutex::new(&mut rows);
    let tell = |outcome: &Outcome| -> Result<()> {
        let mut rows = rows.lock().unwrap();
        rows.write_all(table::row(outcome).as_bytes())?;
        progress.say(&table::line(outcome));
        progress.step(&outcome.mutant.site.file);
        if let Verdict::Caught(name) = &outcome.verdict {
            let mut catchers = catchers.lock().unwrap();
            catchers.note(&outcome.mutant, name);
            catchers.write(&means.folder.join("caught"))?;
        }
        Ok(())
    };
    let known: Vec<_> = {
        let catchers = catchers.lock().unwrap();
        let is_known = |model: &&Model| mutants.iter().any(|mutant| catchers.has_caught(mutant, model));
        models.iter().filter(is_known).cloned().collect()
    };
    let known = reach(known, means.folder, means.jobs)?;
    let tried = in_parallel(means.jobs, mutants.to_vec(), |mutant| {
        let mut order = catchers.lock().unwrap().order(&mutant, &known);
        order.retain(|model| catchers.lock().unwrap().has_caught(&mutant, model));
        let outcome = try_one(mutant, &order, means.limit)?;
        if !outcome.survived() {
            tell(&outcome)?;
        }
        Ok(outcome)
    })?;
    if tried.iter().all(|outcome| !outcome.survived()) {
        return Ok(tried);
    }
    let all = reach(models.to_vec(), means.folder, means.jobs)?;
    in_parallel(means.jobs, tried, |before| {
        if !before.survived() {
            return Ok(before);
        }
        let order = catchers.lock().unwrap().order(&before.mutant, &all);
        let outcome = try_one(before.mutant, &order, means.limit)?;
        tell(&outcome)?;
        Ok(outcome)
    })
}

fn try_one(mutant: Mutant, order: &[&Model], limit: Duration) -> Result<Outcome> {
    let started = Instant::now();
    let site = mutant.site.number.to_string();
    let settings = [("MUTANT_SITE", site.as_str()), ("MUTANT_WEAK", mutant.weak)];
    let mut verdict = if order.is_empty() { Verdict::Unreached } else { Verdict::Survived(order.len()) };
    for (done, model) in order.iter().enumerate() {
        if started.elapsed() > limit {
            verdict = Verdict::Undecided(done, order.len());
            break;
        }
        // A weakened ordering permits more executions: a model may take several times as long.
        let timeout = Duration::from_secs(30) + model.takes * 10;
        match run_model(model, &settings, timeout)? {
            Ended::Well => {}
            Ended::Failed => {
                verdict = Verdict::Caught(model.name.clone());
                break;
            }
            Ended::TimedOut => {
                verdict = Verdict::Hangs(model.name.clone());
                break;
            }
        }
    }
    Ok(Outcome { mutant, verdict, took: started.elapsed() })
}
