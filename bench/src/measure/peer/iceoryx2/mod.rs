//! iceoryx2. As its own benchmarks run it, both sides ask again and again; only `wait_set` sleeps.

pub mod frames;
pub mod loan;
pub mod publish_subscribe;
pub mod request_response;
pub mod wait_set;

use crate::measure::Stage;
use ::iceoryx2::prelude::*;
use anyhow::{Context as _, Result};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// The name of the column.
pub const WHO: &str = "iceoryx2";

/// A process's place among the users of iceoryx2.
fn node() -> Result<Node<ipc::Service>> {
    set_log_level(LogLevel::Error);
    Ok(NodeBuilder::new().signal_handling_mode(SignalHandlingMode::Disabled).create()?)
}

/// A name for services that no other run uses.
fn new_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Relaxed: it need only differ.
    format!("jacinth-bench/{}/{}", std::process::id(), NEXT.fetch_add(1, Relaxed))
}

/// Tells the far side the name, once the near side has made the service that the far side will connect to.
fn hand_over(stage: &Stage<'_>, name: &str) -> Result<()> {
    stage.link.send(&name)
}

/// The name that the near side has made up.
fn take_over_name(stage: &Stage<'_>) -> Result<String> {
    stage.link.receive()?.context("no name came")
}
