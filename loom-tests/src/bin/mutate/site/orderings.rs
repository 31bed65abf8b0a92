//! `ORDERINGS.md` is written by hand. These tests fail when it names a file, a function or a model that does not exist, and
//! when no row names the function of an ordering that is weakened.

use crate::site;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The names of the page's rows.
#[derive(Default)]
struct Page {
    /// Files, by their paths below `shm/src` without `.rs`, each with a function.
    functions: BTreeSet<(String, String)>,
    /// Names without a file: words of the arena, and files as a whole.
    alone: BTreeSet<String>,
    /// Files of models, each with a model. The model is empty where a row names all models of the file.
    models: BTreeSet<(String, String)>,
}

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn shm_sources() -> PathBuf {
    package().join("../shm/src")
}

impl Page {
    fn read() -> Self {
        let text = fs::read_to_string(package().join("ORDERINGS.md")).unwrap();
        let rows = text.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
        let mut page = Self::default();
        for row in rows {
            let cells = row.trim_start_matches("| ").trim_end_matches(" |").split(" | ");
            let [ordering, partner, effect, models] = cells.collect::<Vec<_>>()[..] else {
                panic!("a row has four cells: {row}")
            };
            [ordering, partner, effect].iter().for_each(|cell| page.add_functions(cell));
            page.add_models(models);
        }
        page
    }

    /// A file and a colon come before its functions, which commas separate.
    fn add_functions(&mut self, cell: &str) {
        let parts: Vec<_> = cell.split('`').collect();
        let mut file = None;
        for named in parts[1..].chunks_exact(2) {
            let (name, behind) = (named[0].to_owned(), named[1]);
            match &file {
                _ if behind == ": " => {
                    file = Some(name);
                    continue;
                }
                Some(file) => _ = self.functions.insert((String::clone(file), name)),
                None => _ = self.alone.insert(name),
            }
            if behind != ", " {
                file = None;
            }
        }
    }

    /// `file: all`, or `file:` and its models, with a semicolon between files; or `none:` and a reason.
    fn add_models(&mut self, cell: &str) {
        for of_file in cell.split("; ") {
            let (file, names) =
                of_file.split_once(": ").unwrap_or_else(|| panic!("a file and a colon: {cell}"));
            if file == "none" {
                continue;
            }
            let names: Vec<_> =
                if names == "all" { vec![""] } else { names.split('`').skip(1).step_by(2).collect() };
            self.models.extend(names.into_iter().map(|name| (file.to_owned(), name.to_owned())));
        }
    }
}

/// The source of a file of shm that is named without `.rs`.
fn source(name: &str) -> Option<String> {
    let file = shm_sources().join(name);
    fs::read_to_string(file.with_extension("rs")).or_else(|_| fs::read_to_string(file.join("mod.rs"))).ok()
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|found| found == word)
}

/// The files and functions of all orderings that are weakened.
fn weakened() -> BTreeSet<(String, String)> {
    let sites = site::read(&shm_sources()).unwrap().sites.into_iter();
    let named = sites.map(|site| {
        let file = site.file.trim_end_matches(".rs");
        (file.strip_suffix("/mod").unwrap_or(file).to_owned(), site.function)
    });
    named.collect()
}

#[test]
fn page_names_functions_that_exist() {
    let page = Page::read();
    let is_there = |(file, function): &&(String, String)| {
        source(file)
            .is_some_and(|text| ["(", "<"].iter().any(|end| text.contains(&format!("fn {function}{end}"))))
    };
    let missing: Vec<_> = page.functions.iter().filter(|named| !is_there(named)).collect();
    assert!(missing.is_empty(), "ORDERINGS.md names functions that do not exist: {missing:?}");
    let texts: Vec<_> = page.functions.iter().filter_map(|(file, _)| source(file)).collect();
    let is_known = |name: &&String| {
        if name.contains('/') {
            source(name).is_some()
        } else {
            texts.iter().any(|text| has_word(text, name))
        }
    };
    let missing: Vec<_> = page.alone.iter().filter(|name| !is_known(name)).collect();
    assert!(missing.is_empty(), "ORDERINGS.md names files or words that do not exist: {missing:?}");
}

#[test]
fn page_names_models_that_exist() {
    let is_there = |(file, model): &&(String, String)| {
        let text = fs::read_to_string(package().join("tests").join(file).with_extension("rs"));
        text.is_ok_and(|text| model.is_empty() || has_word(&text, model))
    };
    let page = Page::read();
    let missing: Vec<_> = page.models.iter().filter(|named| !is_there(named)).collect();
    assert!(missing.is_empty(), "ORDERINGS.md names models that do not exist: {missing:?}");
}

#[test]
fn page_names_each_weakened_ordering() {
    let page = Page::read();
    let missing: Vec<_> = weakened().into_iter().filter(|named| !page.functions.contains(named)).collect();
    assert!(missing.is_empty(), "no row of ORDERINGS.md names these functions: {missing:?}");
}
