//! The examples run to their ends. Cargo builds them with the tests.

use std::process::Command;

/// Runs an example, and gives what it printed.
fn run(name: &str) -> String {
    let tests = std::env::current_exe().unwrap();
    // target/PROFILE/deps/examples-… → target/PROFILE/examples
    let example = tests.parent().and_then(|deps| deps.parent()).unwrap().join("examples").join(name);
    let output = Command::new("timeout").arg("120").arg(example).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn two_processes_end_well() {
    run("two_processes");
}

#[test]
fn the_service_ends_well() {
    run("service");
}

#[test]
fn programs_meet_by_name() {
    run("meet");
}

#[test]
fn the_log_loses_no_record() {
    let table = run("log_pipe");
    assert!(table.contains("killed"), "{table}");
}

#[test]
fn interrupts_overtake_what_waits() {
    let windows = run("shell");
    for line in ["hello, shell", "100x30", "42", "^C", "still here"] {
        assert!(windows.lines().any(|shown| shown.trim() == line), "{line:?} in\n{windows}");
    }
}

#[test]
fn buffers_come_back_counted() {
    let said = run("buffer_pool");
    assert!(said.contains("409500 lines were written, and 409500 counted"), "{said}");
}

#[test]
fn killed_filters_lose_no_frame() {
    let said = run("video_pipeline");
    assert!(said.contains("recorder  300 of 300"), "{said}");
    assert!(said.contains("display   300 of 300"), "{said}");
}

#[test]
fn the_tour_ends_well() {
    assert!(!run("quickstart").is_empty());
}

#[test]
fn handles_are_listed_by_type() {
    let printed = run("handles");
    assert!(printed.contains("the client after its requests: 22 handles\n"), "{printed}");
    assert!(printed.contains("    20 event\n"), "{printed}");
}
