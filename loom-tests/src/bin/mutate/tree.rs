//! The copy of the sources in which every ordering asks whether it is the one to be weakened.

use crate::site::{Sources, Strong};
use anyhow::{Context, Result, bail, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A compiled test file of the copy.
#[derive(Clone, Debug)]
pub struct Binary {
    pub name: String,
    pub path: PathBuf,
}

/// The module that the copy's facade gains.
const INSERTED: &str = include_str!("inserted.rs");

/// Copies the workspace, rewrites its orderings, and compiles its models, or those of these files of tests. Files that are the same as last time stay
/// untouched, so that cargo compiles only the changed ones again.
pub fn build(workspace: &Path, sources: &Sources, target: &Path, tests: &[String]) -> Result<Vec<Binary>> {
    ensure!(sources.sites.len() <= 1024, "more sites than the inserted bitmap holds");
    let tree = target.join("mutants").join("tree");
    let mut copy = Copy::default();
    for entry in fs::read_dir(workspace)? {
        let path = entry?.path();
        let name = path.file_name().context("an entry has a name")?.to_owned();
        if path.join("Cargo.toml").is_file() {
            copy.gather(&path, Path::new(&name))?;
        } else if ["Cargo.toml", "Cargo.lock"].iter().any(|manifest| name == *manifest) {
            copy.files.insert(name.into(), fs::read(path)?);
        }
    }
    copy.leave_this_program_out()?;
    copy.change("shm/src/sync/mod.rs", |text| text + "\npub(crate) mod mutant;\n")?;
    copy.files.insert("shm/src/sync/mutant.rs".into(), INSERTED.into());
    let files: BTreeSet<_> = sources.sites.iter().map(|site| &site.file).collect();
    for file in files {
        copy.change(&format!("shm/src/{file}"), |text| rewritten(file, &text, sources))?;
    }
    copy.write(&tree)?;
    // A folder of its own: the copy's packages have the same names, and cargo tells them apart by their age alone.
    compile(&tree, &target.join("mutants").join("target"), tests)
}

/// The copy's files.
#[derive(Default)]
struct Copy {
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Copy {
    fn gather(&mut self, from: &Path, to: &Path) -> Result<()> {
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            let to = to.join(entry.file_name());
            if !entry.file_type()?.is_dir() {
                self.files.insert(to, fs::read(entry.path())?);
            } else if entry.file_name() != "target" {
                self.gather(&entry.path(), &to)?;
            }
        }
        Ok(())
    }

    fn change(&mut self, path: &str, change: impl FnOnce(String) -> String) -> Result<()> {
        let file = self.files.get_mut(Path::new(path)).with_context(|| format!("{path} is there"))?;
        *file = change(String::from_utf8(core::mem::take(file))?).into_bytes();
        Ok(())
    }

    fn leave_this_program_out(&mut self) -> Result<()> {
        self.files.retain(|path, _| !path.starts_with("loom-tests/src"));
        let mut cut = Err(anyhow::anyhow!("the manifest has no entry for this program"));
        self.change("loom-tests/Cargo.toml", |text| {
            let Some((before, (_, after))) =
                text.split_once("[[bin]]").and_then(|(before, bin)| Some((before, bin.split_once("\n\n")?)))
            else {
                return text;
            };
            cut = Ok(());
            format!("{before}{after}")
        })?;
        cut
    }

    fn write(&self, tree: &Path) -> Result<()> {
        remove_others(tree, Path::new(""), &self.files)?;
        for (path, bytes) in &self.files {
            let path = tree.join(path);
            if fs::read(&path).ok().as_ref() != Some(bytes) {
                fs::create_dir_all(path.parent().context("a file in a folder")?)?;
                fs::write(path, bytes)?;
            }
        }
        Ok(())
    }
}

/// Removes the files that only an earlier copy had.
fn remove_others(tree: &Path, folder: &Path, files: &BTreeMap<PathBuf, Vec<u8>>) -> Result<()> {
    let Ok(entries) = fs::read_dir(tree.join(folder)) else { return Ok(()) };
    for entry in entries {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            remove_others(tree, &path, files)?;
        } else if !files.contains_key(&path) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn rewritten(file: &str, text: &str, sources: &Sources) -> String {
    let mut text = text.to_owned();
    let mut sites: Vec<_> = sources.sites.iter().filter(|site| site.file == file).collect();
    // From the last to the first, so that offsets stay true.
    sites.sort_by_key(|site| core::cmp::Reverse(site.bytes.start));
    for site in sites {
        let (number, written) = (site.number, text[site.bytes.clone()].to_owned());
        let asked = match site.strong {
            Strong::Barrier(absent) => {
                format!("crate::sync::mutant::barrier({number}, || {written}, {absent})")
            }
            _ => format!("crate::sync::mutant::order({number}, {written})"),
        };
        text.replace_range(site.bytes.clone(), &asked);
    }
    text
}

fn compile(tree: &Path, target: &Path, tests: &[String]) -> Result<Vec<Binary>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["test", "--no-run", "--offline", "-p", "jacinth-loom-tests", "--message-format=json"])
        .args(tests.iter().flat_map(|test| ["--test", test]))
        .arg("--target-dir")
        .arg(target)
        .current_dir(tree)
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        bail!("the copy does not compile: see {}", tree.display());
    }
    let messages = String::from_utf8(output.stdout)?;
    let mut binaries = Vec::new();
    for line in messages.lines() {
        let message: serde_json::Value = serde_json::from_str(line)?;
        if let (Some(path), Some(name)) = (message["executable"].as_str(), message["target"]["name"].as_str())
        {
            binaries.push(Binary { name: name.to_owned(), path: path.into() });
        }
    }
    ensure!(!binaries.is_empty(), "the copy has no tests");
    Ok(binaries)
}
