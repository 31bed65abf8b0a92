//! A package's floors: which folder of `src` stands on which.

use std::path::Path;

/// `layers.txt` beside a package's `Cargo.toml`: one floor a line, the lowest first. The names on one line are files
/// (without `.rs`) and folders of `src`, also `folder/file`; the longest name that fits a file is its floor's.
#[derive(Debug, Default)]
pub struct Floors {
    lines: Vec<Vec<String>>,
}

impl Floors {
    pub fn of(text: &str) -> Self {
        let line = |line: &str| -> Vec<String> {
            let named = line.split('#').next().unwrap_or_default();
            named.split_whitespace().map(str::to_owned).collect()
        };
        Self { lines: text.lines().map(line).filter(|names| !names.is_empty()).collect() }
    }

    /// The floor of a file, and the name that gives it.
    pub fn of_file(&self, file: &Path) -> Option<(usize, &str)> {
        let file = file.with_extension("");
        let fits = |name: &&String| file.starts_with(name);
        let named = self
            .lines
            .iter()
            .enumerate()
            .flat_map(|(floor, names)| names.iter().map(move |name| (floor, name)));
        named
            .filter(|(_, name)| fits(name))
            .max_by_key(|(_, name)| name.len())
            .map(|(floor, name)| (floor, name.as_str()))
    }

    /// Every name, for finding those that no file has.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().flatten().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_name_decides() {
        let floors = Floors::of("# from the ground up\nerror sync\n\nword\nsync/loom lib # on top\n");
        assert_eq!(floors.of_file(Path::new("sync/mod.rs")), Some((0, "sync")));
        assert_eq!(floors.of_file(Path::new("sync/loom.rs")), Some((2, "sync/loom")));
        assert_eq!(floors.of_file(Path::new("word/field.rs")), Some((1, "word")));
        assert_eq!(floors.of_file(Path::new("words.rs")), None);
        assert_eq!(floors.of_file(Path::new("lib.rs")), Some((2, "lib")));
    }
}
