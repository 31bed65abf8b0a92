//! The quota of pending messages: how an end is granted a batch of them, and how idle ends give theirs up.

use crate::arena::error::{Error, Result};
use crate::object::channel::write::sender;
use crate::process::endpoint::Sender;
use crate::process::thread::Thread;

/// Has this end granted enough for a message `ahead` places past the tail, if its own limit allows one there.
pub(crate) fn grant(thread: &Thread, sender: &mut Sender, ahead: u64) -> Result<()> {
    let pending = sender.pending() + sender.reserved + ahead + 1;
    let Some(lacking) = pending.checked_sub(sender.granted).filter(|lacking| *lacking > 0) else {
        return Ok(());
    };
    let limit = sender.max_pending;
    if pending > limit {
        // The channel itself is full.
        return Ok(());
    }
    let most = sender.batch().min(limit.saturating_sub(sender.granted)).max(lacking);
    let credits = &thread.process.quotas.messages;
    let mut taken = credits.take(lacking, most, sender.granted);
    if taken == 0 && credits.walks.is_due() {
        let entries = revoke_idle_grants(thread);
        taken = credits.take(lacking, lacking, sender.granted);
        credits.walks.walked(entries, taken > 0);
    }
    if taken == 0 {
        return Err(Error::NoResources(
            "pending messages of this process (max_pending_messages_per_process), of which one channel has no more than \
             eight times what is left",
        ));
    }
    sender.granted += taken;
    Ok(())
}

/// Takes back what the ends of this process have been granted and do not use. Gives how many entries it looked at.
fn revoke_idle_grants(thread: &Thread) -> usize {
    let inside = thread.inside();
    for (object, endpoint) in thread.process.bound_endpoints(&inside) {
        // One that is busy keeps what it has; waiting for it could wait for ourselves.
        if let Some(mut sender) = endpoint.sender.try_lock()
            && endpoint.is_bound_to(object)
            && sender.ready
            && sender::refresh_head(thread, object, &mut sender).is_ok()
        {
            let unused = sender.unused();
            sender.granted -= unused;
            thread.process.quotas.messages.give_back(unused);
            sender::set_limit(thread, &mut sender);
        }
    }
    thread.process.entries_walked()
}
