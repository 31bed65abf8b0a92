//! A wait taken apart, for models and tests: a sleeper that is stopped where they want it.

use crate::count::Found;
use crate::error::Result;
use crate::sync::DEADLINE_INFINITE_NS;
use crate::thread::Thread;
use crate::wait::{OnInterrupt, WaitItem};
use crate::watch::Watch;

/// A wait for stored signals of one object, that has armed. Its thread makes no other before [`Thread::wake_up`].
#[derive(Debug)]
pub struct Asleep {
    found: Found,
    item: WaitItem,
    watch: Watch,
}

impl Thread {
    /// Does what a wait does before it sleeps, and looks nowhere.
    pub fn fall_asleep(&self, value: u32, waitfor: u32) -> Result<Asleep> {
        let found = self.find(value)?;
        let item = WaitItem { handle: value, waitfor, pending: 0 };
        let watch = self.begin_watch([(found.entry.object(), &item)].into_iter())?;
        loop {
            let sure = self.set_modes(&[found])?;
            if self.arm_all(&[found], &[item], Some(watch), sure)?.is_some() {
                return Ok(Asleep { found, item, watch });
            }
        }
    }

    /// What the sleeper sees if it looks now.
    pub fn look_asleep(&self, asleep: &Asleep) -> Result<u32> {
        self.signals_since(asleep.found, 0, Some(asleep.watch))
    }

    /// Sleeps, for ever, until the sleeper sees one of its signals.
    pub fn sleep_on(&self, asleep: &Asleep) -> Result<u32> {
        let (found, mut items) = ([asleep.found], [asleep.item]);
        let look = |_: &mut [WaitItem], watch| {
            let seen = self.signals_since(asleep.found, 0, watch)?;
            Ok((seen & asleep.item.waitfor != 0).then_some(seen))
        };
        let watch = Some(asleep.watch);
        self.sleep_until(&found, &mut items, watch, DEADLINE_INFINITE_NS, OnInterrupt::GoOn, look)
    }

    /// The wait is over.
    pub fn wake_up(&self, _asleep: Asleep) -> Result<()> {
        self.end_watch()
    }
}
