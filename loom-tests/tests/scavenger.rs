//! The scavenger of one process gives back blocks that another asks for.

mod support;

use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};
use support::*;

/// The asker has read the only message, so its block is spare. The scavenger sees that with the question, and the asker
/// sees with the answer that the block is free.
#[test]
fn asking_process_gets_kept_blocks() {
    model_without_barriers(2, || {
        // A segment each, and one block for a message that does not fit into its slot.
        let asker = first(&small_with(|config| {
            config.pool_bytes = 512;
            config.max_loan_bytes = 256;
        }));
        let (near, keeping) = connected(&asker);
        keeping.send_value(startup(&keeping), &message(1, BLOCK_WORDS)).unwrap();
        let [other, _] = create_channel(&asker);
        let (has_begun, is_over) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (begun, over) = (has_begun.clone(), is_over.clone());
        let scavenger = loom::thread::spawn(move || {
            keeping.process().run_scavenger(|| {
                begun.store(true, Ordering::Release);
                loom::thread::yield_now();
                !over.load(Ordering::Relaxed)
            });
            keeping
        });
        while !has_begun.load(Ordering::Acquire) {
            loom::thread::yield_now();
        }
        assert_eq!(asker.try_receive(near).unwrap().bytes, message(1, BLOCK_WORDS));
        asker.request_trim().unwrap();
        assert_eq!(asker.send_value(other, &message(2, 1)), Ok(()));
        is_over.store(true, Ordering::Relaxed);
        let _keeping = scavenger.join().unwrap();
        assert_eq!(assert_clean(&asker, 2, 4).blocks, 2);
    });
}
