//! The cost of each operation by itself, in one process: no other processor has the lines. Beside them the alternatives of a
//! program inside one process, and the kernel's counterparts. Then the same operations
//! while the process holds 1,000, 100,000 and 1,000,000 handles, each of an object of its own.

#![deny(unsafe_code)]

mod baseline;
mod channel;
mod create;
mod handle;
mod signal;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};
use jacinth::Supervisor;
use jacinth_bench::measure::jacinth::many_handles;
use std::time::Duration;

/// Benches that stand together in reports.
pub type Group<'a> = BenchmarkGroup<'a, WallTime>;

type Bench = fn(&mut Group<'_>);

/// The operations that are measured among few and many handles.
const OPERATIONS: [(&str, Bench); 4] = [
    ("create", create::create),
    ("handle", handle::handle),
    ("signal", signal::signal),
    ("channel", channel::channel),
];

fn main() {
    let supervisor = Supervisor::create(&many_handles::config_with_room()).expect("an arena");
    // Shorter than criterion's own: there are many of them, and most take nanoseconds.
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1))
        .sample_size(50)
        .configure_from_args();
    let mut run = |name: &str, bench: Bench| {
        let mut group = criterion.benchmark_group(name);
        bench(&mut group);
        group.finish();
    };
    for (name, bench) in OPERATIONS {
        run(name, bench);
    }
    run("queues", baseline::queues);
    run("kernel", baseline::kernel);
    let mut others = Vec::new();
    for events in [1_000, 100_000, 1_000_000] {
        many_handles::grow(&mut others, events).expect("enough events");
        for (name, bench) in OPERATIONS {
            run(&format!("{name}_among_{events}"), bench);
        }
    }
    drop(others);
    criterion.final_summary();
    let audit = supervisor.audit();
    assert!(audit.is_clean(), "the arena after the benches: {audit}");
}
