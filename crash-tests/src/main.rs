//! `cargo run --release -p jacinth-crash -- --help`

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    // Victims are many, and need none of the rest.
    let mut arguments = std::env::args();
    if let (Some(role), Some(name)) = (arguments.nth(1), arguments.next())
        && role == jacinth_crash::victim::ROLE
    {
        jacinth_crash::victim::play(&name);
    }
    jacinth_crash::main()
}
