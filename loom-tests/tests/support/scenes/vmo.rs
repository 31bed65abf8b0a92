//! Scenes of VM objects: an extent that is linked, a size that shrinks, clones, and the end of an object.

use super::*;
use crate::support::ports::*;
use crate::support::vmos::*;

pub const SCENES: &[Scene] =
    &[WRITING_PAGES, CUTTING_A_VMO, CLOSING_A_VMO, CLONING_A_VMO, CLOSING_A_CLONE, CLOSING_AN_OBSERVED_CLONE];

/// The victim and the survivor each have a handle to a VM object of so many units.
fn sharers(size: u64, written: &[u64]) -> Actors {
    let supervisor = first(&config_of_vmos());
    let vmo = create_vmo(&supervisor, size);
    written.iter().for_each(|unit| put_at(&supervisor, vmo, *unit, 7).unwrap());
    let copy = supervisor.duplicate(find(&supervisor, vmo), ALL).unwrap();
    let (victim, process_slot) = child_with_slot(&supervisor, Some(vmo));
    let survivor = child(&supervisor, Some(copy));
    let (theirs, ours) = (startup(&victim), startup(&survivor));
    Actors { supervisor, victim, process_slot, victims: vec![theirs], survivor, survivors: vec![ours] }
}

pub const WRITING_PAGES: Scene = Scene {
    name: "writing to a VM object for the first time",
    points: &["part.intended", "part.linked", "part.bound"],
    setup: || sharers(1, &[]),
    act: |victim, victims| victim.vmo_write(find(victim, victims[0]), ALL, 0, &[7]),
    beside: |survivor, survivors| {
        survivor.vmo_write(find(survivor, survivors[0]), ALL, 8, &[8]).unwrap();
        Vec::new()
    },
    after: |survivor, survivors| {
        let mut bytes = [0xee; 16];
        survivor.vmo_read_bytes(find(survivor, survivors[0]), ALL, 0, &mut bytes).unwrap();
        assert!(bytes[0] == 7 || bytes[0] == 0, "{bytes:?}");
        assert_eq!(bytes[1..], [0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0]);
        close_all(survivor, survivors);
    },
};

pub const CUTTING_A_VMO: Scene = Scene {
    name: "shrinking a VM object",
    points: &["vmo.shrinking", "vmo.cleared", "vmo.shrunk"],
    setup: || sharers(3, &[0, 2]),
    act: |victim, victims| resize(victim, victims[0], 1),
    beside: |survivor, survivors| {
        assert_eq!(byte_at(survivor, survivors[0], 0), Ok(7));
        Vec::new()
    },
    after: |survivor, survivors| {
        let vmo = survivors[0];
        match units(survivor, vmo) {
            1 => {
                resize(survivor, vmo, 3).unwrap();
                assert_eq!(byte_at(survivor, vmo, 2), Ok(0), "cut bytes are zero");
            }
            size => assert_eq!((size, byte_at(survivor, vmo, 2)), (3, Ok(7)), "it has not begun"),
        }
        assert_eq!(byte_at(survivor, vmo, 0), Ok(7));
        close_all(survivor, survivors);
    },
};

pub const CLOSING_A_VMO: Scene = Scene {
    name: "closing a VM object with two extents",
    points: &["vmo.emptied", "part.leaving", "part.unlinked"],
    setup: || sharers(1, &[0]),
    act: |victim, _| {
        let vmo = create_vmo(victim, 1);
        resize(victim, vmo, 2)?;
        put_at(victim, vmo, 0, 9)?;
        put_at(victim, vmo, 1, 9)?;
        victim.close_value(vmo)?;
        victim.collect().map(drop)
    },
    beside: nothing,
    after: |survivor, survivors| {
        close_all(survivor, survivors);
        // All extents are taken once more, and are zero.
        let vmos = [(); 2].map(|()| create_vmo(survivor, 1));
        for vmo in vmos {
            resize(survivor, vmo, 2).unwrap();
            for unit in 0..2 {
                survivor.vmo_write(find(survivor, vmo), ALL, unit * UNIT + 8, &[1]).unwrap();
                assert_eq!(byte_at(survivor, vmo, unit), Ok(0));
            }
        }
        close_all(survivor, &vmos);
    },
};

pub const CLONING_A_VMO: Scene = Scene {
    name: "cloning a VM object",
    points: &["vmo.adopted"],
    // Without a page: `killed.rs` kills after each byte of a copy.
    setup: || sharers(1, &[]),
    act: |victim, victims| clone_vmo(victim, victims[0]).map(drop),
    beside: nothing,
    after: |survivor, survivors| {
        // The clone has gone with its maker.
        assert!(has_zero_children(survivor, survivors[0]));
        assert_eq!(byte_at(survivor, survivors[0], 0), Ok(0));
        close_all(survivor, survivors);
    },
};

pub const CLOSING_A_CLONE: Scene = Scene {
    name: "closing the last clone of a VM object",
    points: &["vmo.left"],
    setup: || {
        let supervisor = first(&config_of_vmos());
        let vmo = create_vmo(&supervisor, 1);
        let clone = clone_vmo(&supervisor, vmo).unwrap();
        let (victim, process_slot) = child_with_slot(&supervisor, Some(clone));
        let survivor = child(&supervisor, Some(vmo));
        let (theirs, ours) = (startup(&victim), startup(&survivor));
        Actors { supervisor, victim, process_slot, victims: vec![theirs], survivor, survivors: vec![ours] }
    },
    act: |victim, victims| victim.close_value(victims[0]),
    beside: |survivor, survivors| {
        // It sleeps until the clone is gone, and is woken, by the victim or for it.
        let (result, pending) = wait(survivor, survivors[0], Signals::SIGNALED);
        assert_eq!((result, pending), (Ok(()), Signals::SIGNALED));
        Vec::new()
    },
    after: close_all,
};

pub const CLOSING_AN_OBSERVED_CLONE: Scene = Scene {
    name: "closing the last clone of a VM object that a port observes",
    points: &["vmo.left"],
    setup: || {
        let supervisor = first(&small_with(|config| {
            config.max_processes = 4;
            config.max_threads = 5;
            config.max_objects = 5;
            config.max_handles_per_process = 7;
            config.pool_bytes = 4096;
            config.vmo_pool_bytes = 2048;
        }));
        let vmo = create_vmo(&supervisor, 1);
        let clone = clone_vmo(&supervisor, vmo).unwrap();
        let (victim, process_slot) = child_with_slot(&supervisor, Some(clone));
        let survivor = child(&supervisor, Some(vmo));
        let (theirs, ours, port) = (startup(&victim), startup(&survivor), create_port(&survivor));
        observe(&survivor, ours, port, repeating(1, Signals::SIGNALED)).unwrap();
        assert_eq!(next(&survivor, port), None);
        Actors {
            supervisor,
            victim,
            process_slot,
            victims: vec![theirs],
            survivor,
            survivors: vec![ours, port],
        }
    },
    act: |victim, victims| victim.close_value(victims[0]),
    beside: nothing,
    after: |survivor, survivors| {
        assert_eq!(next(survivor, survivors[1]), Some(1), "the end of the clone is announced");
        close_all(survivor, survivors);
    },
};
