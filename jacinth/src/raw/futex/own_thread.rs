//! The record of a thread that Rust code of this process sleeps in, or has asked for its handle.

use super::queues::{add_futex_thread, remove_futex_thread};
use super::sleep::FutexSleep;
use super::thread::FutexThread;
use crate::types::koid::Koid;
use crate::types::status::Status;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug, Default)]
struct OwnThread {
    sleep: FutexSleep,
    /// The koid of its object; 0 until there is one.
    koid: AtomicU64,
}

impl FutexThread for OwnThread {
    fn sleep(&self) -> &FutexSleep {
        &self.sleep
    }

    fn koid(&self) -> Result<Koid, Status> {
        // Relaxed: the number publishes no other memory.
        Ok(Koid::from_raw(self.koid.load(Ordering::Relaxed)))
    }
}

/// Its drop, when the thread ends, takes the thread off the list of possible owners.
#[derive(Default)]
struct Entry(Arc<OwnThread>);

impl Drop for Entry {
    fn drop(&mut self) {
        if let Ok(koid) = self.0.koid() {
            remove_futex_thread(koid);
        }
    }
}

thread_local! {
    static OWN: Entry = Entry::default();
}

/// The record of the calling thread. A thread whose locals are destroyed gets another one for each call.
pub(crate) fn own_futex_thread() -> Arc<dyn FutexThread> {
    OWN.try_with(|entry| entry.0.clone()).unwrap_or_default()
}

/// Notes the koid of the calling thread's object. The thread may be the owner of a futex from then on.
pub(crate) fn set_own_koid(koid: Koid) {
    let _ = OWN.try_with(|entry| {
        entry.0.koid.store(koid.raw_koid(), Ordering::Relaxed);
        add_futex_thread(koid, entry.0.clone());
    });
}
