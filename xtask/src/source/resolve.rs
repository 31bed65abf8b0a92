//! From a path as it is written in one module to the module that defines the named item.

use crate::source::modules::{ModuleId, Tree};
use std::collections::BTreeSet;

/// The module or item that a path leads to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    Module(ModuleId),
    /// An item, and how many segments of the path lead to it: of `Thread::join`, one.
    Item {
        module: ModuleId,
        name: String,
        segments: usize,
    },
}

/// A target, and the modules that re-export it on the way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    pub target: Target,
    pub through: Vec<ModuleId>,
}

impl Found {
    fn new(target: Target) -> Self {
        Self { target, through: Vec::new() }
    }

    pub fn module(&self) -> ModuleId {
        match self.target {
            Target::Module(module) | Target::Item { module, .. } => module,
        }
    }
}

/// Names that are being looked up, so that `use` items in a circle end.
type Seen = BTreeSet<(ModuleId, String)>;

/// All targets that `path`, written in `from`, may lead to: several targets where `cfg` decides; none where it
/// leads out of the crate.
pub fn resolve(tree: &Tree, from: ModuleId, path: &[String]) -> Vec<Found> {
    follow(tree, from, path, &mut Seen::new())
}

fn follow(tree: &Tree, from: ModuleId, path: &[String], seen: &mut Seen) -> Vec<Found> {
    let Some(first) = path.first() else { return Vec::new() };
    let mut at = match first.as_str() {
        "crate" | "$crate" => vec![Found::new(Target::Module(tree.modules[from].root))],
        "self" => vec![Found::new(Target::Module(from))],
        "super" => {
            tree.modules[from].parent.map(|parent| Found::new(Target::Module(parent))).into_iter().collect()
        }
        name => look_up(tree, from, name, from, seen),
    };
    for (segments, name) in path.iter().enumerate().skip(1) {
        let mut next = Vec::new();
        for found in at {
            let Target::Module(module) = found.target else {
                next.push(found);
                continue;
            };
            if name == "super" {
                let parent = tree.modules[module].parent;
                next.extend(parent.map(|parent| Found::new(Target::Module(parent))));
                continue;
            }
            let mut deeper = look_up(tree, module, name, from, seen);
            if deeper.is_empty() {
                // A macro may define it. Where it is sought is where it is.
                let name = name.clone();
                deeper.push(Found::new(Target::Item { module, name, segments: 1 }));
            }
            for mut found_deeper in deeper {
                if let Target::Item { segments: led, .. } = &mut found_deeper.target {
                    *led = segments + 1;
                }
                let mut through = found.through.clone();
                through.append(&mut found_deeper.through);
                next.push(Found { target: found_deeper.target, through });
            }
        }
        at = next;
    }
    at
}

/// All items that `name` means in `module`. A `use` of another module than `from` is a re-export.
fn look_up(tree: &Tree, module: ModuleId, name: &str, from: ModuleId, seen: &mut Seen) -> Vec<Found> {
    if !seen.insert((module, name.to_owned())) {
        return Vec::new();
    }
    let here = &tree.modules[module];
    let mut found = Vec::new();
    if here.items.contains(name) {
        found.push(Found::new(Target::Item { module, name: name.to_owned(), segments: 1 }));
    }
    if let Some(&child) = here.children.get(name) {
        found.push(Found::new(Target::Module(child)));
    }
    if found.is_empty() {
        let named = here.aliases.iter().filter(|alias| alias.name.as_deref() == Some(name));
        for alias in named {
            found.extend(follow(tree, module, &alias.path, seen));
        }
        if found.is_empty() {
            for glob in here.aliases.iter().filter(|alias| alias.name.is_none()) {
                for origin in follow(tree, module, &glob.path, seen) {
                    if let Target::Module(origin) = origin.target {
                        found.extend(look_up(tree, origin, name, from, seen));
                    }
                }
            }
        }
        for found in &mut found {
            if let Target::Item { segments, .. } = &mut found.target {
                *segments = 1;
                // The name of a module is no item: going through an alias of one makes no arrow.
                if module != from {
                    found.through.insert(0, module);
                }
            }
        }
    }
    seen.remove(&(module, name.to_owned()));
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::package::Package;
    use std::path::Path;

    fn lead(sources: &[(&str, &str)], from: &str, path: &str) -> Vec<(String, Vec<String>)> {
        let tree = Tree::of(&Package::of(sources)).unwrap();
        let from = tree.modules.iter().position(|module| module.file == Path::new(from)).unwrap();
        let path: Vec<String> = path.split("::").map(str::to_owned).collect();
        let file = |module: ModuleId| tree.modules[module].file.display().to_string();
        let found = resolve(&tree, from, &path);
        found
            .iter()
            .map(|found| (file(found.module()), found.through.iter().map(|&module| file(module)).collect()))
            .collect()
    }

    #[test]
    fn a_reexport_leads_to_the_definition() {
        let sources = [
            ("lib.rs", "mod a; mod b;"),
            ("a/mod.rs", "mod inner; pub use inner::X;"),
            ("a/inner.rs", "pub struct X;"),
            ("b.rs", ""),
        ];
        let through = vec![("a/inner.rs".to_owned(), vec!["a/mod.rs".to_owned()])];
        assert_eq!(lead(&sources, "b.rs", "crate::a::X"), through);
        assert_eq!(lead(&sources, "b.rs", "super::a::X::new"), through);
        assert_eq!(lead(&sources, "b.rs", "std::mem::swap"), vec![]);
    }

    #[test]
    fn globs_and_aliases_of_modules_are_followed() {
        let sources = [
            ("lib.rs", "mod machine; mod user;"),
            ("machine/mod.rs", "mod real; mod loom; use self::real as chosen; pub use self::real::*;"),
            ("machine/real.rs", "pub fn fence() {}"),
            ("machine/loom.rs", ""),
            ("user.rs", "use crate::machine::fence;"),
        ];
        assert_eq!(lead(&sources, "user.rs", "fence")[0].0, "machine/real.rs");
        let direct = vec![("machine/real.rs".to_owned(), vec![])];
        assert_eq!(lead(&sources, "machine/loom.rs", "super::chosen::fence"), direct);
    }
}
