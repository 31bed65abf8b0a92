//! The quota of pending messages: how an end gets a grant of credits, and how idle grants are revoked.

use crate::arena::error::{Error, Result};
use crate::object::channel::end::Writer;
use crate::object::channel::endpoint;
use crate::object::channel::write::writer;
use crate::process::thread::Thread;

/// Gets this end a grant that covers one more message, if the channel's own limit allows one.
pub(crate) fn grant(writer: &mut Writer<'_>) -> Result<()> {
    let pending = writer.cursor.pending() + writer.cursor.reserved + 1;
    let Some(lacking) = pending.checked_sub(writer.cursor.granted).filter(|lacking| *lacking > 0) else {
        return Ok(());
    };
    let thread = writer.thread;
    let limit = writer.cursor.max_pending;
    if pending > limit {
        // The channel itself is full.
        return Ok(());
    }
    // Take a batch, so that the process's shared counter is touched seldom.
    let most = writer.cursor.batch().min(limit.saturating_sub(writer.cursor.granted)).max(lacking);
    let credits = &thread.process.quotas.messages;
    let mut taken = credits.take(lacking, most, writer.cursor.granted);
    if taken == 0 && credits.walks.is_due() {
        let entries = revoke_idle_grants(thread);
        // Credits are scarce now, so this end takes only what the message needs and leaves the rest to the other ends.
        taken = credits.take(lacking, lacking, writer.cursor.granted);
        credits.walks.walked(entries, taken > 0);
    }
    if taken == 0 {
        // The lack is the quota's and not the channel's: the reader of this channel alone may not end it.
        return Err(Error::NoResources(
            "pending messages of this process (max_pending_messages_per_process), of which one channel has at most \
             eight times the number left",
        ));
    }
    writer.cursor.granted += taken;
    Ok(())
}

/// Revokes the unused grants of this process's ends. Returns how many entries it visited.
fn revoke_idle_grants(thread: &Thread) -> usize {
    let inside = thread.inside();
    for (object, endpoint) in endpoint::bound(&thread.process, &inside) {
        // A busy end keeps its grant: this thread may itself hold the lock of one, and would then wait for itself.
        if let Ok(Some(mut writer)) = Writer::try_lock(thread, object, endpoint)
            && writer.cursor.ready
            && writer::refresh_head(&mut writer).is_ok()
        {
            // The head was loaded just now, so messages that were read meanwhile count as unused. An end with a
            // damaged ring keeps its grant, and its own next write reports the damage.
            let unused = writer.cursor.unused();
            writer.cursor.granted -= unused;
            thread.process.quotas.messages.refund(unused);
            writer.cursor.set_limit();
        }
    }
    thread.process.entries_walked()
}
