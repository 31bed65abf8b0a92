//! The operations of [`Thread`] that observe signals: a look, and the waits.

use crate::arena::error::{Error, Result};
use crate::arena::record::watch::MAX_WAIT_ITEMS;
use crate::arena::word::handle::{HandleValue, Rights};
use crate::arena::word::lifecycle::Lifecycle;
use crate::arena::word::signals::{Signals, State};
use crate::handle::lookup::{self, ResolvedHandle};
use crate::lifecycle::teardown;
use crate::object::{ObjectClass, wait};
use crate::process::thread::Thread;
use crate::signal::eventcount::OnInterrupt;
use crate::signal::wait_item::WaitItem;
use crate::signal::watch::{self, Watch};
use crate::sync::{self, Acquire, Relaxed};

impl Thread {
    /// The signals of a handle's object, or CANCELED when the handle is no longer there.
    pub fn signals(&self, found: ResolvedHandle) -> Result<Signals> {
        let signals = self.look(found);
        // The signals belong to the handle's object only if the handle is still there.
        if lookup::validate(self, found) { signals } else { Err(Error::Canceled) }
    }

    /// The same, with the signals that item `number` has observed since it began to watch.
    pub(crate) fn signals_since(
        &self,
        found: ResolvedHandle,
        number: usize,
        watch: Option<Watch>,
    ) -> Result<Signals> {
        let looked = self.look(found);
        // Before the handle is validated: signals of another object that used the slot are discarded by that.
        let observed = watch.map_or(Ok(Signals::empty()), |watch| watch::observed(self, watch, number));
        if lookup::validate(self, found) { Ok(looked? | observed?) } else { Err(Error::Canceled) }
    }

    fn look(&self, found: ResolvedHandle) -> Result<Signals> {
        let object = found.entry.object();
        let slot = self.arena().object(object.slot())?;
        let class = ObjectClass::of(Lifecycle(slot.lifecycle.load(Relaxed)))?;
        // ORDER: Acquire, and before the rings are looked at: PEER_CLOSED is never seen without the messages that came
        // before it.
        let stored = State(slot.state[object.side()].load(Acquire)).signals();
        sync::acquired(&slot.state[object.side()]);
        let signals = class.signals(self, found, stored)?;
        // A look may have discarded late replies of a channel, and with them last references to objects. Tear those
        // down now, since a wait may last.
        teardown::run_release_queue(self)?;
        Ok(signals)
    }

    /// Waits until one of `signals` is asserted. Returns all signals that were seen.
    pub fn wait_one(
        &self,
        value: HandleValue,
        rights: Rights,
        waitfor: Signals,
        deadline_ns: i64,
    ) -> (Result<()>, Signals) {
        let mut items = [WaitItem { handle: value, waitfor, pending: Signals::empty() }];
        let result = self.wait_many(&mut items, rights, deadline_ns);
        (result, items[0].pending)
    }

    /// Waits until one item has one of its signals. `pending` of every item is filled in on success, timeout and
    /// cancellation.
    pub fn wait_many(&self, items: &mut [WaitItem], rights: Rights, deadline_ns: i64) -> Result<()> {
        if items.len() > MAX_WAIT_ITEMS {
            return Err(Error::out_of_range(
                "the number of handles to wait for",
                items.len(),
                MAX_WAIT_ITEMS,
            ));
        }
        // Most waits are for few handles, and allocate no memory for them.
        let mut found = [ResolvedHandle::NONE; 8];
        if let Some(found) = found.get_mut(..items.len()) {
            self.wait_found(items, found, rights, deadline_ns)
        } else {
            let mut found = vec![ResolvedHandle::NONE; items.len()];
            self.wait_found(items, &mut found, rights, deadline_ns)
        }
    }

    fn wait_found(
        &self,
        items: &mut [WaitItem],
        found: &mut [ResolvedHandle],
        rights: Rights,
        deadline_ns: i64,
    ) -> Result<()> {
        for (found, item) in found.iter_mut().zip(items.iter()) {
            *found = lookup::lookup(self, item.handle)?;
            found.require(rights)?;
        }
        wait::wait_until(self, found, items, deadline_ns, OnInterrupt::Restart, |items, watch| {
            let mut satisfied = false;
            let mut canceled = false;
            // All items are looked at, also after one that decides: `pending` is filled in for each.
            for (number, (item, found)) in items.iter_mut().zip(found.iter()).enumerate() {
                item.pending = match self.signals_since(*found, number, watch) {
                    Ok(signals) => signals,
                    Err(Error::Canceled) => {
                        canceled = true;
                        Signals::HANDLE_CLOSED
                    }
                    Err(error) => return Err(error),
                };
                satisfied |= item.pending.intersects(item.waitfor);
            }
            match (canceled, satisfied) {
                // A closed handle outweighs a signal: the caller must not use the items as if all of them were still
                // there.
                (true, _) => Err(Error::Canceled),
                (false, true) => Ok(Some(())),
                (false, false) => Ok(None),
            }
        })
    }
}
