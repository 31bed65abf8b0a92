//! The orderings that each model passes, and the time that it takes.

use crate::model::Model;
use crate::progress::Progress;
use crate::runner::{Ended, in_parallel, run_model};
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::time::{Duration, Instant};

/// No model takes longer than this with the sources' own orderings.
const LONGEST: Duration = Duration::from_secs(600);

/// Runs each of these models once, with the sources' own orderings, and leaves out a model that takes too long.
pub fn reach(models: Vec<Model>, folder: &Path, jobs: usize) -> Result<Vec<Model>> {
    let folder = folder.join("reached");
    std::fs::create_dir_all(&folder)?;
    let progress = Progress::new(models.len(), "models as they are");
    let models = in_parallel(jobs, models, |mut model| {
        let told = folder.join(model.name.replace("::", "-"));
        if !is_newer(&told, &model.binary)? {
            let _ = std::fs::remove_file(&told);
            let started = Instant::now();
            match run_model(&model, &[("MUTANT_REACH", &told.display().to_string())], LONGEST)? {
                Ended::Well => {}
                Ended::Failed => {
                    let _ = std::fs::remove_file(&told);
                    bail!("{} fails with nothing weakened", model.name)
                }
                Ended::TimedOut => {
                    progress.say(&format!("{} takes too long, and is left out", model.name));
                    progress.step(&model.name);
                    return Ok(None);
                }
            }
            // A test without an arena writes no file.
            let words = std::fs::read_to_string(&told).unwrap_or_default();
            std::fs::write(&told, format!("{} {words}", started.elapsed().as_millis()))?;
        }
        progress.step(&model.name);
        let words = std::fs::read_to_string(&told)?;
        let mut words = words.split_whitespace().map(str::parse);
        model.takes = Duration::from_millis(words.next().context("how long it took")??);
        model.reaches = words.collect::<Result<_, _>>()?;
        Ok(Some(model))
    })?;
    progress.finish();
    Ok(models.into_iter().flatten().collect())
}

/// Whether a model's file is newer than its binary.
fn is_newer(told: &Path, binary: &Path) -> Result<bool> {
    let Ok(told) = told.metadata() else { return Ok(false) };
    Ok(told.modified()? > binary.metadata()?.modified()?)
}
