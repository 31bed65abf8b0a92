//! The progress bar, and lines above it.

use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

/// A bar of steps done.
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
