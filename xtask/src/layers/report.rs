//! The output: a table of all packages, then each broken rule.

use crate::layers::graph::Circle;
use crate::layers::rules::Findings;
use crate::source::package::Package;
use crate::source::references::References;
use comfy_table::{CellAlignment, Table, presets};
use std::fmt::Write as _;

pub struct Measured {
    pub package: Package,
    pub references: References,
    pub findings: Findings,
}

pub fn text(all: &[Measured]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN).set_header([
        "package",
        "files",
        "folders",
        "in src",
        "most in a folder",
        "longest",
        "arrows",
        "in import circles",
        "in call circles",
        "methods away",
        "upward",
        "broken",
    ]);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for Measured { package, references, findings } in all {
        let floors =
            if package.layers.is_some() { findings.upward.to_string() } else { "no layers.txt".to_owned() };
        table.add_row([
            package.folder.clone(),
            package.sources.len().to_string(),
            findings.folders.to_string(),
            findings.entries.to_string(),
            findings.most_files.to_string(),
            findings.longest.to_string(),
            references
                .arrows
                .iter()
                .map(|arrow| (&arrow.from, &arrow.to))
                .collect::<std::collections::BTreeSet<_>>()
                .len()
                .to_string(),
            size(&findings.import_circles),
            size(&findings.call_circles),
            references.placed_away.to_string(),
            floors,
            findings.broken.len().to_string(),
        ]);
    }
    let mut text = format!("{table}\n");
    for broken in all.iter().flat_map(|measured| &measured.findings.broken) {
        let _ = writeln!(text, "\n{}: {}\n  do: {}", broken.place, broken.wrong, broken.remedy);
    }
    text
}

/// How many files each circle has: `11+2`.
fn size(circles: &[Circle]) -> String {
    let sizes: Vec<String> = circles.iter().map(|circle| circle.files.len().to_string()).collect();
    if sizes.is_empty() { "0".to_owned() } else { sizes.join("+") }
}
