//! Membership of an arena: who is admitted, how deaths are detected, and which process runs the supervisor.

pub(crate) mod client;
pub(crate) mod failover;
pub(crate) mod failure_detector;
pub(crate) mod fate;
pub(crate) mod poll;
pub(crate) mod protocol;
pub(crate) mod server;
pub(crate) mod socket;
pub(crate) mod system_limits;
