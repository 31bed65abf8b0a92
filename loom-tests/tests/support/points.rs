//! The named points at which a modelled process may die, by operation. `death.rs` checks that these are all
//! that the sources have, and that a process does die at each.

/// Changing a count.
pub const COUNT: &[&str] = &["count.helped"];
/// Closing a handle, or a handle in transit.
pub const CLOSE: &[&str] =
    &["close.intended", "close.committed", "close.counted", "close.freed", "close.listed"];
/// Ending a side whose last reference went.
pub const DYING: &[&str] = &[
    "dying.linked",
    "dying.hazard",
    "dying.told",
    "dying.cleared",
    "dying.done",
    "dying.finished",
    "dying.popped",
];
/// Dropping what is queued for a side that ends.
pub const DRAIN: &[&str] = &["drain.closed"];
/// Duplicating a handle.
pub const DUPLICATE: &[&str] =
    &["duplicate.reserved", "duplicate.intended", "duplicate.counted", "duplicate.live"];
/// Making an object.
pub const CREATE: &[&str] =
    &["create.slot", "create.reserved", "create.filled", "create.committed", "create.first"];
/// Taking a slot that others have freed.
pub const SLOT: &[&str] = &["slot.named", "slot.taken"];
/// Taking one that was never used.
pub const SLOT_VIRGIN: &[&str] = &["slot.virgin"];
/// Moving a reference from one entry to another.
pub const MOVE: &[&str] = &["move.intended", "move.committed", "move.freed"];
/// Replacing a handle, apart from the move.
pub const REPLACE: &[&str] = &["replace.live"];
/// Leaving a startup handle, apart from the move.
pub const STARTUP: &[&str] = &["startup.live"];
/// Sending bytes.
pub const SEND: &[&str] = &["send.written", "send.sent"];
/// Taking a block that has been used before.
pub const TAKE: &[&str] = &["take.intended", "take.owned"];
/// Taking one that was never used.
pub const TAKE_VIRGIN: &[&str] = &["take.marked", "take.virgin"];
/// Showing in the map of free things that one is free, and that it is not.
pub const MAP_SET: &[&str] = &["map.set"];
pub const MAP_CLEARED: &[&str] = &["map.cleared"];
/// Linking a segment to a ring.
pub const GROW: &[&str] = &["grow.taken", "grow.intended", "grow.linked", "grow.bound"];
/// Taking a payload block.
pub const PAYLOAD: &[&str] = &["payload.intended", "payload.linked", "payload.bound"];
/// Sending handles.
pub const TRANSFER: &[&str] = &["transfer.marked", "transfer.written", "transfer.freed"];
/// Receiving.
pub const RECEIVE: &[&str] = &["receive.reserved", "receive.consumed", "receive.live"];
/// Leaving a segment that was read to its end.
pub const LEAVE: &[&str] = &["leave.intended", "leave.left", "leave.freed"];
/// Taking a segment of which nothing is left out of the middle.
pub const AHEAD: &[&str] = &["ahead.intended", "ahead.passed", "ahead.freed"];
/// Giving back what a channel held.
pub const FREE: &[&str] = &["free.intended", "free.unlinked", "free.word", "free.freed"];
/// Giving another process the credit for a block of its.
pub const CREDIT: &[&str] = &["free.shown"];
/// Giving the memory of free blocks back to the system.
pub const GIVE: &[&str] = &["give.intended", "give.owned", "give.given", "give.freed"];
/// Lowering the mark up to which blocks were ever used.
pub const TRIM: &[&str] = &["trim.intended", "trim.owned", "trim.cleared", "trim.lowered"];
/// Giving the memory of free slots back to the system, and taking a slot of which it is gone.
pub const SLOTS: &[&str] =
    &["slots.intended", "slots.owned", "slots.raised", "slots.forgotten", "slots.gone"];
pub const SLOT_ANEW: &[&str] = &["slot.anew"];
/// Making a retired slot free.
pub const RECLAIM: &[&str] = &["reclaim.claimed", "reclaim.torn", "slot.freed"];
/// Clearing a signal of a side that somebody watches.
pub const SIGNAL: &[&str] = &["signal.told", "signal.changed"];
/// Closing what only holds itself.
pub const CYCLE: &[&str] = &["cycle.closed"];
/// Recovering a dead process.
pub const RECOVER: &[&str] = &[
    "recover.dead",
    "recover.settled",
    "recover.table",
    "recover.told",
    "recover.entry",
    "recover.closed",
    "recover.freed",
    "recover.cleared",
];
/// Settling what a dead thread was in the middle of.
pub const SETTLE: &[&str] =
    &["settle.record", "settle.counted", "settle.moved", "settle.entry", "settle.slot", "map.repaired"];

/// All of them.
pub const ALL_POINTS: &[&[&str]] = &[
    COUNT,
    CLOSE,
    DYING,
    DRAIN,
    DUPLICATE,
    CREATE,
    SLOT,
    SLOT_VIRGIN,
    MOVE,
    REPLACE,
    SIGNAL,
    STARTUP,
    SEND,
    TAKE,
    TAKE_VIRGIN,
    MAP_SET,
    MAP_CLEARED,
    GROW,
    PAYLOAD,
    TRANSFER,
    RECEIVE,
    LEAVE,
    AHEAD,
    FREE,
    CREDIT,
    GIVE,
    TRIM,
    SLOTS,
    SLOT_ANEW,
    RECLAIM,
    CYCLE,
    RECOVER,
    SETTLE,
];

/// The names in the sources of `shm/`, by the macro that marks them.
pub fn in_the_sources() -> Vec<String> {
    let sources = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shm/src");
    let mut names = Vec::new();
    let mut folders = vec![sources];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(path).unwrap();
                let calls = text.split("crash_point!(").skip(1);
                names.extend(
                    calls.filter_map(|call| call.split(')').next()?.split('"').nth(1)).map(String::from),
                );
            }
        }
    }
    names.sort();
    names.dedup();
    names
}
