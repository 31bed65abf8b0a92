//! The names of a directory.
//!
//! A server registers its listener in these steps:
//!
//! 1. load the commit word, and complete the registration that it names: PENDING → LIVE;
//! 2. look at all names. If a LIVE one is the same, and its listener lives, the registration fails;
//! 3. in the first round: take a word that is EMPTY, or whose listener is gone, by a CAS to PENDING;
//! 4. CAS the commit word from the value of step 1 to this word: **the name is registered**. If another server was
//!    quicker, go on at step 1;
//! 5. complete it, as in step 1.
//!
//! INV-NAME-2: *of two servers of one name, one fails.* A server commits from the value that it had loaded before it looked.
//! So no name was committed in between, and all that were committed before are LIVE: each was completed before the next
//! one was committed.
//! INV-NAME-3: *no server waits for another.* A step that another one has left undone is completed by the next, or
//! concerns its own word only. A server that dies leaves a word whose listener dies with it.

use crate::arena::Arena;
use crate::arena::error::{Error, Result};
use crate::arena::record::line::LINE_WORDS;
use crate::arena::record::row::HAZARD_PORT;
use crate::arena::size_class::SizeClass;
use crate::arena::word::directory::commit::CommitWord;
use crate::arena::word::directory::name::{NameState, NameWord, WeakRef};
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::handle::pin;
use crate::object::class::Class;
use crate::object::listener::{Listener, named};
use crate::object::{directory, own_block};
use crate::process::thread::{Thread, crash_point};
use crate::sync::{Acquire, AtomicU64, Relaxed, Release, backoff};

/// How many names a directory has at most.
pub const MAX_NAMES: usize = if cfg!(loom) { 2 } else { 1024 };

/// P5: rounds of a registration. Each round that fails is another server's success.
const MOST_ROUNDS: u32 = 1 << 16;

/// The hash of a name (FNV-1a): a word has a few bits of it, so that a search reads few listeners.
pub(crate) fn hash(name: &str) -> u64 {
    name.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The words below the high-water mark.
fn words(arena: &Arena, directory: Slot) -> Result<impl Iterator<Item = &AtomicU64>> {
    let body = directory::body(arena, directory)?;
    let lines = own_block::lines(arena, body.names())?.unwrap_or_default();
    // Relaxed: it publishes nothing. A thread that must see a name has loaded the commit of that name before.
    let used = body.used().load(Relaxed).min(MAX_NAMES as u64) as usize;
    Ok(lines.iter().flat_map(|line| &line.0).take(used))
}

/// Step 1: completes the registration that was committed last.
fn complete_last(arena: &Arena, directory: Slot) -> Result<CommitWord> {
    let body = directory::body(arena, directory)?;
    // ORDER: Acquire pairs with the Release CAS of `register`: the word that it names is PENDING at least, and all
    // earlier ones are LIVE.
    let commit = CommitWord(body.commit().load(Acquire));
    if let Some(lines) = own_block::lines(arena, body.names())? {
        let word = own_block::word(lines, commit.index())?;
        let name = NameWord(word.load(Relaxed));
        if name.state() == NameState::Pending && commit.is_of(name) {
            // Relaxed: a read-modify-write goes on with the release of the PENDING word. On failure another thread has
            // completed it, or the listener is gone and its word taken.
            let _ = word.compare_exchange(name.0, name.live().0, Relaxed, Relaxed);
        }
    }
    Ok(commit)
}

/// Keeps the listener of a word from being reused, until the hazard is cleared. `false`: it is gone.
fn pin_listener(thread: &Thread, listener: WeakRef, hazard: usize) -> Result<bool> {
    let lifecycle = pin::pin_weak(thread, listener, hazard);
    Ok(lifecycle.is_some_and(|lifecycle| lifecycle.class_number() == Listener::NUMBER)
        && pin::is_held(thread.arena(), ObjectRef::new(listener.slot, 0))?)
}

/// Whether the listener of a word is gone, so that the word can be taken.
fn is_gone(thread: &Thread, word: NameWord) -> Result<bool> {
    Ok(word.state() == NameState::Empty || !pin_listener(thread, word.listener(), HAZARD_PORT)?)
}

/// The living listener that has this name in the directory, kept from being reused by `hazard`. `None`: there is none.
///
/// The directory must be pinned.
pub(crate) fn find(thread: &Thread, directory: Slot, name: &str, hazard: usize) -> Result<Option<Slot>> {
    complete_last(thread.arena(), directory)?;
    let hash = hash(name);
    for word in words(thread.arena(), directory)? {
        // Relaxed: of a name that was committed before the commit word was loaded, all is seen by that. Of a later one a part
        // may be missing, and then the name is not found yet.
        let word = NameWord(word.load(Relaxed));
        if word.state() == NameState::Live
            && word.has_hash(hash)
            && pin_listener(thread, word.listener(), hazard)?
            && named::has_name(thread.arena(), word.listener().slot, name)?
        {
            return Ok(Some(word.listener().slot));
        }
    }
    pin::clear_hazard(thread, hazard);
    Ok(None)
}

/// The names that have a living listener.
pub(crate) fn list(thread: &Thread, directory: Slot) -> Result<Vec<String>> {
    complete_last(thread.arena(), directory)?;
    let mut names = Vec::new();
    let read = words(thread.arena(), directory)?.try_for_each(|word| {
        // Relaxed: as in `find`.
        let word = NameWord(word.load(Relaxed));
        if word.state() == NameState::Live && pin_listener(thread, word.listener(), HAZARD_PORT)? {
            names.extend(named::name(thread.arena(), word.listener().slot)?);
        }
        Ok(())
    });
    pin::clear_hazard(thread, HAZARD_PORT);
    read.map(|()| names)
}

/// Registers a listener that has its name. `AlreadyExists` while another listener has the name. The directory and the
/// listener must be pinned.
pub(crate) fn register(thread: &Thread, directory: Slot, listener: WeakRef, name: &str) -> Result<()> {
    let body = directory::body(thread.arena(), directory)?;
    if own_block::block_at(body.names()).is_none() {
        let class = SizeClass::fitting(MAX_NAMES.div_ceil(LINE_WORDS));
        own_block::link(thread, ObjectRef::new(directory, 0), body.names(), class, |lines| {
            own_block::clear(lines.iter().flat_map(|line| &line.0));
        })?;
    }
    let mut taken = None;
    let result = try_register(thread, directory, NameWord::pending(hash(name), listener), name, &mut taken);
    if result.as_ref().is_err_and(Error::is_crash) {
        return result;
    }
    if let (Err(_), Some((index, pending))) = (&result, taken) {
        // Relaxed: no thread follows a word that was not committed.
        let _ = word_at(thread.arena(), directory, index)?.compare_exchange(pending, 0, Relaxed, Relaxed);
    }
    pin::clear_hazard(thread, HAZARD_PORT);
    result
}

fn word_at(arena: &Arena, directory: Slot, index: usize) -> Result<&AtomicU64> {
    let lines = own_block::lines(arena, directory::body(arena, directory)?.names())?;
    own_block::word(lines.unwrap_or_default(), index)
}

/// `taken`: the index of the word that was taken, and its value.
fn try_register(
    thread: &Thread,
    directory: Slot,
    pending: NameWord,
    name: &str,
    taken: &mut Option<(usize, u64)>,
) -> Result<()> {
    let body = directory::body(thread.arena(), directory)?;
    for round in 0..MOST_ROUNDS {
        let commit = complete_last(thread.arena(), directory)?;
        if find(thread, directory, name, HAZARD_PORT)?.is_some() {
            return Err(Error::AlreadyExists);
        }
        crash_point!(thread, "serve.looked");
        let index = match *taken {
            Some((index, _)) => index,
            None => {
                let index = take_word(thread, directory, pending)?;
                *taken = Some((index, pending.0));
                index
            }
        };
        crash_point!(thread, "serve.taken");
        let next = CommitWord::new(index, pending.listener());
        // ORDER: Release publishes the PENDING word, and the listener with its name; and it orders the completion of the
        // registration before, which this thread has seen or made. The value that it replaces was loaded with Acquire, and
        // no value comes twice.
        if body.commit().compare_exchange(commit.0, next.0, Release, Relaxed).is_ok() {
            crash_point!(thread, "serve.committed");
            complete_last(thread.arena(), directory)?;
            return Ok(());
        }
        backoff(round);
    }
    Err(Error::Corrupt("a directory's commit word changes for ever"))
}

/// Step 3. Takes the first word that can be taken, so that the words in use stay few.
fn take_word(thread: &Thread, directory: Slot, pending: NameWord) -> Result<usize> {
    let body = directory::body(thread.arena(), directory)?;
    for index in 0..MAX_NAMES {
        let word = word_at(thread.arena(), directory, index)?;
        // ORDER: Acquire pairs with the Release below, also of a word that is LIVE by now: an older look at the listener could
        // find it not made yet, and its name would be taken for one that is gone.
        let before = NameWord(word.load(Acquire));
        if !is_gone(thread, before)? {
            continue;
        }
        // ORDER: Release: a thread that finds the word finds the listener alive.
        if word.compare_exchange(before.0, pending.0, Release, Relaxed).is_ok() {
            raise(body.used(), index as u64 + 1);
            return Ok(index);
        }
    }
    Err(Error::NoResources("names of one directory (1,024)"))
}

/// Raises the high-water mark.
fn raise(used: &AtomicU64, least: u64) {
    // Relaxed: as in `words`; the commit publishes it with the word.
    let mut before = used.load(Relaxed);
    while before < least {
        match used.compare_exchange(before, least, Relaxed, Relaxed) {
            Ok(_) => return,
            Err(changed) => before = changed,
        }
    }
}
