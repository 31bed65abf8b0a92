//! The models that are likely to catch a mutant, since they caught one near it before.

use crate::model::Model;
use crate::site::Mutant;
use anyhow::Result;
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

/// The models that caught a mutant in this run or an earlier one, by function and by file.
#[derive(Debug, Default)]
pub struct Catchers {
    times: HashMap<(String, String), usize>,
}

impl Catchers {
    /// Reads the catchers that earlier runs wrote to `folder`, and a `table` of verdicts.
    pub fn read(folder: &Path, table: &Path) -> Self {
        let text = std::fs::read_to_string(folder.join("caught")).unwrap_or_default();
        let lines = text.lines().filter_map(|line| line.split_once('\t'));
        let mut times: HashMap<_, _> =
            lines.map(|(place, model)| ((place.to_owned(), model.to_owned()), 1)).collect();
        for line in std::fs::read_to_string(table).unwrap_or_default().lines() {
            let cells: Vec<_> = line.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
            if let [_, _, function, call, weakened, model, _] = cells[..]
                && let Some((_, weak)) = weakened.split_once(" → ")
            {
                times.insert((format!("{function} {call} {weak}"), model.to_owned()), 1);
            }
        }
        Self { times }
    }

    /// Whether the model has caught this weakening, or one of the same name.
    pub fn has_caught(&self, mutant: &Mutant, model: &Model) -> bool {
        let [exact, ..] = Self::places(mutant);
        self.times.contains_key(&(exact, model.name.clone()))
    }

    pub fn write(&self, path: &Path) -> Result<()> {
        let mut lines: Vec<_> =
            self.times.keys().map(|(place, model)| format!("{place}\t{model}\n")).collect();
        lines.sort();
        Ok(std::fs::write(path, lines.concat())?)
    }

    /// The same ordering of the same call in the function, then the function, then the file. The first two do not name
    /// the file, so that they stay true when a function moves.
    fn places(mutant: &Mutant) -> [String; 3] {
        let site = &mutant.site;
        let exact = format!("{} {} {}", site.function, site.operation, mutant.weak);
        [exact, site.function.clone(), site.file.clone()]
    }

    pub fn note(&mut self, mutant: &Mutant, model: &str) {
        for place in Self::places(mutant) {
            *self.times.entry((place, model.to_owned())).or_default() += 1;
        }
    }

    /// The models that pass the site: first those that caught a mutant near it, then the quickest.
    pub fn order<'m>(&self, mutant: &Mutant, models: &'m [Model]) -> Vec<&'m Model> {
        let places = Self::places(mutant);
        let mut order: Vec<_> = models.iter().filter(|model| model.reaches(mutant.site.number)).collect();
        order.sort_by_key(|model| {
            let near =
                places.iter().position(|place| self.times.contains_key(&(place.clone(), model.name.clone())));
            // A quick model costs little. Of the slow models, those that caught a mutant in this function come first.
            let slow = model.takes > Duration::from_millis(500);
            (near.unwrap_or(3) > 1 && slow, near.unwrap_or(3), model.takes)
        });
        order
    }
}
