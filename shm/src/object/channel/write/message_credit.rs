//! The quota of pending messages: how an end gets a grant of credits, and how idle grants are revoked.

use crate::arena::error::{Error, Result};
use crate::object::channel::write::sender;
use crate::process::endpoint::Sender;
use crate::process::thread::Thread;

/// Gets this end a grant that covers a message `ahead` places past the tail, if the channel's own limit allows one
/// there.
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
    // Take a batch, so that the process's shared counter is touched seldom.
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
            "pending messages of this process (max_pending_messages_per_process), of which one channel has at most \
             eight times the number left",
        ));
    }
    sender.granted += taken;
    Ok(())
}

/// Revokes the unused grants of this process's ends. Returns how many entries it visited.
fn revoke_idle_grants(thread: &Thread) -> usize {
    let inside = thread.inside();
    for (object, endpoint) in thread.process.bound_endpoints(&inside) {
        // A busy end keeps its grant: this thread may itself hold the lock of one, and would then wait for itself.
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
