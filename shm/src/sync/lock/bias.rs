//! The bias of a lock to the thread that uses it most. This thread, the *owner*, takes the lock and gives it back without
//! a locked instruction.
//!
//! A locked instruction takes some 20 cycles, and it waits until all stores before it have left the processor. So with
//! a swap for each message, the lines of one message were not on their way while the next was written.
//!
//! | `owner` | meaning | the thread with this token | another thread that has the lock by swap |
//! |---|---|---|---|
//! | 0 | no bias | takes the lock by swap | is inside |
//! | token | biased | takes the lock by its own word | ends the bias, then is inside |
//! | token and ENDING | an end has begun | takes the lock by swap, and ends the bias | the same |
//!
//! ```text
//!  owner                                        another thread, which has `held`: the ender
//!    is `owner` its token? shows the lock         owner = token and ENDING
//!    compiler fence                               barrier
//!    is `owner` its token? then it is inside      does the owner's word show the lock? then spins, then sleeps
//!    ...                                          owner = 0; it is inside
//!    shows no lock
//!    compiler fence
//!    is `owner` not its token? wakes the ender
//! ```
//!
//! Only the thread that has `held` writes `owner`: the owner gives itself the bias, and another thread ends it.
//!
//! INV-LOCK-3: the owner and an ender are never inside together. The owner's store of its word and its look at `owner`
//! could pass each other in its processor, but not across the ender's barrier. If the look came before the barrier, the
//! store did too, and the ender sees the lock shown until the owner leaves. If the look came after the barrier, it sees
//! ENDING. So the owner takes the hold back that it has shown, and goes on by swap.
//! INV-LOCK-4: an ender misses no wake. The owner shows no lock before it looks at `owner`. As above, the ender sees
//! that, or the owner sees ENDING. Then both swap `awaits_owner`. If the ender's swap is the first, the owner wakes it.
//! If the owner's is the first, the ender sees that no lock is shown.
//!
//! A try that finds the owner inside leaves ENDING there: without it, the next thread would take the lock for one
//! without bias, and come in beside the owner.
//!
//! A lock that its owner takes while it holds another one by bias loses its bias, and is not biased in such uses: the
//! owner's word has room for one lock.

use crate::sync::lock::history::History;
use crate::sync::lock::hold::{Hold, thread_number};
use crate::sync::lock::spin::spin_until;
use crate::sync::machine::{AtomicU32, AtomicU64, WaitQueue, compiler_fence, may_bias, sure_barrier};
use crate::sync::{Acquire, Relaxed, Release, SeqCst};

/// Besides the token: the bias ends.
const ENDING: u64 = 1;

/// The words of a lock's bias.
#[derive(Debug)]
pub(super) struct Bias {
    /// The token of the thread to which the lock is biased, and [`ENDING`]; 0: none.
    owner: AtomicU64,
    /// 1 while an ender sleeps, or is about to.
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
        // (INV-HOLD-1). No other thread was inside since.
        self.owner.load(Relaxed) == own.token()
    }

    /// Takes the lock, if it is biased to this thread, and the thread holds no other lock by bias.
    #[inline(always)]
    pub(super) fn try_take(&self, own: &Hold) -> bool {
        if !self.is_owner(own) || own.lock() != 0 {
            return false;
        }
        own.show(self.address());
        // ORDER: INV-LOCK-3. Pairs with the barrier of `end`.
        compiler_fence(SeqCst);
        if !self.is_owner(own) {
            own.show(0);
            self.wake_ender();
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
        // ORDER: INV-LOCK-4. Pairs with the barrier of `end`.
        compiler_fence(SeqCst);
        if !self.is_owner(own) {
            self.wake_ender();
        }
        true
    }

    /// Wakes the ender that sleeps. This thread has shown that it is not inside, and has found that its bias ends.
    #[cold]
    #[inline(never)]
    fn wake_ender(&self) {
        // ORDER: INV-LOCK-4. Release pairs with the Acquire of `await_owner`: an ender that comes later sees the word of
        // this thread.
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

    /// Ends the bias. `waits`: if the owner is inside, waits until it leaves. `false`: it is inside.
    #[cold]
    #[inline(never)]
    pub(super) fn end(&self, own: &Hold, waits: bool) -> bool {
        let known = self.owner.load(Relaxed);
        let token = known & !ENDING;
        if token != own.token() {
            // Relaxed: the barrier orders it before the looks at the owner's word.
            self.owner.store(token | ENDING, Relaxed);
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

    /// Waits until the owner is not inside.
    fn await_owner(&self, owner: &Hold) {
        let has_left = || owner.seen() != self.address();
        if spin_until(has_left) {
            return;
        }
        loop {
            // ORDER: INV-LOCK-4. Acquire pairs with the Release of `wake_ender`.
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
