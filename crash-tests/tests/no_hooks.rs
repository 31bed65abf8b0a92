//! A build of the whole workspace makes the same libraries as a build of each alone: the packages that test and measure
//! them switch on none of their features.

use serde_json::Value;
use std::process::Command;

/// The packages that are delivered.
const LIBRARIES: [&str; 4] = ["jacinth-shm", "jacinth", "jacinth-capi-calls", "jacinth-capi"];

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

#[test]
fn tests_enable_no_library_feature() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON");
    let packages = metadata["packages"].as_array().unwrap();
    assert!(LIBRARIES.iter().all(|name| packages.iter().any(|package| text(package, "name") == *name)));
    for package in packages.iter().filter(|package| !LIBRARIES.contains(&text(package, "name"))) {
        for dependency in package["dependencies"].as_array().unwrap() {
            if LIBRARIES.contains(&text(dependency, "name")) {
                let features = dependency["features"].as_array().unwrap();
                assert!(
                    features.is_empty(),
                    "{} switches on {features:?} of {}",
                    text(package, "name"),
                    text(dependency, "name")
                );
            }
        }
    }
}
