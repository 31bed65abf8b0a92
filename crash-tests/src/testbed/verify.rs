//! The checks of a round. They hold for every operation; the operation adds its own.

use crate::arena::usage::ResourceUsage;
use crate::operation::fixture::{Fixture, signals_of};
use crate::operation::outcome::Outcome;
use crate::operation::spec::{ActingThread, EntryMode, OperationSpec};
use crate::sleepers::HANG;
use crate::testbed::defect::{Defect, DefectKind};
use crate::testbed::{Check, Testbed};
use jacinth::Signals;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The operation is complete and the victim's process lives. It has as many handles as it should; and a thread that has
/// ended has left no row and no retired object. (A partner's row is there until that thread has ended, too.)
pub fn while_alive(testbed: &Testbed, operation: &OperationSpec, handles: Option<i64>) -> Check {
    let start = Instant::now();
    loop {
        let now = ResourceUsage::of(&testbed.supervisor);
        let has_handles = handles.is_none_or(|handles| i64::from(now.handles) == handles);
        let (threads, retired) = (testbed.baseline.threads, testbed.baseline.retired);
        let has_threads =
            operation.thread == ActingThread::Main || (now.threads, now.retired) == (threads, retired);
        if has_handles && has_threads {
            return Ok(());
        }
        if start.elapsed() > HANG / 4 {
            let text = format!(
                "after the operation there should have been {handles:?} handles and, if it ends a thread, \
                 {threads:?} threads and {retired} retired objects: there are {now}"
            );
            return Err(Defect::new(DefectKind::Leak, text));
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// The victim is dead: it is recovered, sleepers are awake, the audit is clean, the operation's guarantee holds, and
/// everything that the victim was given is closed or used up.
pub fn after_death(
    testbed: &mut Testbed,
    operation: &OperationSpec,
    mut fixture: Fixture,
    outcome: Outcome,
    partner: Option<JoinHandle<()>>,
) -> Check {
    let broken = |text: &str| Defect::new(DefectKind::BrokenGuarantee, text);
    let lost_wake = |text| Defect::new(DefectKind::LostWake, text);
    let before = testbed.recovered;
    testbed.recover()?;
    if operation.entry == EntryMode::Forked && testbed.recovered != before {
        return Err(broken("the death of a forked child was taken for an attached process's"));
    }
    // Before any handle of the survivor is closed: a close wakes the sleepers on that handle, and would hide a lost wake.
    let asleep = testbed.sleepers.check(&fixture.sleepers).map_err(lost_wake)?;
    if let Some(partner) = partner {
        wait_for(&partner).map_err(lost_wake)?;
        partner.join().map_err(|_| broken("the victim's partner panicked; its output is above"))?;
    }
    testbed.audit("after the recovery")?;
    operation.run_check(&mut fixture, outcome).map_err(|text| broken(&text))?;
    if operation.entry == EntryMode::Spawned
        && !signals_of(&*fixture.control).contains(Signals::CHANNEL_PEER_CLOSED)
    {
        return Err(broken("the control channel to the victim has not closed"));
    }
    for (index, peer) in fixture.peers.iter().enumerate() {
        if !signals_of(peer).contains(Signals::EVENTPAIR_PEER_CLOSED) {
            let text =
                format!("handle {index} that the victim was given is still open, and no process has it");
            return Err(Defect::new(DefectKind::Leak, text));
        }
    }
    drop(fixture);
    // The fixture's handles are closed now, which ends the waits of all sleepers that were right to sleep on.
    testbed.sleepers.collect(asleep).map_err(lost_wake)?;
    testbed.wait_for_baseline()?;
    testbed.audit("after the survivors went on")
}

fn wait_for(partner: &JoinHandle<()>) -> Result<(), String> {
    let start = Instant::now();
    while !partner.is_finished() {
        if start.elapsed() > HANG {
            return Err("the victim's partner waits on".into());
        }
        std::thread::sleep(Duration::from_micros(50));
    }
    Ok(())
}
