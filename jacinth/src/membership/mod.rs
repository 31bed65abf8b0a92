//! Membership of an arena: which processes are admitted, how their deaths are detected, and which process runs the
//! supervisor.
//!
//! ```text
//!  a process          environment, socket, connection, client, protocol       how it finds the supervisor and asks it
//!  the supervisor     server                                                  admits, watches, recovers
//!  both               failure_detector                                        which process is dead, for certain
//!  every standby      failover                                                the next supervisor
//! ```

pub(crate) mod client;
pub(crate) mod connection;
pub(crate) mod environment;
pub(crate) mod failover;
pub(crate) mod failure_detector;
pub(crate) mod poll;
pub(crate) mod protocol;
pub(crate) mod report;
pub(crate) mod server;
pub(crate) mod socket;
pub(crate) mod spawn_error;
pub(crate) mod spawn_status;
pub(crate) mod system_limits;
