//! The examples run to their ends.

use std::process::Command;

#[test]
fn the_tokio_service_ends_on_ctrl_c() {
    let tests = std::env::current_exe().unwrap();
    // target/PROFILE/deps/examples-… → target/PROFILE/examples
    let example = tests.parent().and_then(|deps| deps.parent()).unwrap().join("examples/tokio_service");
    let output = Command::new("timeout").arg("60").arg(example).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let end = "Ctrl-C: 1000 clients were let go; 10000 calls were answered";
    assert!(output.status.success() && text.contains(end), "{output:?}");
}
