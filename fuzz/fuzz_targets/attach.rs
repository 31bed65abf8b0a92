//! The bytes are a file to attach to: arbitrary bytes, or a real arena of which some have changed. Either it is
//! refused by an error, or it is an arena, and the rest of the bytes is a script that runs on it.

#![no_main]

#[path = "../../shm/tests/hostile/mod.rs"]
mod hostile;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hostile::script::attach(bytes));
