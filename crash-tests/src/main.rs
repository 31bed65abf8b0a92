//! `cargo run --release -p jacinth-crash -- --help`

#![forbid(unsafe_code)]

use jacinth_crash::soak;
use std::process::ExitCode;

fn main() -> ExitCode {
    // Victims are many, and need none of the rest.
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [jacinth_crash::victim::ROLE, name] => jacinth_crash::victim::play(name),
        [jacinth_crash::recoverer::ROLE, arena, seat] => jacinth_crash::recoverer::play(arena, seat),
        [jacinth_crash::office::FOUNDER] => jacinth_crash::office::found(),
        [soak::worker::ROLE, seed] => soak::worker::play(seed),
        [soak::epoch::FOUNDER] => soak::epoch::found(),
        _ => jacinth_crash::main(),
    }
}
