//! `xtask invariants`: the invariants by number, from the comments that state them.
//!
//! A comment of a source file states an invariant at the beginning of a line: `INV-ENTRY-2: leaving LIVE is …`. Every other
//! place quotes it. The table in `docs/invariants.md` is generated.

use anyhow::{Context as _, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The page that is generated.
const PAGE: &str = "docs/invariants.md";
/// The folders with files that state invariants.
const STATED_IN: &[&str] = &["shm/src", "jacinth/src", "capi/calls/src", "bench/src"];
/// The folders with tests that quote invariants.
const TESTED_IN: &[&str] =
    &["loom-tests/tests", "shm/tests", "jacinth/tests", "capi/tests", "crash-tests/src", "crash-tests/tests"];

/// An invariant: the file that states it, and its text.
#[derive(Debug, PartialEq, Eq)]
struct Statement {
    file: String,
    text: String,
    /// On the file's first page. There an invariant is stated first of all.
    first_page: bool,
}

/// The invariants of the sources, in the order of their numbers.
#[derive(Debug, Default)]
struct Invariants {
    statements: BTreeMap<Number, Vec<Statement>>,
    /// The files that quote each number.
    quotes: BTreeMap<Number, BTreeSet<String>>,
}

/// `INV-ENTRY-2`, ordered by name and number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Number {
    area: String,
    number: u32,
}

impl core::fmt::Display for Number {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "INV-{}-{}", self.area, self.number)
    }
}

/// Writes the page, or checks that it is as it would be written. Gives the faults that were found.
pub fn run(workspace: &Path, check: bool) -> Result<Vec<String>> {
    let mut invariants = Invariants::default();
    for folder in STATED_IN {
        for file in sources(&workspace.join(folder))? {
            let text = fs::read_to_string(&file)?;
            invariants.state(&name(workspace, &file), &text);
        }
    }
    for folder in STATED_IN.iter().chain(TESTED_IN) {
        for file in sources(&workspace.join(folder))? {
            invariants.quote(&name(workspace, &file), &fs::read_to_string(&file)?);
        }
    }
    invariants.prefer_first_pages();
    let mut faults = invariants.faults();
    let page = invariants.page();
    let path = workspace.join(PAGE);
    if !check {
        fs::create_dir_all(path.parent().context("a page in a folder")?)?;
        fs::write(&path, page)?;
    } else if fs::read_to_string(&path).unwrap_or_default() != page {
        faults.push(format!("{PAGE} is not up to date: run `cargo run -p xtask -- invariants`"));
    }
    Ok(faults)
}

impl Invariants {
    /// Collects the statements of a file.
    fn state(&mut self, file: &str, text: &str) {
        let mut open: Option<(Number, Statement)> = None;
        let mut close = |open: &mut Option<(Number, Statement)>| {
            if let Some((number, statement)) = open.take() {
                self.statements.entry(number).or_default().push(statement);
            }
        };
        for line in text.lines() {
            let Some(comment) = comment_of(line) else {
                close(&mut open);
                continue;
            };
            let starts_item = comment.starts_with(['*', '-', '|', '#', '`']) || comment.is_empty();
            let comment = comment.trim_start_matches(['*', '-', ' ']).replace("**", "");
            if let Some((number, rest)) = number_at_start(&comment)
                && let Some(rest) = rest.strip_prefix(':')
            {
                close(&mut open);
                let first_page = line.trim_start().starts_with("//!");
                open = Some((
                    number,
                    Statement { file: file.to_owned(), text: rest.trim().to_owned(), first_page },
                ));
            } else if starts_item {
                close(&mut open);
            } else if let Some((_, statement)) = &mut open {
                statement.text.push(' ');
                statement.text.push_str(comment.trim());
            }
        }
        close(&mut open);
    }

    /// A comment that begins with a number elsewhere quotes an invariant that a first page states.
    fn prefer_first_pages(&mut self) {
        for statements in self.statements.values_mut() {
            if statements.iter().any(|statement| statement.first_page) {
                statements.retain(|statement| statement.first_page);
            }
        }
    }

    /// Collects the numbers that a file names.
    fn quote(&mut self, file: &str, text: &str) {
        for (at, _) in text.match_indices("INV-") {
            if let Some((number, _)) = number_at_start(&text[at..]) {
                self.quotes.entry(number).or_default().insert(file.to_owned());
            }
        }
    }

    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (number, files) in &self.quotes {
            if !self.statements.contains_key(number) {
                let files: Vec<_> = files.iter().map(String::as_str).collect();
                faults.push(format!("{number} is quoted and stated nowhere: {}", files.join(", ")));
            }
        }
        for (number, statements) in &self.statements {
            if statements.len() > 1 {
                let files: Vec<_> = statements.iter().map(|statement| statement.file.as_str()).collect();
                faults.push(format!("{number} is stated {} times: {}", files.len(), files.join(", ")));
            }
        }
        faults
    }

    fn page(&self) -> String {
        let mut page = String::from(
            "# Invariants by number\n\nGenerated from the comments that state them, by `cargo run -p xtask -- invariants`. \
             Comments, assertions and\ntests quote the numbers; the last column has the test files that do.\n\n\
             | number | stated in | invariant | tests |\n|---|---|---|---|\n",
        );
        for (number, statements) in &self.statements {
            for Statement { file, text, .. } in statements {
                let quotes = self.quotes.get(number).into_iter().flatten();
                let tests: Vec<String> = quotes
                    .filter(|quoting| TESTED_IN.iter().any(|folder| quoting.starts_with(folder)))
                    .map(|quoting| format!("`{}`", quoting.rsplit('/').next().unwrap_or(quoting)))
                    .collect();
                // Links of rustdoc lead nowhere on a page.
                let text = text.replace("[`", "`").replace("`]", "`").replace('|', "\\|");
                let _ = writeln!(page, "| {number} | `{file}` | {text} | {} |", tests.join(" "));
            }
        }
        page
    }
}

/// The text of a line that is a comment.
fn comment_of(line: &str) -> Option<&str> {
    let line = line.trim_start();
    ["//!", "///", "//"].iter().find_map(|start| line.strip_prefix(start)).map(str::trim)
}

/// `INV-ENTRY-2: text` gives the number and `: text`.
fn number_at_start(text: &str) -> Option<(Number, &str)> {
    let rest = text.strip_prefix("INV-")?;
    let (area, rest) = rest.split_once('-')?;
    let digits = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
    let is_area = !area.is_empty() && area.chars().all(|character| character.is_ascii_uppercase());
    let number = rest[..digits].parse().ok().filter(|_| is_area)?;
    Some((Number { area: area.to_owned(), number }, &rest[digits..]))
}

/// The Rust and C sources below a folder.
fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| ["rs", "c", "cc", "h"].contains(&&*extension.to_string_lossy()))
            {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn name(workspace: &Path, file: &Path) -> String {
    file.strip_prefix(workspace).unwrap_or(file).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sources: &[(&str, &str)]) -> Invariants {
        let mut invariants = Invariants::default();
        for (file, text) in sources {
            invariants.state(file, text);
            invariants.quote(file, text);
        }
        invariants
    }

    #[test]
    fn a_statement_ends_with_its_paragraph() {
        let text =
            "//! INV-A-1: one\n//! two.\n//! * INV-A-2: three | four.\n//!\n//! Not of it (INV-A-1).\nuse x;";
        let invariants = of(&[("a.rs", text)]);
        let page = invariants.page();
        assert!(page.contains("| INV-A-1 | `a.rs` | one two. |"), "{page}");
        assert!(page.contains("| INV-A-2 | `a.rs` | three \\| four. |"), "{page}");
        assert!(invariants.faults().is_empty());
    }

    #[test]
    fn quotes_without_a_statement_are_faults() {
        let invariants =
            of(&[("a.rs", "/// INV-A-1: stated.\n// See INV-B-1."), ("b.rs", "/// INV-A-1: again.")]);
        assert_eq!(invariants.faults().len(), 2);
    }
}
