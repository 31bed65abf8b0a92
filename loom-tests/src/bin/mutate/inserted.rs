//! Not part of the program: the copy of the sources gets this file as `sync/mutant.rs`.

use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::OnceLock;

/// The sites that this run has passed, a bit each.
static REACHED: [AtomicU64; 16] = [const { AtomicU64::new(0) }; 16];

/// The site that is weakened in this run, and its weaker ordering.
fn weakened() -> &'static (usize, String) {
    static WEAKENED: OnceLock<(usize, String)> = OnceLock::new();
    WEAKENED.get_or_init(|| {
        if std::env::var_os("MUTANT_REACH").is_some() {
            // SAFETY: `tell` has neither parameters nor a result and does not unwind.
            unsafe { libc::atexit(tell) };
        }
        let site = std::env::var("MUTANT_SITE").ok().and_then(|site| site.parse().ok());
        (site.unwrap_or(usize::MAX), std::env::var("MUTANT_WEAK").unwrap_or_default())
    })
}

extern "C" fn tell() {
    if let Some(path) = std::env::var_os("MUTANT_REACH") {
        let words: Vec<String> =
            REACHED.iter().map(|word| word.load(Ordering::Relaxed).to_string()).collect();
        let _ = std::fs::write(path, words.join(" "));
    }
}

/// The ordering of a site: the sources' own, unless the site is the weakened one.
pub(crate) fn order(site: usize, strong: Ordering) -> Ordering {
    match weaker(site) {
        Some("Relaxed") => Ordering::Relaxed,
        Some("Acquire") => Ordering::Acquire,
        Some("Release") => Ordering::Release,
        Some("AcqRel") => Ordering::AcqRel,
        _ => strong,
    }
}

/// A barrier, unless it is the one that is left out.
pub(crate) fn barrier<T>(site: usize, present: impl FnOnce() -> T, absent: T) -> T {
    if weaker(site).is_some() { absent } else { present() }
}

fn weaker(site: usize) -> Option<&'static str> {
    let (weakened, weak) = weakened();
    REACHED[site / 64].fetch_or(1 << (site % 64), Ordering::Relaxed);
    (site == *weakened).then_some(weak.as_str())
}
