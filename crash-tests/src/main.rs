//! `cargo run --release -p jacinth-crash-tests -- --help`

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    jacinth_crash_tests::main()
}
