//! Runs mutants against the models that pass what was weakened, until one notices.

use crate::models::{Model, reach};
use crate::site::Mutant;
use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::HashMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// What came of one mutant.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub mutant: Mutant,
    pub verdict: Verdict,
    pub took: Duration,
}

/// Whether a model noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// By the model that failed.
    Caught(String),
    /// By the model that did not come to an end.
    Hangs(String),
    /// After so many models.
    Survived(usize),
    /// The time ran out after so many models of so many.
    Undecided(usize, usize),
    /// No model passes there.
    Unreached,
}

impl Outcome {
    pub fn survived(&self) -> bool {
        !matches!(self.verdict, Verdict::Caught(_) | Verdict::Hangs(_))
    }
}

/// How one run of a model ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Well,
    Failed,
    TimedOut,
}

/// One run of one model, in a process of its own.
pub fn run_model(model: &Model, settings: &[(&str, &str)], limit: Duration) -> Result<Ended> {
    let mut child = Command::new(&model.binary)
        .args(["--exact", &model.test, "--test-threads", "1"])
        .envs(settings.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let started = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(if status.success() { Ended::Well } else { Ended::Failed });
        }
        if started.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            return Ok(Ended::TimedOut);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// What a run goes by.
#[derive(Clone, Copy, Debug)]
pub struct Means<'a> {
    /// Where verdicts and what caught something are written down.
    pub folder: &'a Path,
    /// How many models run at once.
    pub jobs: usize,
    /// Give a mutant up as a survivor after this long.
    pub limit: Duration,
}

/// Tries every mutant, and tells each verdict as it comes. What caught one ordering of a function is tried first on the
/// next. Those of which it is known what caught them before are first tried with that alone: the other models need not
/// even be looked at, unless something survives.
pub fn run(
    mutants: &[Mutant],
    models: &[Model],
    catchers: Catchers,
    means: Means<'_>,
) -> Result<Vec<Outcome>> {
    let catchers = Mutex::new(catchers);
    let progress = Progress::new(mutants.len(), "mutants");
    let mut rows = std::fs::File::options().append(true).create(true).open(means.folder.join("rows.md"))?;
    progress.say(&format!("verdicts are written to {}", means.folder.join("rows.md").display()));
    let rows = Mutex::new(&mut rows);
    let tell = |outcome: &Outcome| -> Result<()> {
        let mut rows = rows.lock().unwrap();
        rows.write_all(crate::table::row(outcome).as_bytes())?;
        progress.say(&crate::table::line(outcome));
        progress.step(&outcome.mutant.site.file);
        if let Verdict::Caught(name) = &outcome.verdict {
            let mut catchers = catchers.lock().unwrap();
            catchers.note(&outcome.mutant, name);
            catchers.write(&means.folder.join("caught"))?;
        }
        Ok(())
    };
    let known: Vec<_> = {
        let catchers = catchers.lock().unwrap();
        let is_known = |model: &&Model| mutants.iter().any(|mutant| catchers.has_caught(mutant, model));
        models.iter().filter(is_known).cloned().collect()
    };
    let known = reach(known, means.folder, means.jobs)?;
    let tried = in_parallel(means.jobs, mutants.to_vec(), |mutant| {
        let mut order = catchers.lock().unwrap().order(&mutant, &known);
        order.retain(|model| catchers.lock().unwrap().has_caught(&mutant, model));
        let outcome = try_one(mutant, &order, means.limit)?;
        if !outcome.survived() {
            tell(&outcome)?;
        }
        Ok(outcome)
    })?;
    if tried.iter().all(|outcome| !outcome.survived()) {
        return Ok(tried);
    }
    let all = reach(models.to_vec(), means.folder, means.jobs)?;
    in_parallel(means.jobs, tried, |before| {
        if !before.survived() {
            return Ok(before);
        }
        let order = catchers.lock().unwrap().order(&before.mutant, &all);
        let outcome = try_one(before.mutant, &order, means.limit)?;
        tell(&outcome)?;
        Ok(outcome)
    })
}

fn try_one(mutant: Mutant, order: &[&Model], limit: Duration) -> Result<Outcome> {
    let started = Instant::now();
    let site = mutant.site.number.to_string();
    let settings = [("MUTANT_SITE", site.as_str()), ("MUTANT_WEAK", mutant.weak)];
    let mut verdict = if order.is_empty() { Verdict::Unreached } else { Verdict::Survived(order.len()) };
    for (done, model) in order.iter().enumerate() {
        if started.elapsed() > limit {
            verdict = Verdict::Undecided(done, order.len());
            break;
        }
        // Weakening lets a model see more, so it may well take a few times as long.
        let patience = Duration::from_secs(30) + model.takes * 10;
        match run_model(model, &settings, patience)? {
            Ended::Well => {}
            Ended::Failed => {
                verdict = Verdict::Caught(model.name.clone());
                break;
            }
            Ended::TimedOut => {
                verdict = Verdict::Hangs(model.name.clone());
                break;
            }
        }
    }
    Ok(Outcome { mutant, verdict, took: started.elapsed() })
}

/// Which models have caught something, by function and file, in this run and earlier ones.
#[derive(Debug, Default)]
pub struct Catchers {
    times: HashMap<(String, String), usize>,
}

impl Catchers {
    /// What earlier runs have written to `folder`, and what stands in a `table` of verdicts.
    pub fn read(folder: &Path, table: &Path) -> Self {
        let text = std::fs::read_to_string(folder.join("caught")).unwrap_or_default();
        let lines = text.lines().filter_map(|line| line.split_once('\t'));
        let mut times: HashMap<_, _> =
            lines.map(|(place, model)| ((place.to_owned(), model.to_owned()), 1)).collect();
        for line in std::fs::read_to_string(table).unwrap_or_default().lines() {
            let cells: Vec<_> = line.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
            if let [_, file, function, call, weakened, model, _] = cells[..]
                && let Some((_, weak)) = weakened.split_once(" → ")
            {
                times.insert((format!("{file} {function} {call} {weak}"), model.to_owned()), 1);
            }
        }
        Self { times }
    }

    /// Whether the model has caught this weakening, or one of the same name.
    fn has_caught(&self, mutant: &Mutant, model: &Model) -> bool {
        let [exact, ..] = Self::places(mutant);
        self.times.contains_key(&(exact, model.name.clone()))
    }

    fn write(&self, path: &Path) -> Result<()> {
        let mut lines: Vec<_> =
            self.times.keys().map(|(place, model)| format!("{place}\t{model}\n")).collect();
        lines.sort();
        Ok(std::fs::write(path, lines.concat())?)
    }

    /// The same ordering of the same call, whatever its line, then the function, then the file.
    fn places(mutant: &Mutant) -> [String; 3] {
        let site = &mutant.site;
        let exact = format!("{} {} {} {}", site.file, site.function, site.operation, mutant.weak);
        [exact, format!("{} {}", site.file, site.function), site.file.clone()]
    }

    fn note(&mut self, mutant: &Mutant, model: &str) {
        for place in Self::places(mutant) {
            *self.times.entry((place, model.to_owned())).or_default() += 1;
        }
    }

    /// The models that pass the site: those that caught something near it, then the quickest.
    fn order<'m>(&self, mutant: &Mutant, models: &'m [Model]) -> Vec<&'m Model> {
        let places = Self::places(mutant);
        let mut order: Vec<_> = models.iter().filter(|model| model.reaches(mutant.site.number)).collect();
        order.sort_by_key(|model| {
            let near =
                places.iter().position(|place| self.times.contains_key(&(place.clone(), model.name.clone())));
            // A quick one costs little; of the slow ones, those that may well catch it come first.
            let slow = model.takes > Duration::from_millis(500);
            (near.unwrap_or(3) > 1 && slow, near.unwrap_or(3), model.takes)
        });
        order
    }
}

/// Runs `work` on each of `items`, `jobs` at a time, and gives the results in their order.
pub fn in_parallel<T: Send, R: Send>(
    jobs: usize,
    items: Vec<T>,
    work: impl Fn(T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let count = items.len();
    let queue = Mutex::new(items.into_iter().enumerate());
    let results = Mutex::new(Vec::with_capacity(count));
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap().next();
                    let Some((index, item)) = next else { break };
                    let result = work(item);
                    results.lock().unwrap().push((index, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap();
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// How far it has come.
pub struct Progress(ProgressBar);

impl Progress {
    pub fn new(steps: usize, what: &'static str) -> Self {
        let style = "{prefix} {bar:30} {pos}/{len}, {elapsed} of about {duration}  {wide_msg}";
        let style = ProgressStyle::with_template(style).expect("a template that indicatif knows");
        let bar = ProgressBar::new(steps as u64).with_style(style).with_prefix(what);
        bar.enable_steady_tick(Duration::from_millis(500));
        Self(bar)
    }

    pub fn step(&self, message: &str) {
        self.0.set_message(message.to_owned());
        self.0.inc(1);
    }

    pub fn say(&self, line: &str) {
        self.0.suspend(|| eprintln!("{line}"));
    }

    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}
