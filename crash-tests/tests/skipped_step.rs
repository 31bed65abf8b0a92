//! The harness can fail: with any one step of recovery left out, it reports the defects that this causes.
//!
//! Each test runs the program on an operation that needs the step after a death, in an arena of its own.

use serde_json::Value;
use std::process::Command;

/// The output of one run of the program.
struct Run {
    succeeded: bool,
    summary: Value,
    /// What stands before the summary.
    report: String,
    errors: String,
}

fn run(arguments: &[&str]) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_jacinth-crash")).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let (report, summary) = text.trim_end().rsplit_once('\n').unwrap_or_default();
    let summary = serde_json::from_str(summary).unwrap_or_else(|_| panic!("{errors}"));
    Run { succeeded: output.status.success(), summary, report: report.into(), errors }
}

fn run_without(step: &str, operation: &str) -> Run {
    run(&["--only", operation, "--skip-step", step, "--jobs", "1"])
}

/// For each step: an operation that needs the step after a death in its middle, and the finding; `None` for a step that the
/// result does not depend on.
const STEPS: [(&str, &str, Option<&str>); 14] = [
    ("resolve-refcount-intent", "duplicate", Some("audit_failures")),
    ("resolve-list-intent", "write_0_growing", Some("audit_failures")),
    ("resolve-operation", "read_1_inline", Some("audit_failures")),
    ("resolve-table", "create_event", Some("audit_failures")),
    ("wake-hazard-waiters", "signal", Some("lost_wakes")),
    // Closing the table tells the peers again: this step only tells them sooner.
    ("tell-peers", "write_1_inline", None),
    ("run-teardown", "close_channel", Some("audit_failures")),
    ("close-table", "create_channel", Some("audit_failures")),
    ("free-slot-in-hand", "create_eventpair", Some("audit_failures")),
    ("fail-pending-slots", "spawn", Some("audit_failures")),
    ("clear-rows", "replace", Some("audit_failures")),
    ("free-process", "replace", Some("audit_failures")),
    ("recover-unfinished", "spawn", Some("audit_failures")),
    ("gather-retired", "close_last", Some("leaks")),
];

#[test]
fn each_omitted_step_is_found() {
    std::thread::scope(|scope| {
        for steps in STEPS.chunks(7) {
            scope.spawn(move || {
                for (step, operation, finding) in steps {
                    let Run { succeeded, summary, errors, .. } = run_without(step, operation);
                    match finding {
                        Some(finding) => {
                            assert!(summary[finding].as_u64() > Some(0), "{step}: {summary}\n{errors}");
                            assert!(!succeeded, "{step}: {summary}");
                        }
                        None => assert!(succeeded, "{step}: {summary}\n{errors}"),
                    }
                }
            });
        }
    });
}

#[test]
fn with_every_step_nothing_is_found() {
    let arguments: Vec<_> = STEPS.iter().flat_map(|(_, operation, _)| ["--only", operation]).collect();
    let Run { succeeded, summary, errors, .. } = run(&arguments);
    assert!(succeeded, "{summary}\n{errors}");
    // There are more kills than points where a victim missed its point and the operation was recorded again.
    let [kills, points] = ["kills", "kill_points"].map(|key| summary[key].as_u64().expect("a number"));
    assert!(points > 0 && kills >= points, "every kill point was reached: {summary}");
}

#[test]
fn a_finding_can_be_reproduced() {
    let Run { report, errors, .. } = run_without("resolve-operation", "read_1_inline");
    let command =
        errors.lines().find_map(|line| line.split_once("-p jacinth-crash-tests -- ")).expect("a command").1;
    assert!(report.ends_with(command), "the findings are the last lines before the summary: {report}");
    let arguments: Vec<_> = command.split_whitespace().collect();
    assert!(arguments.contains(&"--at"), "{command}");
    let Run { succeeded, summary, .. } = run(&arguments);
    assert!(!succeeded && summary["audit_failures"] == 1, "{command}: {summary}");
}
