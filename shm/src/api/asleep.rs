//! Models and tests only: a wait in two halves, so that one thread can fall asleep and another wake it.

use crate::arena::error::Result;
use crate::arena::word::handle::HandleValue;
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::signals::Signals;
use crate::handle::lookup::{self, ResolvedHandle};
use crate::object::port::event_loop;
use crate::object::port::packet::Packet;
use crate::object::wait;
use crate::process::thread::Thread;
use crate::signal::background_sleep::BackgroundSleep;
use crate::signal::eventcount::{self, Armed, OnInterrupt};
use crate::signal::wait_item::WaitItem;
use crate::signal::watch::{self, Watch};
use crate::sync::DEADLINE_INFINITE_NS;

/// A wait for stored signals of one object that has armed. Its thread makes no other wait before [`Thread::wake_up`].
#[derive(Debug)]
pub struct Asleep {
    found: ResolvedHandle,
    item: WaitItem,
    watch: Watch,
}

/// The sleep that an event loop is to make.
#[derive(Default)]
struct Later(Option<(ObjectRef, u32, i64)>);

impl BackgroundSleep for Later {
    fn is_asleep(&mut self) -> bool {
        false
    }

    fn start(&mut self, object: ObjectRef, armed: Armed<'_>, until_ns: i64) -> Result<()> {
        self.0 = Some((object, armed.1, until_ns));
        Ok(())
    }
}

impl Thread {
    /// Does the part of a wait that comes before the sleep, without its checks of the signals.
    pub fn fall_asleep(&self, value: HandleValue, waitfor: Signals) -> Result<Asleep> {
        let found = lookup::lookup(self, value)?;
        let item = WaitItem { handle: value, waitfor, pending: Signals::empty() };
        let watch = watch::begin_watch(self, [(found.entry.object(), &item)].into_iter())?;
        loop {
            // Again after each `None`: another waiter cleared FENCED before this thread had armed.
            let is_fenced = eventcount::enter_fenced_mode(self, &[found])?;
            if wait::arm_all(self, &[found], &[item], Some(watch), is_fenced)?.is_some() {
                return Ok(Asleep { found, item, watch });
            }
        }
    }

    /// The signals that the sleeper sees if it looks now.
    pub fn look_asleep(&self, asleep: &Asleep) -> Result<Signals> {
        self.signals_since(asleep.found, 0, Some(asleep.watch))
    }

    /// Sleeps, without a deadline, until the sleeper sees one of its signals.
    pub fn sleep_on(&self, asleep: &Asleep) -> Result<Signals> {
        let (found, mut items) = ([asleep.found], [asleep.item]);
        let look = |_: &mut [WaitItem], watch| {
            let seen = self.signals_since(asleep.found, 0, watch)?;
            Ok(seen.intersects(asleep.item.waitfor).then_some(seen))
        };
        let watch = Some(asleep.watch);
        wait::sleep_until(self, &found, &mut items, watch, DEADLINE_INFINITE_NS, OnInterrupt::Restart, look)
    }

    /// As an event loop: takes a packet of the port, or sleeps once.
    pub fn take_or_sleep(&self, port: HandleValue) -> Result<Option<Packet>> {
        let found = lookup::lookup(self, port)?;
        let mut later = Later::default();
        let taken = event_loop::take_or_sleep(self, found, &mut later)?;
        if let (None, Some((object, expected, until_ns))) = (&taken, later.0) {
            self.arena().futex().wait(&[(self.arena().state(object)?, expected)], until_ns);
        }
        Ok(taken)
    }

    /// Ends the wait.
    pub fn wake_up(&self, _asleep: Asleep) -> Result<()> {
        watch::end_watch(self)
    }
}
