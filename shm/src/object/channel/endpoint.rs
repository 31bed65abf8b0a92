//! The endpoints of this process: how a channel end finds and binds its private half.

use crate::arena::word::handle::EntryIndex;
use crate::arena::word::reference::ObjectRef;
use crate::process::half::channel::Endpoint;
use crate::process::{Origin, Process};
use crate::sync::{Inside, Relaxed};

/// The endpoint that belongs to this entry, if it has one.
#[inline(always)]
pub(crate) fn endpoint<'a>(
    process: &'a Process,
    index: EntryIndex,
    inside: &'a Inside<'_>,
) -> Option<&'a Endpoint> {
    process.halves.channel.get(index.0 as usize, inside)
}

/// The endpoints that are bound, or about to be unbound, each with its side.
pub(crate) fn bound<'a>(
    process: &'a Process,
    inside: &'a Inside<'_>,
) -> impl Iterator<Item = (ObjectRef, &'a Endpoint)> {
    // The lock is held for this load only. Handles that arrive during the walk may be missed: the walks are for memory
    // that has been idle for a while.
    let hwm = process.entries.lock().hwm();
    (1..hwm).map(EntryIndex).filter_map(move |index| {
        let endpoint = endpoint(process, index, inside)?;
        Some((endpoint.bound()?, endpoint))
    })
}

/// Binds the endpoint of this entry to a side that has just come to this process.
pub(crate) fn bind(
    process: &Process,
    object: ObjectRef,
    index: EntryIndex,
    origin: Origin,
    inside: &Inside<'_>,
) {
    if origin == Origin::New
        && let Some(endpoint) = endpoint(process, index, inside)
        && endpoint.bound().is_none()
    {
        return endpoint.bind_fresh(object);
    }
    if let Some(endpoint) = process.halves.channel.get_or_make(index.0 as usize, inside) {
        let mut pending = 0;
        if origin == Origin::Moved {
            pending = pending_of(process, object);
            forget_refusal(process, object);
        }
        endpoint.bind(object, pending, &process.quotas.messages);
    }
}

/// How many messages written at this end are pending; 0 if messages have no quota.
fn pending_of(process: &Process, object: ObjectRef) -> u64 {
    if !process.quotas.messages.is_limited() {
        return 0;
    }
    let Ok(direction) = process.arena.direction(object) else { return 0 };
    // Relaxed: a number for the accounts only; `load_write_cursor` loads the words again before any message is written.
    let consumed = direction.consumed(direction.consumer.head.load(Relaxed));
    let pending = direction.producer.tail.load(Relaxed).saturating_sub(consumed);
    pending.min(process.arena.layout().config.max_pending_messages.into())
}

/// A write that an earlier owner of the end was refused is none of this process's (`write/refusal`).
fn forget_refusal(process: &Process, object: ObjectRef) {
    // A damaged slot fails at the first use of the handle.
    let Ok(direction) = process.arena.direction(object) else { return };
    // Relaxed, both: the entry that becomes LIVE next publishes it.
    if direction.producer.refusal().load(Relaxed) != 0 {
        direction.producer.refusal().store(0, Relaxed);
    }
}
