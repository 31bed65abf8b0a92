//! The supervisor's socket at the arena's path, for as long as the arena lives: also when the path cannot be had yet, and
//! when somebody removes it.
//!
//! ```text
//!  shut   nobody listens: the path is tried, after 1/4 s, 1/2 s, 1 s, … 16 s
//!  open   listens; the system says when the socket or its folder is removed or renamed (inotify), or a look once a
//!         second does, where it cannot
//! ```
//!
//! A cleaner of temporary files removes the socket before its folder: so the path is looked at some moments after the
//! news, when the cleaner has passed.

use crate::membership::socket::path::{Address, Listening};
use jacinth_shm::{FileId, Held};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long after the news of a removal the path is looked at.
const AFTERWARDS: Duration = Duration::from_millis(100);
/// How often it is looked at where there is no news.
const WITHOUT_NEWS: Duration = Duration::from_secs(1);
/// How soon a path that cannot be had is tried again: the pause doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(16);

/// The way in for those who join.
pub(crate) struct Door {
    address: Arc<Address>,
    /// `None` while the path cannot be had: then nobody is admitted, and everything else goes on.
    listening: Option<Listening>,
    /// Whether this process has listened at the path: a socket that is there now is nobody's whom it has succeeded.
    has_listened: bool,
    /// Readable when something has happened to the socket.
    news: Option<Held>,
    /// When to look at the path, or to try it again.
    due: Option<Instant>,
    pause: Duration,
}

impl Door {
    /// The door of an arena whose path this process listens at already.
    pub(crate) fn open(address: Arc<Address>, listening: Listening) -> Self {
        let mut door = Self::shut(address);
        (door.listening, door.has_listened) = (Some(listening), true);
        door.watch();
        door
    }

    /// A door that is yet to be opened.
    pub(crate) fn shut(address: Arc<Address>) -> Self {
        let (due, pause) = (Some(Instant::now()), FIRST_PAUSE);
        Self { address, listening: None, has_listened: false, news: None, due, pause }
    }

    /// The socket at which those who want to join are to be accepted.
    pub(crate) fn socket(&self) -> Option<&Held> {
        self.listening.as_ref().map(|listening| &listening.socket)
    }

    /// The arena's address, and what stands there: `None` while that is not the supervisor's socket.
    pub(crate) fn sign(&self) -> (&Address, Option<FileId>) {
        let listening = self.listening.as_ref();
        (&self.address, listening.and_then(|listening| self.address.file_of(listening)))
    }

    /// Whether somebody can come in; the path is tried again if not.
    pub(crate) fn is_open(&mut self) -> bool {
        if self.listening.is_none() {
            self.due = Some(Instant::now());
            self.look_if_due();
        }
        self.listening.is_some()
    }

    /// Readable when something has happened to the socket's file.
    pub(crate) fn news(&self) -> Option<&Held> {
        self.news.as_ref()
    }

    /// How long the supervisor may sleep; `None` for as long as it likes.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.due.map(|due| due.saturating_duration_since(Instant::now()))
    }

    /// Makes again what the program has closed, as it may by mistake.
    pub(crate) fn look_around(&mut self) {
        let is_lost = |held: Option<&Held>| held.is_some_and(|held| !held.is_intact());
        if is_lost(self.socket()) || is_lost(self.news()) {
            tracing::warn!("this program has closed the supervisor's socket: it is made again");
            self.listening.take_if(|listening| !listening.socket.is_intact());
            (self.news, self.due) = (None, Some(Instant::now()));
        }
    }

    /// Something has happened to the socket's file.
    pub(crate) fn heed_news(&mut self) {
        self.news = None;
        self.due = Some(Instant::now() + AFTERWARDS);
    }

    /// Looks whether the socket is still at its path, if it is time, and puts one there if it is not.
    pub(crate) fn look_if_due(&mut self) {
        if self.timeout().is_none_or(|timeout| !timeout.is_zero()) {
            return;
        }
        if self.listening.as_ref().is_some_and(|listening| self.address.has(listening)) {
            return self.watch();
        }
        // Who has connected to the one that was there, and was not accepted yet, is told so, and tries again.
        self.listening = None;
        let listening = if self.has_listened { self.address.listen_if_free() } else { self.address.listen() };
        match listening {
            Ok(listening) => {
                self.address.hold();
                (self.listening, self.has_listened, self.pause) = (Some(listening), true, FIRST_PAUSE);
                self.watch();
            }
            Err(error) => {
                tracing::warn!(%error, path = %self.address.path().display(), "nobody can be admitted yet");
                self.due = Some(Instant::now() + self.pause);
                self.pause = (2 * self.pause).min(LONGEST_PAUSE);
            }
        }
    }

    /// Has it noticed when the socket is removed from its path.
    fn watch(&mut self) {
        let is_there = |door: &Self| door.listening.as_ref().is_some_and(|it| door.address.has(it));
        self.news = self.news.take().or_else(|| watch(&self.address).ok());
        self.due = match &self.news {
            // What happened before that, nobody says.
            Some(_) if is_there(self) => None,
            Some(_) => Some(Instant::now() + AFTERWARDS),
            None => Some(Instant::now() + WITHOUT_NEWS),
        };
    }
}

/// A descriptor that becomes readable when the socket, or its folder, is removed or renamed; and at little else.
fn watch(address: &Address) -> io::Result<Held> {
    let news = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
    let goes = WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF;
    // While somebody listens, a socket that was removed is not deleted: it has one link less, an attribute.
    inotify::add_watch(&news, address.path(), goes | WatchFlags::ATTRIB)?;
    inotify::add_watch(&news, address.folder()?, goes | WatchFlags::ONLYDIR)?;
    Held::new(news)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_news_the_socket_comes_back_at_the_next_look() {
        let above = tempfile::tempdir().unwrap();
        let path = above.path().join("folder/service");
        let (address, listening) = Address::found(Some(&path)).unwrap();
        let mut door = Door::open(Arc::new(address), listening);
        assert!(door.news().is_some() && door.timeout().is_none());
        // As where the system has no inotify to give.
        (door.news, door.due) = (None, Some(Instant::now() + WITHOUT_NEWS));
        std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
        while door.timeout().is_some() {
            assert!(!path.exists(), "nothing comes back while a look is due");
            door.look_if_due();
        }
        assert!(path.exists());
    }

    #[test]
    fn a_path_that_something_else_has_taken_is_left_to_it() {
        let above = tempfile::tempdir().unwrap();
        let path = above.path().join("service");
        let (address, listening) = Address::found(Some(&path)).unwrap();
        let mut door = Door::open(Arc::new(address), listening);
        std::fs::remove_file(&path).unwrap();
        // Nothing but a socket is replaced, whoever has put it there.
        std::fs::write(&path, "another's").unwrap();
        door.heed_news();
        door.due = Some(Instant::now());
        door.look_if_due();
        assert!(!door.is_open());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "another's");
        std::fs::remove_file(&path).unwrap();
        assert!(door.is_open());
    }
}
