//! `xtask layers`: whether the folders of each package tell its architecture, found from the sources.

mod floors;
mod graph;
mod report;
mod rules;
mod test_names;

use crate::layers::report::Measured;
use crate::source::package::Package;
use crate::source::references::References;
use anyhow::{Context, Result, ensure};
use cargo_metadata::MetadataCommand;
use std::io::{ErrorKind, Write as _, stdout};

/// The packages to check, and the form of the output.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Only the package with this name, or in this folder.
    pub package: Option<&'a str>,
    pub graph: bool,
}

/// Checks the packages and prints the findings. Gives the number of broken rules.
pub fn run(wanted: Wanted) -> Result<usize> {
    let mut all = Vec::new();
    for package in packages(wanted.package)? {
        let references = References::of(&package).with_context(|| format!("package {}", package.folder))?;
        let findings = rules::check(&package, &references)?;
        all.push(Measured { package, references, findings });
    }
    let text = if wanted.graph {
        all.iter().map(|measured| graph::dot(&measured.package.folder, &measured.references)).collect()
    } else {
        report::text(&all)
    };
    match stdout().write_all(text.as_bytes()) {
        // The reader has seen enough: `layers | head`.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
        written => written?,
    }
    Ok(all.iter().map(|measured| measured.findings.broken.len()).sum())
}

/// The workspace's packages, by cargo's own account.
fn packages(wanted: Option<&str>) -> Result<Vec<Package>> {
    let metadata = MetadataCommand::new().no_deps().other_options(vec!["--offline".to_owned()]).exec()?;
    let mut packages = Vec::new();
    for package in metadata.workspace_packages() {
        let folder = package.manifest_path.parent().context("a manifest in no folder")?;
        let relative = folder.strip_prefix(&metadata.workspace_root).unwrap_or(folder);
        if wanted.is_none_or(|wanted| wanted == package.name.as_str() || wanted == relative.as_str()) {
            let roots: Vec<_> =
                package.targets.iter().map(|target| target.src_path.clone().into_std_path_buf()).collect();
            let workspace = metadata.workspace_root.as_std_path();
            packages.push(Package::read(workspace, folder.as_std_path(), package.name.as_str(), &roots)?);
        }
    }
    ensure!(!packages.is_empty(), "no package is called {}", wanted.unwrap_or("anything"));
    Ok(packages)
}
