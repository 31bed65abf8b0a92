//! The crash points: the places in the sources of `shm/` at which a modelled process may die.
//!
//! The sources alone name them, each as `operation.step`. A scene says which of them it reaches: `close.*` is every step of a
//! close, `close.freed` that one.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::OnceLock;

/// The crash points that only a recovery passes: `failover.rs` has its supervisor die at each.
pub const OF_RECOVERY: &[&str] = &["recover.*", "resolve.*", "map.repaired"];

/// All crash points, in the order of their names.
pub fn all() -> &'static [&'static str] {
    static ALL: OnceLock<Vec<&'static str>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut names = BTreeSet::new();
        collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../shm/src"), &mut names);
        names.into_iter().map(|name| &*name.leak()).collect()
    })
}

/// The crash points that these patterns name, in their order. Panics at a pattern that names none.
pub fn matching(patterns: &[&str]) -> Vec<&'static str> {
    let mut points = Vec::new();
    for pattern in patterns {
        let known = points.len();
        points.extend(all().iter().filter(|point| match pattern.strip_suffix(".*") {
            Some(operation) => point.split_once('.').is_some_and(|(of, _)| of == operation),
            None => *point == pattern,
        }));
        assert!(points.len() > known, "the sources have no crash point {pattern}");
    }
    points
}

/// The names in the calls of `crash_point!` below a folder.
fn collect(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(path).unwrap();
            let calls = text.split("crash_point!(").skip(1);
            names
                .extend(calls.filter_map(|call| call.split(')').next()?.split('"').nth(1)).map(String::from));
        }
    }
}
