//! Operations of directories and listeners.

use super::{ALL, HostileOperation, Turn};
use jacinth_shm::{HandleValue, LISTENER_BACKLOG, Meeting, ObjectClass, Result, Rights, Thread};

/// The operations of directories and listeners.
pub const OPERATIONS: &[HostileOperation] =
    &[create, view, serve, serve, connect, connect, connect_many, accept, accept_all, list, open_root];

/// The names. One that chooses among few finds some.
const NAMES: [&str; 4] = ["log", "clock", "a name that is longer than a few words of a block", "x"];

/// A handle to an object of the class: mostly one that the process has, if it has one.
fn of_class(turn: &mut Turn<'_>, class: ObjectClass) -> HandleValue {
    let is_one = |value: &&HandleValue| {
        turn.thread.lookup(**value).and_then(|found| turn.thread.class(found)) == Ok(class)
    };
    let all: Vec<HandleValue> = turn.hands.values.iter().filter(is_one).copied().collect();
    if all.is_empty() || turn.choices.below(16) == 0 {
        turn.value
    } else {
        all[turn.choices.below(all.len())]
    }
}

/// A name in a directory; waits for it at times.
fn meeting(turn: &mut Turn<'_>) -> Meeting<'static> {
    let directory = of_class(turn, ObjectClass::Directory);
    let deadline_ns = if turn.choices.below(8) == 0 { turn.deadline_ns } else { 0 };
    let name = NAMES[turn.choices.below(NAMES.len())];
    Meeting { directory, rights: Rights::empty(), name, deadline_ns }
}

fn create(turn: &mut Turn<'_>) -> Result<()> {
    let (directory, _) = turn.thread.create(ObjectClass::Directory, ALL)?;
    turn.hands.values.push(directory);
    Ok(())
}

fn view(turn: &mut Turn<'_>) -> Result<()> {
    let parent = of_class(turn, ObjectClass::Directory);
    let names = &NAMES[..turn.choices.below(NAMES.len() + 1)];
    let view = turn.thread.create_view(turn.thread.lookup(parent)?, names, ALL)?;
    turn.hands.values.push(view);
    Ok(())
}

fn serve(turn: &mut Turn<'_>) -> Result<()> {
    let at = meeting(turn);
    let listener = turn.thread.serve(at, ALL)?;
    turn.hands.values.push(listener);
    Ok(())
}

fn connect(turn: &mut Turn<'_>) -> Result<()> {
    let (at, value) = (meeting(turn), turn.value);
    turn.thread.connect(at, value)?;
    turn.hands.values.retain(|held| *held != value);
    Ok(())
}

/// As many as a queue takes, or nearly as many.
fn connect_many(turn: &mut Turn<'_>) -> Result<()> {
    let at = Meeting { deadline_ns: 0, ..meeting(turn) };
    for _ in 0..turn.choices.below(LISTENER_BACKLOG + 2) {
        let (event, _) = turn.thread.create(ObjectClass::Event, ALL)?;
        if let Err(error) = turn.thread.connect(at, event) {
            let _ = turn.thread.lookup(event).and_then(|found| turn.thread.close(found));
            return Err(error);
        }
    }
    Ok(())
}

fn accept(turn: &mut Turn<'_>) -> Result<()> {
    let listener = of_class(turn, ObjectClass::Listener);
    let received = turn.thread.accept(turn.thread.lookup(listener)?)?;
    turn.hands.values.push(received.value);
    Ok(())
}

/// Empties a queue. Damage may make up handles, so not without a limit.
fn accept_all(turn: &mut Turn<'_>) -> Result<()> {
    let listener = of_class(turn, ObjectClass::Listener);
    for _ in 0..2 * LISTENER_BACKLOG {
        let received = turn.thread.accept(turn.thread.lookup(listener)?)?;
        let _ = turn.thread.lookup(received.value).and_then(|found| turn.thread.close(found));
    }
    Ok(())
}

fn list(turn: &mut Turn<'_>) -> Result<()> {
    let directory = of_class(turn, ObjectClass::Directory);
    turn.thread.list_names(turn.thread.lookup(directory)?).map(drop)
}

fn open_root(turn: &mut Turn<'_>) -> Result<()> {
    let root = turn.thread.open_root(turn.thread.root_rights()?)?;
    turn.hands.values.push(root);
    Ok(())
}

/// The root, a view of it, and a listener with handles in its queue.
pub fn busy(thread: &Thread) -> Result<Vec<HandleValue>> {
    let directory = thread.open_root(ALL)?;
    let mut values = vec![directory];
    values.push(thread.create_view(thread.lookup(directory)?, &NAMES, ALL)?);
    for name in NAMES {
        let at = Meeting { directory, rights: Rights::empty(), name, deadline_ns: 0 };
        values.push(thread.serve(at, ALL)?);
        for _ in 0..3 {
            thread.connect(at, thread.create(ObjectClass::Event, ALL)?.0)?;
        }
    }
    Ok(values)
}
