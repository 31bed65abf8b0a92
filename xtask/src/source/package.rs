//! The sources of one package: all `.rs` files below its `src` and `tests` folders, and where its crates start.

use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A package as the checks see it. Paths are relative to `src`.
#[derive(Debug, Default)]
pub struct Package {
    /// Its folder in the workspace: `capi/calls`.
    pub folder: String,
    /// Its name in `Cargo.toml`: `jacinth-capi-calls`.
    pub name: String,
    /// The text of each Rust source.
    pub sources: BTreeMap<PathBuf, String>,
    /// The text of each Rust file in `tests`, by its path from the root of the workspace.
    pub tests: BTreeMap<String, String>,
    /// The file that each crate starts with: `lib.rs`, `bin/mutate/main.rs`.
    pub roots: Vec<PathBuf>,
    /// The text of `layers.txt`, where the package has one.
    pub layers: Option<String>,
}

impl Package {
    /// Reads the package of this name with its `Cargo.toml` in `folder`. `roots` are absolute; those outside `src` are left out.
    pub fn read(workspace: &Path, folder: &Path, name: &str, roots: &[PathBuf]) -> Result<Self> {
        let src = folder.join("src");
        let relative = folder.strip_prefix(workspace).unwrap_or(folder).display().to_string();
        let of_test = |(file, text): (PathBuf, _)| (format!("{relative}/tests/{}", file.display()), text);
        Ok(Self {
            sources: read(&src)?,
            tests: read(&folder.join("tests"))?.into_iter().map(of_test).collect(),
            folder: relative,
            name: name.to_owned(),
            roots: roots.iter().filter_map(|root| Some(root.strip_prefix(&src).ok()?.to_owned())).collect(),
            layers: fs::read_to_string(folder.join("layers.txt")).ok(),
        })
    }

    /// A path of this package, from the root of the workspace.
    pub fn display(&self, file: &Path) -> String {
        format!("{}/src/{}", self.folder, file.display())
    }

    /// A package of one crate, for tests.
    #[cfg(test)]
    pub fn of(sources: &[(&str, &str)]) -> Self {
        Self {
            folder: "package".to_owned(),
            name: "jacinth-package".to_owned(),
            sources: sources.iter().map(|(path, text)| (PathBuf::from(path), (*text).to_owned())).collect(),
            roots: vec![PathBuf::from("lib.rs")],
            ..Self::default()
        }
    }
}

/// The Rust files below a folder, by their paths in it; none if there is no such folder.
fn read(folder: &Path) -> Result<BTreeMap<PathBuf, String>> {
    let mut files = BTreeMap::new();
    if folder.is_dir() {
        read_folder(folder, folder, &mut files)?;
    }
    Ok(files)
}

fn read_folder(root: &Path, folder: &Path, files: &mut BTreeMap<PathBuf, String>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            read_folder(root, &path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text =
                fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            files.insert(path.strip_prefix(root).unwrap_or(&path).to_owned(), text);
        }
    }
    Ok(())
}
