//! Cookies: a number that a program attaches to an object, which only a holder of the same *scope* can read and set.
//!
//! The scope is another object, known by its koid. The first setting fixes it for the life of the object. A side has one
//! jar:
//!
//! ```text
//!  state ─ scope ─ first ─ latest
//! ```
//!
//! The first setting changes three words, and every other one word or two:
//!
//! 1. The thread writes the scope and the cookie into its row, and its intent.
//! 2. `state`: empty → SETTING(its tag), by CAS. This **commits** the setting: from here on the scope is fixed, and any thread
//!    that meets the word completes the setting with the two values that stand in the row.
//! 3. `scope` and `first` are stored, and then `state` → the side's koid, by CAS.
//!
//! A later setting stores `latest`, and the first of them then marks the jar REPLACED. After that, the store alone commits.
//!
//! INV-COOKIE-1: `state` changes by CAS of the exact word, and in the life of an object never to a value that it had before.
//! INV-COOKIE-2: while `state` is SETTING(t), the row of t has the scope and the cookie that are being set. Thread t, or
//! recovery in its name, clears its intent only after `state` has changed, and overwrites them with Release after that.
//! INV-COOKIE-3: all stores to `scope` and `first` in the life of an object store the same two values. So a thread that
//! completes a setting late does no harm. That is why later cookies have a word of their own.
//! INV-COOKIE-4: a jar belongs to the side whose koid its `state` has. So the next object of the slot finds it empty, and no
//! word has to be cleared. A hazard keeps the slot from being reused while a thread works on the jar.
//!
//! No thread waits for another, so each operation ends after a few rounds: `state` changes at most three times.
//!
//! The cookie of a side whose peer is closed is invalid: PEER_CLOSED of the side, which is never cleared, says so.

use crate::arena::Arena;
use crate::arena::error::{Error, Result};
use crate::arena::record::object::CookieJar;
use crate::arena::word::intent::Operation;
use crate::arena::word::reference::{ObjectRef, Tag};
use crate::arena::word::signals::{Signals, State};
use crate::handle::lookup::ResolvedHandle;
use crate::handle::pin;
use crate::object::ObjectClass;
use crate::object::info;
use crate::object::info::jar::{JarState, JarWord};
use crate::process::thread::{Thread, crash_point};
use crate::sync::{Acquire, Relaxed, Release};

/// P5: how often an operation looks at the word. An undamaged one changes three times.
const MOST_ROUNDS: u32 = 8;

/// A word that changes more often than an undamaged one.
const RESTLESS: Error = Error::Corrupt("a cookie that never comes to rest");

/// The jar of a side, for one operation.
struct Jar<'a> {
    words: &'a CookieJar,
    side: ObjectRef,
    koid: u64,
}

impl<'a> Jar<'a> {
    /// The caller has a hazard on the object.
    fn of(arena: &'a Arena, side: ObjectRef) -> Result<Self> {
        Ok(Self { words: arena.cookie_jar(side)?, side, koid: info::koid_of(arena, side)? })
    }

    fn look(&self) -> JarWord {
        // ORDER: Acquire pairs with the Release CASes of `begin`, `complete` and `set`: the words that the state speaks
        // of are written.
        JarWord(self.words.state.load(Acquire))
    }

    /// Fails unless this is the jar's scope. The caller has seen that the jar has a cookie.
    fn require_scope(&self, scope: u64) -> Result<()> {
        // Relaxed: published with the state.
        if self.words.scope.load(Relaxed) == scope { Ok(()) } else { Err(Error::WrongScope) }
    }
}

/// The cookie of the side of `found`, for a caller with a handle to its scope. `WrongScope` if it has none, or another
/// scope; `NotSupported` if objects of the class have no cookies.
pub(crate) fn get(thread: &Thread, found: ResolvedHandle, scope: ResolvedHandle) -> Result<u64> {
    with_jar(thread, found, scope, |jar, scope| {
        for _ in 0..MOST_ROUNDS {
            let seen = jar.look();
            match seen.state(jar.koid) {
                JarState::Empty => return Err(Error::WrongScope),
                JarState::Setting(setter) => complete(thread, jar, seen, setter)?,
                JarState::First => {
                    jar.require_scope(scope)?;
                    // Relaxed: published with the state.
                    return Ok(jar.words.first.load(Relaxed));
                }
                JarState::Replaced => {
                    jar.require_scope(scope)?;
                    // ORDER: Acquire pairs with the Release of `set`: what the setter did before is done.
                    return Ok(jar.words.latest.load(Acquire));
                }
            }
        }
        Err(RESTLESS)
    })
}

/// Sets the cookie of the side of `found`. The first setting fixes the scope. Fails as [`get`] does, but for a side without
/// a cookie.
pub(crate) fn set(thread: &Thread, found: ResolvedHandle, scope: ResolvedHandle, cookie: u64) -> Result<()> {
    with_jar(thread, found, scope, |jar, scope| {
        for _ in 0..MOST_ROUNDS {
            let seen = jar.look();
            match seen.state(jar.koid) {
                JarState::Empty => {
                    if begin(thread, jar, seen, (scope, cookie))? {
                        return Ok(());
                    }
                }
                JarState::Setting(setter) => complete(thread, jar, seen, setter)?,
                state @ (JarState::First | JarState::Replaced) => {
                    jar.require_scope(scope)?;
                    // ORDER: Release pairs with the Acquire of `get`: what this thread has done before is done.
                    jar.words.latest.store(cookie, Release);
                    if state == JarState::First {
                        crash_point!(thread, "cookie.replacing");
                        let replaced = JarWord::replaced(jar.koid);
                        // It fails if another thread has marked the jar. Then the store was enough.
                        // ORDER: Release publishes the cookie: no thread that finds the jar marked finds a cookie of an
                        // earlier object in `latest`.
                        let _ = jar.words.state.compare_exchange(seen.0, replaced.0, Release, Relaxed);
                        crash_point!(thread, "cookie.replaced");
                    }
                    return Ok(());
                }
            }
        }
        Err(RESTLESS)
    })
}

/// The first setting. `false` if another thread was quicker.
fn begin(thread: &Thread, jar: &Jar<'_>, empty: JarWord, (scope, cookie): (u64, u64)) -> Result<bool> {
    let [of_scope, of_cookie] = thread.row().cookie();
    // ORDER: Release, both: after this thread has seen the end of its last setting. So a thread that takes these for the
    // values of that one then finds the state changed (INV-COOKIE-2).
    of_scope.store(scope, Release);
    of_cookie.store(cookie, Release);
    thread.set_operation(Operation::SetCookie { at: jar.side });
    crash_point!(thread, "cookie.intended");
    let setting = JarWord::setting(thread.tag);
    // ORDER: Release: after the intent, in the order that recovery sees; and it publishes the row's two values.
    let has_begun = jar.words.state.compare_exchange(empty.0, setting.0, Release, Relaxed).is_ok();
    if has_begun {
        crash_point!(thread, "cookie.begun");
        complete(thread, jar, setting, thread.tag)?;
    }
    thread.set_operation(Operation::Idle);
    Ok(has_begun)
}

/// Completes the setting that this thread, a dead one or a slow one has begun.
fn complete(thread: &Thread, jar: &Jar<'_>, setting: JarWord, setter: Tag) -> Result<()> {
    // ORDER: Acquire pairs with the Release of `begin`: if these are values of a later setting, the look below shows that
    // this one is complete.
    let [scope, cookie] = thread.arena().thread(setter)?.cookie().each_ref().map(|word| word.load(Acquire));
    if jar.words.state.load(Relaxed) != setting.0 {
        return Ok(());
    }
    // Relaxed, both: the CAS below publishes them, and all threads store the same (INV-COOKIE-3).
    jar.words.scope.store(scope, Relaxed);
    jar.words.first.store(cookie, Relaxed);
    crash_point!(thread, "cookie.stored");
    // It fails if another thread has completed the setting. Relaxed then: the next look is by Acquire.
    // ORDER: Release publishes the scope and the cookie.
    let _ = jar.words.state.compare_exchange(setting.0, JarWord::first(jar.koid).0, Release, Relaxed);
    crash_point!(thread, "cookie.set");
    Ok(())
}

/// Whether a dead thread's first setting has committed. If so, it is complete afterwards.
pub(crate) fn resolve(thread: &Thread, at: ObjectRef) -> Result<bool> {
    let jar = Jar::of(thread.arena(), at)?;
    let setting = JarWord::setting(thread.tag);
    if jar.look() == setting {
        complete(thread, &jar, setting, thread.tag)?;
    }
    // Relaxed: the row is a dead thread's.
    let scope = thread.row().cookie()[0].load(Relaxed);
    let is_set = matches!(jar.look().state(jar.koid), JarState::First | JarState::Replaced);
    // If another thread was quicker with the same scope, it makes no difference.
    Ok(is_set && jar.require_scope(scope).is_ok())
}

/// Runs `use_jar` with the koid of the scope, while the slot of the object cannot be reused.
fn with_jar<T>(
    thread: &Thread,
    found: ResolvedHandle,
    scope: ResolvedHandle,
    use_jar: impl FnOnce(&Jar<'_>, u64) -> Result<T>,
) -> Result<T> {
    let scope = info::basic(thread, scope)?.koid;
    pin::with_pinned(thread, found, |side, lifecycle| {
        if !ObjectClass::of(lifecycle)?.has_cookie() {
            return Err(Error::NotSupported("objects of this type have no cookie"));
        }
        // Relaxed: it publishes nothing. A thread that knows of the end has seen this word, or a store that came after it.
        let state = State(thread.arena().state(side)?.load(Relaxed));
        if lifecycle.is_two_sided() && state.signals().contains(Signals::PEER_CLOSED) {
            return Err(Error::WrongScope);
        }
        use_jar(&Jar::of(thread.arena(), side)?, scope)
    })
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::word::handle::{HandleValue, Rights};
    use crate::process::Process;

    fn created(thread: &Thread, class: ObjectClass) -> HandleValue {
        thread.create(class, Rights::empty()).unwrap().0
    }

    /// A reused slot has an empty jar, also when its last object had a cookie, and died while it was being set.
    #[test]
    fn reused_slots_have_no_cookie() {
        let thread = Thread::join(&Process::alone_with_few_channels()).unwrap();
        let scope = created(&thread, ObjectClass::Event);
        let find = |value| thread.lookup(value).unwrap();
        for round in 0..100 {
            let object = created(&thread, ObjectClass::Event);
            assert_eq!(thread.cookie(find(object), find(scope)), Err(Error::WrongScope), "{round}");
            for cookie in [round, u64::MAX, 0].into_iter().take(1 + round as usize % 3) {
                thread.set_cookie(find(object), find(scope), cookie).unwrap();
                assert_eq!(thread.cookie(find(object), find(scope)), Ok(cookie));
            }
            assert_eq!(thread.set_cookie(find(object), find(object), 7), Err(Error::WrongScope));
            thread.close(find(object)).unwrap();
            thread.collect().unwrap();
        }
    }

    /// P5: a word that names a thread without a setting ends no operation in a loop.
    #[test]
    fn damaged_jars_end_no_loop() {
        let thread = Thread::join(&Process::alone_with_few_channels()).unwrap();
        let object = created(&thread, ObjectClass::Event);
        let found = thread.lookup(object).unwrap();
        let words = thread.arena().cookie_jar(found.entry.object()).unwrap();
        for tag in [0, 1, 4095] {
            words.state.store(JarWord::setting(Tag(tag)).0, Relaxed);
            assert!(thread.cookie(found, found).is_err(), "{tag}");
        }
    }
}
