//! Information about objects and processes, read while it changes.

mod support;

use jacinth_shm_loom::ObjectClass;
use support::*;

/// A handle counts for the class of its own object, also while another object gets the slot.
#[test]
fn handles_count_for_their_own_class() {
    model(2, || {
        let one = first(&small_with(|config| config.max_handles_per_process = 6));
        let (process, _) = one.create(ObjectClass::Process, ALL).unwrap();
        let event = create_event(&one);
        let other = sibling(&one);
        let reusing = loom::thread::spawn(move || {
            other.close_value(event).unwrap();
            other.create(ObjectClass::EventPair, ALL).unwrap();
            other
        });
        let counts = one.handle_counts(find(&one, process)).unwrap();
        let of = |class: ObjectClass| counts[usize::from(class.number())];
        assert_eq!(of(ObjectClass::Process), 1);
        assert!(of(ObjectClass::Event) <= 1 && of(ObjectClass::EventPair) <= 2);
        let known = of(ObjectClass::Process) + of(ObjectClass::Event) + of(ObjectClass::EventPair);
        assert_eq!(counts.iter().sum::<u32>(), known, "a handle to an object of no class");
        let _other = reusing.join().unwrap();
    });
}
