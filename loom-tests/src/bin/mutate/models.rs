//! The models, which orderings each passes, and how long it takes.

use crate::tree::Binary;
use crate::trial::{Ended, Progress, in_parallel, run_model};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// One test.
#[derive(Clone, Debug)]
pub struct Model {
    pub binary: PathBuf,
    /// Its file and its name.
    pub name: String,
    pub test: String,
    pub takes: Duration,
    pub reaches: Vec<u64>,
}

impl Model {
    pub fn reaches(&self, site: usize) -> bool {
        self.reaches.get(site / 64).is_some_and(|word| word & 1 << (site % 64) != 0)
    }
}

/// No model takes longer than this when nothing is weakened.
const LONGEST: Duration = Duration::from_secs(600);

/// All models, by their names alone.
pub fn list(binaries: &[Binary]) -> Result<Vec<Model>> {
    let mut models = Vec::new();
    for binary in binaries {
        models.extend(tests_of(binary)?);
    }
    Ok(models)
}

/// Runs each of these models once, with nothing weakened. One that takes too long is left out.
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
            // A test that touches no arena tells nothing.
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

/// Whether what a model told is still true of its binary.
fn is_newer(told: &Path, binary: &Path) -> Result<bool> {
    let Ok(told) = told.metadata() else { return Ok(false) };
    Ok(told.modified()? > binary.metadata()?.modified()?)
}

fn tests_of(binary: &Binary) -> Result<Vec<Model>> {
    let listed = Command::new(&binary.path).args(["--list", "--format", "terse"]).output()?;
    let listed = String::from_utf8(listed.stdout).context("names of tests")?;
    let tests = listed.lines().filter_map(|line| line.strip_suffix(": test"));
    let models = tests.map(|test| Model {
        binary: binary.path.clone(),
        name: format!("{}::{test}", binary.name),
        test: test.to_owned(),
        takes: Duration::ZERO,
        reaches: Vec::new(),
    });
    Ok(models.collect())
}
