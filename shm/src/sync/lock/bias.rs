//! The bias of a lock to the thread that uses it most. This thread, the *owner*, takes the lock and gives it back without
//! a locked instruction (`docs/decisions/bias-in-the-threads-word.md`).
//!
//! | `owner` | meaning | the thread with this token | another thread that has the lock by swap |
//! |---|---|---|---|
//! | 0 | no bias | takes the lock by swap | holds it |
//! | token | biased | takes the lock by its own word; or by swap, if that word names another lock: then it revokes the bias | revokes the bias, then holds the lock |
//! | token and REVOKING | the revocation has begun | takes the lock by swap, and revokes the bias | the same |
//!
//! ```text
//!  owner                                        another thread, which has `held`: the revoker
//!    is `owner` its token? shows the lock         owner = token and REVOKING
//!    compiler fence                               barrier
//!    is `owner` its token? then it holds it       does the owner's word show the lock? then spins, then sleeps
//!    ...                                          owner = 0; it holds the lock
//!    shows no lock
//!    compiler fence
//!    is `owner` not its token? wakes the revoker
//! ```
//!
//! Only the thread that has `held` writes `owner`: a thread biases the lock to itself, and any thread, the owner included,
//! revokes the bias.
//!
//! INV-LOCK-3: the owner and a revoker never hold the lock together. The owner's store of its word and its look at `owner`
//! could pass each other in its processor, but not across the revoker's barrier. If the look came before the barrier, the
//! store did too, and the revoker sees the lock shown until the owner leaves. If the look came after the barrier, it sees
//! REVOKING. So the owner takes the hold back that it has shown, and goes on by swap.
//! INV-LOCK-4: a revoker misses no wake. The owner shows no lock before it looks at `owner`. As above, the revoker sees
//! that, or the owner sees REVOKING. Then both swap `awaits_owner`. If the revoker's swap is the first, the owner wakes it.
//! If the owner's is the first, the revoker sees that no lock is shown.
//!
//! A try that finds the lock held by its owner leaves REVOKING there: without it, the next thread would take the lock for
//! one without bias, and hold it beside the owner.
//!
//! A lock that its owner takes while it holds another one by bias loses its bias, and is not biased in such uses: the
//! owner's word has room for one lock.

use crate::sync::lock::history::History;
use crate::sync::lock::hold::{Hold, thread_number};
use crate::sync::lock::spin::spin_until;
use crate::sync::machine::{AtomicU32, AtomicU64, WaitQueue, compiler_fence, may_bias, sure_barrier};
use crate::sync::{Acquire, Relaxed, Release, SeqCst};

/// Besides the token: the bias is being revoked.
const REVOKING: u64 = 1;

/// The words of a lock's bias.
#[derive(Debug)]
pub(super) struct Bias {
    /// The token of the thread to which the lock is biased, and [`REVOKING`]; 0: none.
    owner: AtomicU64,
    /// 1 while a revoker sleeps, or is about to.
    awaits_owner: AtomicU32,
    history: History,
    queue: WaitQueue,
}

impl Bias {
    #[cfg(not(loom))]
    pub(super) const fn new() -> Self {
        Self {
            owner: AtomicU64::new(0),
            awaits_owner: AtomicU32::new(0),
            history: History::new(),
            queue: WaitQueue::new(),
        }
    }

    #[cfg(loom)]
    pub(super) fn new() -> Self {
        Self {
            owner: AtomicU64::default(),
            awaits_owner: AtomicU32::new(0),
            history: History::new(),
            queue: WaitQueue::new(),
        }
    }

    /// How an owner's word names this lock.
    #[inline(always)]
    fn address(&self) -> u64 {
        core::ptr::from_ref(self).addr() as u64
    }

    #[inline(always)]
    fn is_owner(&self, own: &Hold) -> bool {
        // Relaxed: an owner has seen the stores of the earlier holders when it gave itself the bias, or got its word
        // (INV-HOLD-1). No other thread has held the lock since.
        self.owner.load(Relaxed) == own.token()
    }

    /// Takes the lock, if it is biased to this thread, and the thread holds no other lock by bias.
    #[inline(always)]
    pub(super) fn try_take(&self, own: &Hold) -> bool {
        if !self.is_owner(own) || own.lock() != 0 {
            return false;
        }
        own.show(self.address());
        // ORDER: INV-LOCK-3. Pairs with the barrier of `revoke`.
        compiler_fence(SeqCst);
        if !self.is_owner(own) {
            own.show(0);
            self.wake_revoker();
            return false;
        }
        true
    }

    /// Gives the lock back, if this thread holds it by bias.
    #[inline(always)]
    pub(super) fn try_give_back(&self, own: &Hold) -> bool {
        if own.lock() != self.address() {
            return false;
        }
        own.show(0);
        // ORDER: INV-LOCK-4. Pairs with the barrier of `revoke`.
        compiler_fence(SeqCst);
        if !self.is_owner(own) {
            self.wake_revoker();
        }
        true
    }

    /// Wakes the revoker that sleeps. This thread has shown that it does not hold the lock, and has found that its bias is
    /// revoked.
    #[cold]
    #[inline(never)]
    fn wake_revoker(&self) {
        // ORDER: INV-LOCK-4. Release pairs with the Acquire of `await_owner`: a revoker that comes later sees the word
        // of this thread.
        if self.awaits_owner.swap(0, Release) != 0 {
            self.queue.wake_one(&self.awaits_owner);
        }
    }

    /// For the thread that has `held`, as all below.
    #[inline(always)]
    pub(super) fn is_given(&self) -> bool {
        // Relaxed: written under `held`.
        self.owner.load(Relaxed) != 0
    }

    /// Notes a use by swap of a lock without a bias. Whether a bias should be given to this thread.
    #[inline(always)]
    pub(super) fn note_use(&self) -> bool {
        self.history.note(thread_number())
    }

    /// Biases the lock to this thread, from its next use on.
    #[cold]
    #[inline(never)]
    pub(super) fn give(&self) {
        if may_bias()
            && let Some(own) = Hold::own_or_new()
            && own.lock() == 0
        {
            // Relaxed: the store that gives `held` back publishes it.
            self.owner.store(own.token(), Relaxed);
        }
    }

    /// Revokes the bias. `waits`: if the owner holds the lock, waits until it gives it back. `false`: it holds it.
    #[cold]
    #[inline(never)]
    pub(super) fn revoke(&self, own: &Hold, waits: bool) -> bool {
        let known = self.owner.load(Relaxed);
        let token = known & !REVOKING;
        if token != own.token() {
            // Relaxed: the barrier orders it before the looks at the owner's word.
            self.owner.store(token | REVOKING, Relaxed);
            // ORDER: INV-LOCK-3 and INV-LOCK-4. Pairs with the compiler fences of `try_take` and `try_give_back`.
            sure_barrier();
        }
        let owner = Hold::of(token);
        if owner.seen() == self.address() {
            if !waits {
                return false;
            }
            self.await_owner(owner);
        }
        if known != own.token() {
            self.history.note_barrier();
        }
        // Relaxed: as in `give`. If its last owner reads another value, INV-LOCK-3 holds all the same.
        self.owner.store(0, Relaxed);
        true
    }

    /// Waits until the owner does not hold the lock.
    fn await_owner(&self, owner: &Hold) {
        let has_left = || owner.seen() != self.address();
        if spin_until(has_left) {
            return;
        }
        loop {
            // ORDER: INV-LOCK-4. Acquire pairs with the Release of `wake_revoker`.
            self.awaits_owner.swap(1, Acquire);
            if has_left() {
                // Relaxed: an owner that reads 1 makes a system call that wakes no thread.
                self.awaits_owner.store(0, Relaxed);
                return;
            }
            self.queue.sleep_while(&self.awaits_owner, 1, true);
        }
    }

    /// Whether the lock is biased to this thread.
    #[cfg(all(test, not(loom)))]
    pub(super) fn is_given_to_this_thread(&self) -> bool {
        self.is_owner(Hold::own())
    }
}
