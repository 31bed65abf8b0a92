//! An operation at which victims are killed.
//!
//! It is three closures. `set_up` runs in the survivor and makes the fixture: everything that the victim is given.
//! `prepare` runs in the victim and returns the *action*, which is stepped through. `check` runs in the survivor once
//! the victim is dead and recovered, and checks the operation's guarantee. The testbed itself checks the guarantees of
//! every death (`testbed/verify.rs`).

use crate::operation::fixture::Fixture;
use crate::operation::outcome::{CheckResult, Outcome};
use std::any::Any;

/// The return value of an action. The victim keeps it, so that no destructor closes anything.
pub type Retained = Box<dyn Any>;
/// The part of an operation that is stepped through.
pub type Action = Box<dyn FnOnce() -> Retained>;

type SetUp = dyn Fn() -> Fixture;
type Check = dyn Fn(&mut Fixture, Outcome) -> CheckResult;

/// How the victim enters the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryMode {
    /// By `Supervisor::spawn`, with one end of the control channel as its startup handle.
    Spawned,
    /// By `attach`, like any program. There is no control channel.
    Stranger,
    /// The victim is a copy of the survivor, made by fork(), and has no arena. There is no control channel.
    Forked,
}

/// The thread in which the victim acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActingThread {
    /// The first thread of the process.
    Main,
    /// A thread of the standard library. It ends with the action, in the way that the action chooses.
    Std,
    /// A thread that a library of another language made. It ends by `pthread_exit` once the action has returned.
    Foreign,
    /// A thread of the same kind that ends by `zx_thread_exit`.
    Zircon,
}

/// An operation. The methods that return `Self` complete it.
pub struct OperationSpec {
    /// The name that `--only` takes.
    pub name: String,
    /// The guarantee to survivors.
    pub guarantee: &'static str,
    /// How the victim enters the arena.
    pub entry: EntryMode,
    /// The victim's exit code, if the operation ends the process.
    pub exit_code: Option<i32>,
    /// The operation sleeps for ever: the victim is killed in its sleep, and nowhere else.
    pub sleeps_forever: bool,
    /// The thread in which it happens.
    pub thread: ActingThread,
    /// By how many handles the victim has more afterwards, if that is checked.
    pub handle_delta: Option<i64>,
    /// It starts another process, which may come and go.
    pub starts_process: bool,
    /// It is a variant of another operation: by other calls, or one thing for many objects. A quick run kills at some
    /// of its kill points only.
    pub is_variant: bool,
    /// A death leaves much to recover, so recoverers and leaders are killed over this operation by default. Between
    /// them, these operations leave everything that a recovery can meet.
    pub exercises_recovery: bool,
    pub(crate) set_up: Box<SetUp>,
    pub(crate) prepare: Box<dyn Fn() -> Action>,
    check: Box<Check>,
}

impl OperationSpec {
    /// An operation with the default fixture, without a check.
    pub fn new(name: impl Into<String>, guarantee: &'static str) -> Self {
        Self {
            name: name.into(),
            guarantee,
            entry: EntryMode::Spawned,
            exit_code: None,
            sleeps_forever: false,
            thread: ActingThread::Main,
            handle_delta: None,
            starts_process: false,
            is_variant: false,
            exercises_recovery: false,
            set_up: Box::new(Fixture::new),
            prepare: Box::new(|| Box::new(|| Box::new(()))),
            check: Box::new(|_, _| Ok(())),
        }
    }

    /// Sets how the victim enters the arena.
    pub fn entry(self, entry: EntryMode) -> Self {
        Self { entry, ..self }
    }

    /// The operation ends the process with this exit code.
    pub fn exit_code(self, code: i32) -> Self {
        Self { exit_code: Some(code), ..self }
    }

    /// The operation never completes.
    pub fn sleeps_forever(self) -> Self {
        Self { sleeps_forever: true, ..self }
    }

    /// The operation happens in a thread that ends with it.
    pub fn ends_thread(self, thread: ActingThread) -> Self {
        Self { thread, exit_code: Some(0), ..self }
    }

    /// The victim has `delta` handles more afterwards.
    pub fn handle_delta(self, delta: i64) -> Self {
        Self { handle_delta: Some(delta), ..self }
    }

    /// The operation starts another process.
    pub fn starts_process(self) -> Self {
        Self { starts_process: true, ..self }
    }

    /// The operation is a variant of another.
    pub fn mark_variant(self) -> Self {
        Self { is_variant: true, ..self }
    }

    /// Recoverers and leaders are killed over this operation by default.
    pub fn exercises_recovery(self) -> Self {
        Self { exercises_recovery: true, ..self }
    }

    /// Sets the closure that runs in the survivor first.
    pub fn set_up(self, set_up: impl Fn() -> Fixture + 'static) -> Self {
        Self { set_up: Box::new(set_up), ..self }
    }

    /// Sets the preparation in the victim, which returns the action.
    pub fn prepare<T: 'static, A: FnOnce() -> T + 'static>(self, prepare: impl Fn() -> A + 'static) -> Self {
        let prepare = move || -> Action {
            let action = prepare();
            Box::new(move || Box::new(action()))
        };
        Self { prepare: Box::new(prepare), ..self }
    }

    /// Sets how the survivor checks the guarantee.
    pub fn check(self, check: impl Fn(&mut Fixture, Outcome) -> CheckResult + 'static) -> Self {
        Self { check: Box::new(check), ..self }
    }

    /// Checks the guarantee.
    pub fn run_check(&self, fixture: &mut Fixture, outcome: Outcome) -> CheckResult {
        (self.check)(fixture, outcome)
    }

    /// Appends to the name.
    pub fn variant(self, suffix: &str) -> Self {
        Self { name: format!("{}_{suffix}", self.name), ..self }
    }

    /// The operation `name` of the group, for another action: with the same fixture and the same guarantee. Its own name
    /// begins with `prefix`. It is a variant.
    pub fn based_on(group: impl Fn() -> Vec<Self>, prefix: &str, name: &str) -> Self {
        let found = group().into_iter().find(|operation| operation.name == name);
        let operation = found.unwrap_or_else(|| panic!("no operation is called {name}"));
        Self { name: format!("{prefix}_{name}"), is_variant: true, exercises_recovery: false, ..operation }
    }
}
