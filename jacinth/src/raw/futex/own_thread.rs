//! The record of a thread that Rust code of this process sleeps in, or has asked for its handle.

use super::owners::{add_futex_thread, remove_futex_thread};
use super::sleep::FutexSleep;
use super::thread::FutexThread;
use crate::types::koid::Koid;
use crate::types::status::Status;
use jacinth_shm::PerProcess;
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

/// Calls [`forget`] in forked children.
static FORGETS: PerProcess<()> = PerProcess::new(forget);

/// The calling thread is that of a forked child. It has no object there, and is in no queue.
extern "C" fn forget() {
    FORGETS.forget();
    let _ = OWN.try_with(|entry| {
        entry.0.koid.store(0, Ordering::Relaxed);
        entry.0.sleep.end();
    });
}

/// The record of the calling thread. A thread whose locals are destroyed gets another one for each call.
pub(crate) fn own_futex_thread() -> Arc<dyn FutexThread> {
    FORGETS.get();
    OWN.try_with(|entry| entry.0.clone()).unwrap_or_default()
}

/// Notes the koid of the calling thread's object. The thread may be the owner of a futex from then on.
///
/// # Errors
/// Those of [`add_futex_thread`].
pub(crate) fn set_own_koid(koid: Koid) -> Result<(), Status> {
    FORGETS.get();
    let noted = OWN.try_with(|entry| {
        add_futex_thread(koid, entry.0.clone())?;
        // Relaxed: as above. A thread that has detached and asks again has a new object.
        let former = entry.0.koid.swap(koid.raw_koid(), Ordering::Relaxed);
        remove_futex_thread(Koid::from_raw(former));
        Ok(())
    });
    // A thread whose locals are destroyed is not noted: it ends.
    noted.unwrap_or(Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forked_child_forgets_its_thread() {
        set_own_koid(Koid::from_raw(5000)).unwrap();
        let own = own_futex_thread();
        own.sleep().begin();
        own.sleep().enter_queue(64, 1);
        forget();
        assert_eq!((own.koid(), own.sleep().waits_on()), (Ok(Koid::INVALID), 0));
    }
}
