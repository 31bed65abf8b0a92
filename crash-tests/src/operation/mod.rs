//! The operations at which victims are killed: every public one.
//!
//! An operation is three closures. `set` runs in the survivor and makes what the victim is given; `prepare` runs in
//! the victim and gives the *act*, which is what is stepped through; `check` runs in the survivor once the victim
//! is dead and recovered, and says what it may see. What holds after every death is checked by the stage itself:
//! the victim's line has closed, everything it was given is closed or used, sleepers are awake, the audit is clean
//! and nothing is left over.

mod c_interface;
pub(crate) mod channel;
mod contention;
pub(crate) mod event;
pub(crate) mod fixture;
pub(crate) mod handle;
pub(crate) mod memory;
pub(crate) mod process;
pub(crate) mod wait;

pub use fixture::{Scene, Sleep, given, seen, startup};

use std::any::Any;

/// What an act gives back: kept alive in the victim, so that nothing is closed by a destructor.
pub type Kept = Box<dyn Any>;
/// What is stepped through.
pub type Act = Box<dyn FnOnce() -> Kept>;
/// What a survivor found: nothing wrong, or a sentence.
pub type Seen = Result<(), String>;

/// What a survivor looks at once the victim is dead.
type Check = dyn Fn(&mut Scene, End) -> Seen;

/// How far the victim came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It was killed in the middle.
    Killed,
    /// It completed the operation, and was killed then.
    Finished,
}

/// How the victim comes into the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// `Supervisor::spawn`, with one end of the line as its startup handle.
    Spawned,
    /// As any program; `attach` lets it in. There is no line.
    Stranger,
    /// It is a copy of the survivor, made by fork(), and has no arena. There is no line.
    Forked,
}

/// The thread in which the victim acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thread {
    /// The one that it begins with.
    Main,
    /// One of the standard library's, which ends with the act, as the act says.
    Std,
    /// One that a library of another language made, and that ends by `pthread_exit` once the act has returned.
    Foreign,
    /// The same, but it ends by `zx_thread_exit`.
    Zircon,
}

/// One operation.
pub struct Operation {
    /// What `--only` takes.
    pub name: String,
    /// What the survivor may see.
    pub claim: &'static str,
    /// How the victim comes into the arena.
    pub way: Way,
    /// Its exit code, if the operation ends the process.
    pub exits: Option<i32>,
    /// Whether it waits for ever: then it is killed in its sleep, and nowhere else.
    pub sleeps_for_ever: bool,
    /// In which thread it happens.
    pub thread: Thread,
    /// By how many handles its process has more once it is completed, where that says something.
    pub handles: Option<i64>,
    /// Whether it starts a process besides, which may come and go.
    pub starts_another: bool,
    /// Whether it is another operation by other calls, or does one thing for many objects: a quick run kills at no more
    /// than some of its places.
    pub is_again: bool,
    /// Whether its deaths leave much to do: recoverers are killed over these.
    pub is_rich: bool,
    pub(crate) set: Box<dyn Fn() -> Scene>,
    pub(crate) prepare: Box<dyn Fn() -> Act>,
    pub(crate) check: Box<Check>,
}

impl Operation {
    fn new(name: impl Into<String>, claim: &'static str) -> Self {
        Self {
            name: name.into(),
            claim,
            way: Way::Spawned,
            exits: None,
            sleeps_for_ever: false,
            thread: Thread::Main,
            handles: None,
            starts_another: false,
            is_again: false,
            is_rich: false,
            set: Box::new(Scene::new),
            prepare: Box::new(|| Box::new(|| Box::new(()))),
            check: Box::new(|_, _| Ok(())),
        }
    }

    fn handles(mut self, more: i64) -> Self {
        self.handles = Some(more);
        self
    }

    fn set(mut self, set: impl Fn() -> Scene + 'static) -> Self {
        self.set = Box::new(set);
        self
    }

    fn prepare<T: 'static, A: FnOnce() -> T + 'static>(mut self, prepare: impl Fn() -> A + 'static) -> Self {
        self.prepare = Box::new(move || {
            let act = prepare();
            Box::new(move || Box::new(act()))
        });
        self
    }

    fn check(mut self, check: impl Fn(&mut Scene, End) -> Seen + 'static) -> Self {
        self.check = Box::new(check);
        self
    }
}

/// Operations whose deaths leave, between them, everything that a recovery can meet.
const RICH: [&str; 17] = [
    "write_64_inline",
    "write_1_growing",
    "write_channel",
    "write_3_refused",
    "read_64_block",
    "read_growing",
    "read_3_discard",
    "close_full_channel",
    "close_cascade",
    "spawn",
    "create_channel",
    "create_with_options",
    "reserve_tidying",
    "read_ahead",
    "late_reply_ahead",
    "duplicate",
    "replace",
];

/// All of them, those that take longest first.
pub fn all() -> Vec<Operation> {
    let groups = [
        c_interface::operations(),
        channel::write::operations(),
        channel::read::operations(),
        channel::close::operations(),
        process::operations(),
        channel::call::operations(),
        memory::blocks::operations(),
        memory::pages::operations(),
        channel::reorder::operations(),
        channel::loan::operations(),
        memory::slots::operations(),
        process::fork::operations(),
        process::thread::operations(),
        contention::operations(),
        handle::operations(),
        event::operations(),
        wait::operations(),
    ];
    let mut operations: Vec<_> = groups.into_iter().flatten().collect();
    for operation in &mut operations {
        operation.is_rich = RICH.contains(&&*operation.name);
    }
    operations
}

/// The operation of this name.
pub fn find(name: &str) -> Option<Operation> {
    all().into_iter().find(|operation| operation.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_a_name_of_its_own() {
        let mut names: Vec<_> = all().into_iter().map(|operation| operation.name).collect();
        let number = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), number);
        assert!(RICH.iter().all(|name| names.iter().any(|known| known == name)));
    }
}
