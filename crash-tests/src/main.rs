//! `cargo run --release -p jacinth-crash -- --help`

#![forbid(unsafe_code)]

use jacinth_crash::soak;
use std::process::ExitCode;

fn main() -> ExitCode {
    // Victims are many, and need none of the rest.
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [jacinth_crash::process::victim::ROLE, name] => jacinth_crash::process::victim::play(name),
        [jacinth_crash::process::recoverer::ROLE, arena, seat] => {
            jacinth_crash::process::recoverer::play(arena, seat)
        }
        [jacinth_crash::campaign::leader_crash::FOUNDER] => jacinth_crash::campaign::leader_crash::found(),
        [soak::worker::ROLE, seed] => soak::worker::play(seed),
        [soak::epoch::FOUNDER] => soak::epoch::found(),
        _ => jacinth_crash::main(),
    }
}
