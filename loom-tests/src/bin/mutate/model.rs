//! The models: the tests of the copy's binaries.

use crate::tree::Binary;
use anyhow::{Context, Result};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// One test, its time, and the sites that it passes: the last two are known after `reach`.
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
    /// Whether the model passes this site.
    pub fn reaches(&self, site: usize) -> bool {
        self.reaches.get(site / 64).is_some_and(|word| word & 1 << (site % 64) != 0)
    }
}

/// All models, by their names only.
pub fn list(binaries: &[Binary]) -> Result<Vec<Model>> {
    let mut models = Vec::new();
    for binary in binaries {
        models.extend(tests_of(binary)?);
    }
    Ok(models)
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
