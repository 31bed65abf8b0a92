//! The rules, and how they are broken.

use crate::layers::floors::Floors;
use crate::layers::graph::{Circle, circles};
use crate::layers::test_names;
use crate::source::package::Package;
use crate::source::references::{Arrow, Need, References};
use anyhow::{Result, anyhow};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Not part of the name of a package's folder.
const PREFIX: &str = "jacinth-";
/// Files and folders directly in `src`.
pub const MAX_ENTRIES: usize = 12;
/// Files in one folder.
pub const MAX_FILES: usize = 12;

/// Lines of one file.
pub const MAX_LINES: usize = 500;

/// A broken rule: the place, the fault, and the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// From the root of the workspace: `shm/src/wait.rs:12`.
    pub place: String,
    pub wrong: String,
    pub remedy: String,
}

/// The measures and broken rules of a package.
#[derive(Debug, Default)]
pub struct Findings {
    pub entries: usize,
    pub folders: usize,
    pub most_files: usize,
    /// The longest file, in lines.
    pub longest: usize,
    pub import_circles: Vec<Circle>,
    pub call_circles: Vec<Circle>,
    pub upward: usize,
    pub broken: Vec<Broken>,
}

pub fn check(package: &Package, references: &References) -> Result<Findings> {
    let mut findings = Findings::default();
    check_name(package, &mut findings);
    check_folders(package, &mut findings);
    check_circles(package, references, &mut findings);
    check_root(package, references, &mut findings);
    if let Some(text) = &package.layers {
        check_floors(package, references, &Floors::of(text), &mut findings);
    }
    check_test_names(package, &mut findings)?;
    Ok(findings)
}

/// A folder's path, with `-` for `/`, is the name of its package without the prefix.
fn check_name(package: &Package, findings: &mut Findings) {
    let folder = package.folder.replace('/', "-");
    let name = package.name.strip_prefix(PREFIX).unwrap_or(&package.name);
    if name != folder {
        findings.broken.push(Broken {
            place: format!("{}/Cargo.toml", package.folder),
            wrong: format!("the package of this folder is called {}", package.name),
            remedy: format!("call the package {PREFIX}{folder}, or name the folder after it"),
        });
    }
}

fn check_folders(package: &Package, findings: &mut Findings) {
    let mut files: BTreeMap<&Path, usize> = BTreeMap::new();
    let mut entries = BTreeSet::new();
    for (file, text) in &package.sources {
        *files.entry(file.parent().unwrap_or(Path::new(""))).or_default() += 1;
        entries.extend(file.iter().next());
        let lines = text.lines().count();
        findings.longest = findings.longest.max(lines);
        if lines > MAX_LINES {
            findings.broken.push(Broken {
                place: package.display(file),
                wrong: format!("{lines} lines; at most {MAX_LINES}"),
                remedy: "it has usually two ideas: give the second a file of its own".to_owned(),
            });
        }
    }
    findings.folders = files.len();
    findings.entries = entries.len();
    findings.most_files = files.values().copied().max().unwrap_or(0);
    if findings.entries > MAX_ENTRIES {
        findings.broken.push(Broken {
            place: format!("{}/src", package.folder),
            wrong: format!("{} entries; at most {MAX_ENTRIES} show the architecture", findings.entries),
            remedy: "put the files of one idea into a folder".to_owned(),
        });
    }
    for (folder, &count) in
        files.iter().filter(|&(folder, &count)| folder != &Path::new("") && count > MAX_FILES)
    {
        findings.broken.push(Broken {
            place: package.display(folder),
            wrong: format!("{count} files in one folder; at most {MAX_FILES}"),
            remedy: "make a folder of those that belong together".to_owned(),
        });
    }
}

fn check_test_names(package: &Package, findings: &mut Findings) -> Result<()> {
    let sources = package.sources.iter().map(|(file, text)| (package.display(file), text));
    for (file, text) in sources.chain(package.tests.iter().map(|(file, text)| (file.clone(), text))) {
        let tests = test_names::of_source(text).map_err(|error| anyhow!("{file}: {error}"))?;
        for test in tests.iter().filter(|test| !test.is_allowed()) {
            let (least, most) = (test_names::WORDS.start(), test_names::WORDS.end());
            findings.broken.push(Broken {
                place: format!("{file}:{}", test.line),
                wrong: format!("the test {} has {} words; {least} to {most}", test.name, test.words()),
                remedy: "say what the test claims, in a short sentence".to_owned(),
            });
        }
    }
    Ok(())
}

fn check_circles(package: &Package, references: &References, findings: &mut Findings) {
    findings.import_circles = circles(references, |arrow| arrow.need == Need::Import);
    findings.call_circles = circles(references, |_| true);
    let broken = |circle: &Circle, how: &str, remedy: &str| {
        let names: Vec<String> = circle.files.iter().map(|file| file.display().to_string()).collect();
        let first = circle.cuts.first();
        let place = first.map_or_else(|| package.display(&circle.files[0]), |arrow| place(package, arrow));
        let mut wrong = format!("{} files {how} in a circle: {}", names.len(), names.join(" "));
        wrong.push_str("\n  without these arrows there is no circle:");
        for line in summary(package, &circle.cuts) {
            wrong.push_str("\n    ");
            wrong.push_str(&line);
        }
        Broken { place, wrong, remedy: remedy.to_owned() }
    };
    for circle in &findings.import_circles {
        let remedy = "move what both need into a file of its own, below both; import it from there";
        findings.broken.push(broken(circle, "import each other", remedy));
    }
    for circle in &findings.call_circles {
        // A circle of imports has been reported.
        if !findings.import_circles.iter().any(|imports| imports.files == circle.files) {
            let remedy = "a method stands where its type is declared: make a function of one that stands elsewhere, \
                          and import it, or turn the call around (a hook, a queue that the caller runs)";
            findings.broken.push(broken(circle, "import and call each other", remedy));
        }
    }
}

/// Arrows between two files on one line, with the first place and the names.
fn summary(package: &Package, arrows: &[Arrow]) -> Vec<String> {
    let mut between: BTreeMap<(&PathBuf, &PathBuf), Vec<&Arrow>> = BTreeMap::new();
    for arrow in arrows {
        between.entry((&arrow.from, &arrow.to)).or_default().push(arrow);
    }
    between
        .iter()
        .map(|((_, to), arrows)| {
            let mut names: BTreeMap<&str, usize> = BTreeMap::new();
            for arrow in arrows {
                let line = names.entry(&arrow.name).or_insert(arrow.line);
                *line = (*line).min(arrow.line);
            }
            let named: Vec<String> = names.iter().map(|(name, line)| format!("{name} ({line})")).collect();
            format!("{} -> {}: {}", package.display(&arrows[0].from), to.display(), named.join(", "))
        })
        .collect()
}

fn check_root(package: &Package, references: &References, findings: &mut Findings) {
    for ((file, name), (line, defined)) in &references.through_root {
        findings.broken.push(Broken {
            place: format!("{}:{line}", package.display(file)),
            wrong: format!("`{name}` comes through the crate root, which re-exports it"),
            remedy: format!("import it from where it is defined: {}", defined.display()),
        });
    }
}

fn check_floors(package: &Package, references: &References, floors: &Floors, findings: &mut Findings) {
    let layers = format!("{}/layers.txt", package.folder);
    for file in package.sources.keys().filter(|file| floors.of_file(file).is_none()) {
        findings.broken.push(Broken {
            place: package.display(file),
            wrong: "has no floor".to_owned(),
            remedy: format!("name it, or its folder, in {layers}"),
        });
    }
    for name in floors.names() {
        if !package.sources.keys().any(|file| file.with_extension("").starts_with(name)) {
            findings.broken.push(Broken {
                place: layers.clone(),
                wrong: format!("`{name}` is neither a file nor a folder of src"),
                remedy: "take it out, or write its new name".to_owned(),
            });
        }
    }
    for arrow in &references.arrows {
        if let (Some((from, lower)), Some((to, upper))) =
            (floors.of_file(&arrow.from), floors.of_file(&arrow.to))
            && from < to
        {
            findings.upward += 1;
            let verb = if arrow.need == Need::Call { "calls" } else { "imports" };
            findings.broken.push(Broken {
                place: place(package, arrow),
                wrong: format!(
                    "{verb} `{}` of {}: up from {lower} (floor {from}) to {upper} (floor {to})",
                    arrow.name,
                    arrow.to.display()
                ),
                remedy: "move it down, or let the upper floor register or pass what the lower one is to run"
                    .to_owned(),
            });
        }
    }
}

fn place(package: &Package, arrow: &Arrow) -> String {
    format!("{}:{}", package.display(&arrow.from), arrow.line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sources: &[(&str, &str)], layers: Option<&str>) -> Findings {
        let mut package = Package::of(sources);
        package.layers = layers.map(str::to_owned);
        super::check(&package, &References::of(&package).unwrap()).unwrap()
    }

    fn circles(sources: &[(&str, &str)]) -> (usize, usize) {
        let findings = check(sources, None);
        (findings.import_circles.len(), findings.call_circles.len())
    }

    #[test]
    fn mutual_imports_make_a_circle() {
        let lib = ("lib.rs", "mod a; mod b;");
        assert_eq!(
            circles(&[
                lib,
                ("a.rs", "use crate::b::B; pub struct A;"),
                ("b.rs", "pub struct B(crate::a::A);")
            ]),
            (1, 1)
        );
        assert_eq!(
            circles(&[lib, ("a.rs", "use crate::b::B; pub struct A;"), ("b.rs", "pub struct B;")]),
            (0, 0)
        );
    }

    #[test]
    fn a_package_is_named_after_its_folder() {
        let broken = |folder: &str, name: &str| {
            let package = Package { folder: folder.to_owned(), name: name.to_owned(), ..Package::default() };
            let mut findings = Findings::default();
            check_name(&package, &mut findings);
            findings.broken.len()
        };
        for (folder, name) in [
            ("jacinth", "jacinth"),
            ("shm", "jacinth-shm"),
            ("capi/calls", "jacinth-capi-calls"),
            ("xtask", "xtask"),
        ] {
            assert_eq!(broken(folder, name), 0, "{folder}: {name}");
        }
        for (folder, name) in
            [("library", "jacinth"), ("capi/calls", "jacinth-calls"), ("jacinth/shm", "jacinth-shm")]
        {
            assert_eq!(broken(folder, name), 1, "{folder}: {name}");
        }
    }

    #[test]
    fn test_imports_make_no_arrow() {
        let b = (
            "b.rs",
            "pub struct B; #[cfg(test)] mod tests { use crate::a::A; #[test] fn f() { let _ = A; } }",
        );
        assert_eq!(
            circles(&[("lib.rs", "mod a; mod b;"), ("a.rs", "use crate::b::B; pub struct A;"), b]),
            (0, 0)
        );
    }

    #[test]
    fn a_folder_may_reexport_its_files() {
        let sources = [
            ("lib.rs", "mod a;"),
            ("a/mod.rs", "mod b; pub use b::B; pub struct A;"),
            ("a/b.rs", "use super::A; pub struct B(A);"),
        ];
        assert_eq!(circles(&sources), (0, 0));
        let sources =
            [sources[0], ("a/mod.rs", "mod b; pub use b::B; pub struct A; fn f(_: B) {}"), sources[2]];
        assert_eq!(circles(&sources), (1, 1));
    }

    #[test]
    fn a_reexport_hides_no_circle() {
        let sources = [
            ("lib.rs", "mod a; mod c;"),
            ("a/mod.rs", "mod b; pub use b::B;"),
            ("a/b.rs", "use crate::c::C; pub struct B(C);"),
            ("c.rs", "use crate::a::B; pub struct C; fn f(_: B) {}"),
        ];
        assert_eq!(circles(&sources), (1, 1));
    }

    #[test]
    fn files_that_a_macro_declares_count() {
        let sources = [
            ("lib.rs", "mod a; mod t; registry! { a } #[cfg(test)] mod tests;"),
            ("a/mod.rs", "registry! { b c }"),
            ("a/b.rs", "use super::c::C; pub struct B;"),
            ("a/c.rs", "use crate::a::b::B; pub struct C;"),
            ("tests.rs", "use crate::t::T; pub struct U;"),
            ("t.rs", "use crate::tests::U; pub struct T;"),
        ];
        assert_eq!(circles(&sources), (1, 1));
    }

    #[test]
    fn a_method_placed_away_makes_an_arrow() {
        let sources = [
            ("lib.rs", "mod thread; mod dying;"),
            ("thread.rs", "pub struct Thread; impl Thread { fn close(&self) { self.work_dying(); } }"),
            ("dying.rs", "use crate::thread::Thread; impl Thread { pub fn work_dying(&self) {} }"),
        ];
        assert_eq!(circles(&sources), (0, 1));
    }

    #[test]
    fn the_receiver_decides_between_equal_names() {
        let lib = ("lib.rs", "mod row; mod thread; mod away;");
        let away = ("away.rs", "use crate::thread::Thread; impl Thread { pub fn wake(&self) {} }");
        let row = |field: &str| {
            format!(
                "pub struct Row; impl Row {{ pub fn wake(&self) {{}} }} pub struct Holder {{ held: {field} }} impl Holder {{ fn f(&self) {{ self.held.wake(); }} }}"
            )
        };
        let thread = ("thread.rs", "use crate::row::Row; pub struct Thread { row: Row }");
        assert_eq!(circles(&[lib, thread, away, ("row.rs", &row("Row"))]), (0, 0));
        assert_eq!(
            circles(&[lib, thread, away, ("row.rs", &row("std::sync::Arc<crate::thread::Thread>"))]).1,
            1
        );
    }

    #[test]
    fn names_inside_macros_count() {
        let a = ("a.rs", "pub struct A; fn f() { assert!(crate::b::holds(), \"{}\", 1); }");
        let b = ("b.rs", "use crate::a::A; pub fn holds() -> bool { true } fn g(_: A) {}");
        assert_eq!(circles(&[("lib.rs", "mod a; mod b;"), a, b]), (1, 1));
    }

    #[test]
    fn an_upward_arrow_names_its_place() {
        let sources =
            [("lib.rs", "mod a; mod b;"), ("a.rs", "\nuse crate::b::B;"), ("b.rs", "pub struct B;")];
        let findings = check(&sources, Some("a\nb\nlib\n"));
        assert_eq!(findings.broken.len(), 1);
        assert_eq!(findings.broken[0].place, "package/src/a.rs:2");
        assert!(findings.broken[0].wrong.contains("`B`"));
        assert!(check(&sources, Some("b\na\nlib\n")).broken.is_empty());
        assert_eq!(check(&sources, Some("b\na\n")).broken.len(), 1, "lib.rs has no floor");
        assert_eq!(check(&sources, Some("b\na\nc\nlib")).broken.len(), 1, "there is no c");
    }

    #[test]
    fn names_through_the_crate_root_are_refused() {
        let sources =
            [("lib.rs", "mod a; mod b; pub use b::B;"), ("a.rs", "use crate::B;"), ("b.rs", "pub struct B;")];
        let findings = check(&sources, None);
        assert_eq!(findings.broken.len(), 1);
        assert!(findings.broken[0].remedy.contains("b.rs"));
    }

    #[test]
    fn a_long_file_is_refused() {
        let text = "\n".repeat(MAX_LINES + 1);
        let findings = check(&[("lib.rs", "mod a;"), ("a.rs", &text)], None);
        assert_eq!((findings.longest, findings.broken.len()), (MAX_LINES + 1, 1));
    }

    #[test]
    fn a_full_folder_is_refused() {
        let files: Vec<(String, String)> = (0..13).map(|n| (format!("a/f{n}.rs"), String::new())).collect();
        let mods: String = (0..13).map(|n| format!("mod f{n};")).collect();
        let mut sources = vec![("lib.rs", "mod a;"), ("a/mod.rs", &mods)];
        sources.extend(files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
        let findings = check(&sources, None);
        assert_eq!((findings.entries, findings.most_files, findings.broken.len()), (2, 14, 1));
    }
}
