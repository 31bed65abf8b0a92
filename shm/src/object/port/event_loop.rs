//! The wait of an event loop, in pieces: a look for a packet, which may end in an armed sleep. Then the event loop does other
//! work until that sleep has ended. Each piece is what `object/wait` does between two sleeps, without the spin.
//!
//! The event loop is no thread at the port: it may come back on any thread of its process, or never. So it notes itself
//! as `Sleepers::event_loop`, and a packet that wakes it wakes all other waiters too.

use crate::arena::error::Result;
use crate::arena::record::counter::Counter;
use crate::arena::word::handle::HandleValue;
use crate::arena::word::port::sleeper::Sleepers;
use crate::arena::word::signals::Signals;
use crate::handle::lookup::ResolvedHandle;
use crate::object::class::Class;
use crate::object::port::Port;
use crate::object::port::packet::{self, Packet};
use crate::object::wait;
use crate::process::thread::Thread;
use crate::signal::background_sleep::BackgroundSleep;
use crate::signal::eventcount::{self, UNFENCED_SLEEP_NS};
use crate::signal::wait_item::WaitItem;
use crate::sync::{self, DEADLINE_INFINITE_NS, SeqCst, fence};

/// Takes the first packet of the port. If there is none, `sleep` sleeps afterwards: the event loop looks again when that has
/// ended.
///
/// Fails with `Canceled` when the handle is gone.
pub(crate) fn take_or_sleep(
    thread: &Thread,
    found: ResolvedHandle,
    sleep: &mut impl BackgroundSleep,
) -> Result<Option<Packet>> {
    let take = || packet::take(thread, found, Sleepers::event_loop());
    if let Some(packet) = take()? {
        // The end of the last sleep stays shown: another thread of the event loop may be waiting for it.
        return Ok(Some(packet));
    }
    // A packet that has come since ends the sleep that goes on, which armed before the look.
    if sleep.is_asleep() {
        return Ok(None);
    }
    // No signal: a port has none. No operation reads the value.
    let items =
        [WaitItem { handle: HandleValue::default(), waitfor: Signals::empty(), pending: Signals::empty() }];
    loop {
        let is_fenced = eventcount::enter_fenced_mode(thread, &[found])?;
        let words = wait::arm_all(thread, &[found], &items, None, is_fenced)?;
        let Some(armed) = words.and_then(|words| words.first().copied()) else { continue };
        // ORDER: pairs with the fence of `wake_waiter`: if this look misses a packet, its sender sees HAS_WAITERS. And with
        // the fence of `handle_gone_fenced`, in the same way.
        fence(SeqCst);
        let taken = take()?;
        let again_ns = Port::look_again_ns(thread, found, Signals::empty());
        let unfenced_ns = (!is_fenced).then(|| sync::now_ns().saturating_add(UNFENCED_SLEEP_NS));
        let until_ns = again_ns.into_iter().chain(unfenced_ns).min().unwrap_or(DEADLINE_INFINITE_NS);
        thread.increment(Counter::Sleeps, 1);
        // Also if a packet is taken, because the end of the last sleep is no longer shown. A word that has changed since it
        // was armed ends the sleep at once.
        let started = sleep.start(found.entry.object(), armed, until_ns);
        // The packet is taken, so an error is left to the next look.
        return if taken.is_some() { Ok(taken) } else { started.map(|()| None) };
    }
}
