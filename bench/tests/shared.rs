//! The rows of streams and frames between several processes, by the program `compare` itself.

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};

/// A measurement fails if a byte that was written is not read.
#[test]
fn shared_streams_carry_all_bytes() {
    run_rows(&["socket_shared_4", "socket_shared_4_64KiB"]);
}

/// A measurement fails if a reader misses a frame, or a word of one.
#[test]
fn frames_reach_all_readers() {
    run_rows(&["frames_4MiB_1_to_3"]);
}

/// Runs these rows once.
fn run_rows(rows: &[&str]) {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.json", rows[0]));
    let mut command = Command::new(env!("CARGO_BIN_EXE_compare"));
    command.args(["--quick", "--rounds", "1", "--json", path.to_str().unwrap()]);
    command.args(rows.iter().flat_map(|row| ["--only", row])).stdin(Stdio::null());
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));

    let report: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let results = report["results"].as_array().unwrap();
    let names: Vec<_> = results.iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, rows);
    for figure in results.iter().flat_map(|row| [&row["jacinth"], &row["reference"]]) {
        assert!(figure["p50"].as_f64().is_some_and(|bytes| bytes > 0.0), "{figure}");
    }
}
