//! The rows of calls, by the program `compare` itself: every service answers, and the processes of a measurement neither
//! hang it nor outlive it.

use procfs::process::{ProcState, Process, all_processes};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A guard against hanging, no condition.
const PATIENCE: Duration = Duration::from_secs(600);

fn compare(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_compare"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The members that this program has started, and that run.
fn members_of(compare: &Child) -> Vec<Process> {
    let is_member = |process: &Process| {
        let parent = process.stat().map(|stat| (stat.ppid, stat.state));
        let is_child = parent.is_ok_and(|(parent, state)| parent == compare.id() as i32 && state != 'Z');
        is_child && process.cmdline().is_ok_and(|words| words.get(1).is_some_and(|word| word == "member"))
    };
    all_processes().unwrap().flatten().filter(is_member).collect()
}

/// Looks until the condition holds.
fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(start.elapsed() < PATIENCE, "it does not happen");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn kill(process: i32) {
    // It may be gone already.
    let _ = kill_process(Pid::from_raw(process).unwrap(), Signal::KILL);
}

#[test]
fn every_service_answers_its_clients() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rpc.json");
    let rows = ["rpc_1", "rpc_8", "rpc_50", "rpc_async_8"];
    let mut arguments = vec!["--quick", "--rounds", "1", "--json", path.to_str().unwrap()];
    arguments.extend(rows.iter().flat_map(|row| ["--only", row]));
    let output = compare(&arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("CPU s per 10⁶ calls"), "{text}");

    let report: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let results = report["results"].as_array().unwrap();
    let names: Vec<_> = results.iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, rows);
    for row in results {
        let peers = row["peers"].as_object().unwrap();
        assert_eq!(peers.len(), if row["name"] == "rpc_async_8" { 1 } else { 4 }, "{row}");
        for figure in [&row["jacinth"], &row["reference"]].into_iter().chain(peers.values()) {
            let number = |of: &Value| of.as_f64().unwrap_or_else(|| panic!("no number in {figure}"));
            assert!(number(&figure["p50"]) > 0.0);
            assert!(number(&figure["processor_time_ns"]["p50"]) > 0.0);
            assert!(number(&figure["each"]["p99"]) >= number(&figure["each"]["p50"]));
        }
        let conditions = row["conditions"].as_array().unwrap();
        let time = conditions.iter().find(|condition| condition["of"] == "processor_time").unwrap();
        assert!(time["ratio"].as_f64().unwrap() > 0.0);
    }
}

#[test]
fn members_die_with_a_killed_run() {
    let mut run = compare(&["--only", "rpc_50"]).spawn().unwrap();
    let members = until(|| Some(members_of(&run)).filter(|members| members.len() > 25));
    kill(run.id() as i32);
    run.wait().unwrap();
    // A process that has ended is no process any more, or waits for its new parent to notice.
    let is_over = |member: &Process| {
        member.stat().and_then(|stat| stat.state()).is_ok_and(|state| state == ProcState::Zombie)
            || !member.is_alive()
    };
    until(|| members.iter().all(is_over).then_some(()));
}

#[test]
fn dead_server_fails_its_measurement() {
    let mut run = compare(&["--rounds", "1", "--only", "rpc_8"]).spawn().unwrap();
    // Each server that is seen is killed, whichever service it is of.
    let status = until(|| {
        let is_server = |process: &Process| {
            process.cmdline().is_ok_and(|words| words.windows(2).any(|two| two == ["--part", "server"]))
        };
        members_of(&run).iter().filter(|process| is_server(process)).for_each(|server| kill(server.pid));
        run.try_wait().unwrap()
    });
    assert!(!status.success(), "{status}");
    let output = run.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("failed: "), "{text}");
}
