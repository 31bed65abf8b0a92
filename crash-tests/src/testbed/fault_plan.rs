//! The fault that a victim meets in a round.

use crate::tracing::kill_point::KillPoint;

/// How far the victim of a round runs, and the fault that meets it there.
pub enum FaultPlan {
    /// No fault: the victim completes the operation by single steps, and its path is recorded.
    Record,
    /// No fault: the victim completes the operation at full speed.
    Complete,
    /// The victim is killed there.
    Kill(KillPoint),
    /// The victim is killed in its sleep.
    KillAsleep,
    /// SIGSTOP stops the victim there for a while; then it completes the operation.
    Stop(KillPoint),
    /// The victim is killed there, and a recoverer meets a fault of its own.
    KillRecoverer(KillPoint, RecoveryFault),
    /// The victim is killed there, and the initial leader, which recovers it, meets a fault of its own.
    KillLeader(KillPoint, RecoveryFault),
}

/// The fault in the middle of a recovery.
pub enum RecoveryFault {
    /// None: the recovery completes, and its path is recorded.
    Record,
    /// The process that recovers is killed there.
    Kill(KillPoint),
}
