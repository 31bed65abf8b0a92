//! Scenes of fifos: reads and writes of both kinds of ends, and the step from one kind to the other.

use super::*;
use crate::support::fifos::*;
use crate::support::streams::share;

pub const SCENES: &[Scene] = &[
    WRITING_ALONE,
    READING_ALONE,
    OPENING_RINGS,
    SHARING_A_SIDE,
    WRITING_THE_FIRST_ITEM,
    WRITING_BESIDE_ANOTHER,
    READING_BESIDE_ANOTHER,
    CLOSING_A_SHARED_FIFO,
];

fn config_of_fifos() -> Config {
    small_with(|config| {
        config.max_processes = 4;
        config.max_threads = 5;
        config.max_objects = 3;
        config.max_handles_per_process = 7;
        config.pool_bytes = 4096;
    })
}

/// The victim has one side, the survivor the other.
fn owners() -> Actors {
    let supervisor = first(&config_of_fifos());
    let [near, far] = create_fifo(&supervisor, 2);
    let (victim, process_slot) = child_with_slot(&supervisor, Some(near));
    let survivor = child(&supervisor, Some(far));
    let (near, far) = (startup(&victim), startup(&survivor));
    assert_eq!(put(&survivor, far, &[7]), Ok(1));
    Actors { supervisor, victim, process_slot, victims: vec![near], survivor, survivors: vec![far] }
}

/// The victim and the survivor share one side, and the survivor has the other, which was shared. An element is unread.
fn sharers() -> Actors {
    let supervisor = first(&config_of_fifos());
    let [near, far] = create_fifo(&supervisor, 2);
    share(&supervisor, far);
    assert_eq!(put(&supervisor, far, &[7]), Ok(1));
    let copy = supervisor.duplicate(find(&supervisor, near), ALL).unwrap();
    let (victim, process_slot) = child_with_slot(&supervisor, Some(copy));
    let [ours, theirs] = create_channel(&supervisor);
    let survivor = child(&supervisor, Some(theirs));
    supervisor.transfer_value(ours, &[], &[near, far]).unwrap();
    let theirs = startup(&survivor);
    let received = survivor.try_receive(theirs).unwrap().handles;
    supervisor.close_value(ours).unwrap();
    survivor.close_value(theirs).unwrap();
    let victims = vec![startup(&victim)];
    let survivors = received.iter().map(|handle| handle.value).collect();
    Actors { supervisor, victim, process_slot, victims, survivor, survivors }
}

/// Reads until the other side is closed: all of one write, or nothing of it.
fn read_whole_or_nothing(survivor: &Thread, fifo: HandleValue, whole: &[u8]) {
    let mut got = Vec::new();
    let error = loop {
        match get(survivor, fifo, 2) {
            Ok(some) => got.extend(some),
            Err(Error::ShouldWait) => loom::thread::yield_now(),
            Err(error) => break error,
        }
    };
    assert_eq!(error, Error::PeerClosed);
    assert!(got.is_empty() || got == whole, "{got:?}");
}

/// The survivor has both sides: what it writes comes out behind `before`, which is whole or missing.
fn sides_work(survivor: &Thread, [near, far]: [HandleValue; 2], before: &[u8]) {
    let mut got = get_all(survivor, far);
    assert!(got.is_empty() || before.starts_with(&got), "{got:?}");
    got.clear();
    for element in [5, 6, 7] {
        assert_eq!(put(survivor, near, &[element]), Ok(1));
        got.extend(get_all(survivor, far));
    }
    assert_eq!(got, [5, 6, 7]);
    close_all(survivor, &[near, far]);
}

fn both(survivors: &[HandleValue]) -> [HandleValue; 2] {
    survivors.try_into().expect("both sides")
}

pub const WRITING_ALONE: Scene = Scene {
    name: "writing to a fifo that one process writes",
    points: &["stream.written"],
    setup: owners,
    act: |victim, victims| put(victim, victims[0], &[1, 2]).map(drop),
    beside: |survivor, survivors| {
        read_whole_or_nothing(survivor, survivors[0], &[1, 2]);
        Vec::new()
    },
    after: close_all,
};

pub const READING_ALONE: Scene = Scene {
    name: "reading from a fifo that one process reads",
    points: &["stream.read"],
    setup: owners,
    act: |victim, victims| {
        let got = get(victim, victims[0], 2)?;
        assert!(got == [7] || got == [7, 8], "{got:?}");
        Ok(())
    },
    beside: |survivor, survivors| {
        let put = put(survivor, survivors[0], &[8]);
        assert!(matches!(put, Ok(1) | Err(Error::PeerClosed)), "{put:?}");
        Vec::new()
    },
    after: close_all,
};

pub const OPENING_RINGS: Scene = Scene {
    name: "creating a fifo",
    points: &["item.intended", "item.bound", "item.opened"],
    setup: owners,
    act: |victim, _| {
        let (near, far) = victim.fifo_create(2, 1, ALL)?;
        victim.close_value(near)?;
        victim.close_value(far)
    },
    beside: nothing,
    after: close_all,
};

pub const SHARING_A_SIDE: Scene = Scene {
    name: "making a second handle to a side of a fifo",
    points: &["share.*"],
    setup: owners,
    act: |victim, victims| {
        put(victim, victims[0], &[1])?;
        let second = victim.duplicate(find(victim, victims[0]), ALL)?;
        put(victim, second, &[2]).map(drop)
    },
    beside: |survivor, survivors| {
        let mut got = Vec::new();
        while let Some(some) = next_or_end(survivor, survivors[0]) {
            got.extend(some);
        }
        assert!([1, 2].starts_with(&got[..]), "{got:?}");
        Vec::new()
    },
    after: close_all,
};

/// The next elements; `None` once the other side is closed.
fn next_or_end(survivor: &Thread, fifo: HandleValue) -> Option<Vec<u8>> {
    loop {
        match get(survivor, fifo, 2) {
            Ok(some) => return Some(some),
            Err(Error::ShouldWait) => loom::thread::yield_now(),
            Err(error) => {
                assert_eq!(error, Error::PeerClosed);
                return None;
            }
        }
    }
}

pub const WRITING_THE_FIRST_ITEM: Scene = Scene {
    name: "writing the first item at a side of a fifo that is shared",
    points: &["part.intended", "part.linked", "part.bound"],
    setup: sharers,
    act: |victim, victims| put(victim, victims[0], &[1, 2]).map(drop),
    beside: nothing,
    after: |survivor, survivors| sides_work(survivor, both(survivors), &[1, 2]),
};

pub const WRITING_BESIDE_ANOTHER: Scene = Scene {
    name: "writing to a side of a fifo that another process writes too",
    points: &["item.intended", "item.bound", "item.linked", "item.counted"],
    setup: || {
        let actors = sharers();
        let [near, far] = both(&actors.survivors);
        assert_eq!(put(&actors.survivor, near, &[9]), Ok(1));
        assert_eq!(get_all(&actors.survivor, far), [9]);
        actors
    },
    act: |victim, victims| put(victim, victims[0], &[1, 2]).map(drop),
    beside: |survivor, survivors| {
        let [near, far] = both(survivors);
        match put(survivor, near, &[3]) {
            Ok(_) => {
                let got = get_all(survivor, far);
                let orders: [&[u8]; 3] = [&[3], &[3, 1], &[3, 1, 2]];
                assert!(orders.contains(&&got[..]), "{got:?}");
            }
            Err(error) => assert_eq!(error, Error::ShouldWait),
        }
        Vec::new()
    },
    after: |survivor, survivors| sides_work(survivor, both(survivors), &[1, 2]),
};

pub const READING_BESIDE_ANOTHER: Scene = Scene {
    name: "reading from a side of a fifo that another process reads too",
    points: &["stream.taken", "item.leaving", "item.unlinked", "item.freed"],
    setup: sharers,
    act: |victim, victims| match get(victim, victims[0], 2) {
        Err(Error::ShouldWait) => Ok(()),
        got => got.map(drop),
    },
    beside: |survivor, survivors| {
        let [near, far] = both(survivors);
        let got = get(survivor, near, 1);
        assert!(got == Ok(vec![7]) || got == Err(Error::ShouldWait), "{got:?}");
        assert_eq!(put(survivor, far, &[8]), Ok(1));
        Vec::new()
    },
    after: |survivor, survivors| {
        let [near, _] = both(survivors);
        let got = get_all(survivor, near);
        assert!([&[][..], &[8], &[7, 8]].contains(&&got[..]), "{got:?}");
        sides_work(survivor, both(survivors), &[]);
    },
};

pub const CLOSING_A_SHARED_FIFO: Scene = Scene {
    name: "closing a fifo that was shared, with unread elements",
    points: &["item.leaving", "item.unlinked", "part.leaving", "part.unlinked"],
    setup: owners,
    act: |victim, _| {
        let (near, far) = victim.fifo_create(2, 1, ALL)?;
        let second = victim.duplicate(find(victim, near), ALL)?;
        put(victim, second, &[1])?;
        for value in [near, second, far] {
            victim.close_value(value)?;
        }
        victim.collect().map(drop)
    },
    beside: nothing,
    after: close_all,
};
