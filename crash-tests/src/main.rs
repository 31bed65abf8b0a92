//! `cargo run --release -p jacinth-crash -- --help`

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    jacinth_crash::main()
}
