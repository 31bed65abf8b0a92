//! `docs/crash-recovery.md` names the crash points of the sources, all of them and no others.

use std::collections::BTreeSet;
use std::path::Path;

/// The names in all `crash_point!` calls below the folder.
fn crash_points_below(folder: &Path, points: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            crash_points_below(&path, points);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            for call in text.split("crash_point!(").skip(1) {
                let arguments = call.split_once(");").map_or(call, |(arguments, _)| arguments);
                points.extend(arguments.split('"').nth(1).map(String::from));
            }
        }
    }
}

/// All words of the form `group.step` in the code blocks and code spans of the page.
fn points_named_in(page: &str, groups: &BTreeSet<&str>) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '_';
    let words = page.split(|c| !is_part(c)).map(|word| word.trim_end_matches('.'));
    let points = words.filter(|word| {
        word.split_once('.').is_some_and(|(group, step)| groups.contains(group) && !step.contains('.'))
    });
    points.map(String::from).collect()
}

#[test]
fn the_page_names_every_crash_point() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut points = BTreeSet::new();
    crash_points_below(&root.join("shm/src"), &mut points);
    assert!(points.len() > 50, "the sources have crash points: {points:?}");
    let groups = points.iter().map(|point| point.split('.').next().unwrap()).collect();
    let page = std::fs::read_to_string(root.join("docs/crash-recovery.md")).unwrap();
    let named = points_named_in(&page, &groups);
    let missing: Vec<_> = points.difference(&named).collect();
    assert!(missing.is_empty(), "docs/crash-recovery.md does not name {missing:?}");
    let unknown: Vec<_> = named.difference(&points).collect();
    assert!(unknown.is_empty(), "docs/crash-recovery.md names {unknown:?}, and the sources do not");
}
