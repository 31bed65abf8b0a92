//! The bytes are a script: operations of several attached processes, words of the arena that change in between,
//! deaths and recoveries. Each step must end soon, by doing its work or by an error.

#![no_main]

#[path = "../../shm/tests/hostile/mod.rs"]
mod hostile;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hostile::script::run(bytes));
