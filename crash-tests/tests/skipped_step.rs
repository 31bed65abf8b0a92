//! The harness can fail: with any one step of recovery left out, it reports what that step would have put right.
//!
//! Each test runs the program on an operation whose deaths need the step, in an arena of its own.

use jacinth_shm::Step;
use serde_json::Value;
use std::process::Command;

/// What one run of the program said.
struct Run {
    succeeded: bool,
    summary: Value,
    words: String,
}

fn run(arguments: &[&str]) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_jacinth-crash")).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    let summary = text.lines().last().and_then(|line| serde_json::from_str(line).ok());
    Run { succeeded: output.status.success(), summary: summary.unwrap_or_else(|| panic!("{words}")), words }
}

fn run_without(step: Step, operation: &str) -> Run {
    run(&["--only", operation, "--skip-step", &format!("{step:?}"), "--jobs", "1"])
}

/// The operation in whose middle a death needs the step, and what must be reported; nothing for a step that the end
/// does not depend on.
fn showing(step: Step) -> (&'static str, Option<&'static str>) {
    match step {
        Step::SettleReference => ("duplicate", Some("audit_failures")),
        Step::SettleLink => ("write_0_growing", Some("audit_failures")),
        Step::SettleOperation => ("read_1_inline", Some("audit_failures")),
        Step::SettleTable => ("create_event", Some("audit_failures")),
        Step::WakeHazarded => ("signal", Some("lost_wakes")),
        // Closing the table tells them again: this step only makes the news arrive sooner.
        Step::TellPeers => ("write_1_inline", None),
        Step::WorkDying => ("close_channel", Some("audit_failures")),
        Step::CloseTable => ("create_channel", Some("audit_failures")),
        Step::FreeInHand => ("create_eventpair", Some("audit_failures")),
        Step::DoomSeats => ("spawn", Some("audit_failures")),
        Step::ClearRows => ("replace", Some("audit_failures")),
        Step::FreeProcess => ("replace", Some("audit_failures")),
        Step::RecoverUnfinished => ("spawn", Some("audit_failures")),
        Step::GatherRetired => ("close_last", Some("leaks")),
    }
}

#[test]
fn each_step_of_recovery_that_is_left_out_is_noticed() {
    std::thread::scope(|scope| {
        for steps in [&Step::ALL[..7], &Step::ALL[7..]] {
            scope.spawn(move || {
                for step in steps {
                    let (operation, reported) = showing(*step);
                    let Run { succeeded, summary, words } = run_without(*step, operation);
                    match reported {
                        Some(what) => {
                            assert!(summary[what].as_u64() > Some(0), "{step:?}: {summary}\n{words}");
                            assert!(!succeeded, "{step:?}: {summary}");
                        }
                        None => assert!(succeeded, "{step:?}: {summary}\n{words}"),
                    }
                }
            });
        }
    });
}

#[test]
fn with_every_step_in_place_the_same_operations_find_nothing() {
    let operations = Step::ALL.map(|step| showing(step).0);
    let arguments: Vec<_> = operations.iter().flat_map(|operation| ["--only", operation]).collect();
    let Run { succeeded, summary, words } = run(&arguments);
    assert!(succeeded, "{summary}\n{words}");
    // More where a victim went another way, and its operation was recorded once more.
    let [kills, points] = ["kills", "kill_points"].map(|what| summary[what].as_u64().expect("a number"));
    assert!(points > 0 && kills >= points, "every kill point was reached: {summary}");
}

#[test]
fn a_finding_says_how_to_bring_it_about_again() {
    let found = run_without(Step::SettleOperation, "read_1_inline").words;
    let again = found.lines().find_map(|line| line.split_once("-p jacinth-crash -- ")).expect("a command").1;
    let arguments: Vec<_> = again.split_whitespace().collect();
    assert!(arguments.contains(&"--at"), "{again}");
    let Run { succeeded, summary, .. } = run(&arguments);
    assert!(!succeeded && summary["audit_failures"] == 1, "{again}: {summary}");
}
