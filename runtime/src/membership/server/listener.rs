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

use crate::membership::socket::path::{ListeningSocket, SocketPath};
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
pub(crate) struct Listener {
    socket_path: Arc<SocketPath>,
    /// `None` while the path cannot be had: then nobody is admitted, and everything else goes on.
    listening: Option<ListeningSocket>,
    /// Whether this process has listened at the path: a socket that is there now is nobody's whom it has succeeded.
    has_listened: bool,
    /// Readable when something has happened to the socket.
    news: Option<Held>,
    /// When to look at the path, or to try it again.
    due: Option<Instant>,
    pause: Duration,
}

impl Listener {
    /// The listener of an arena whose path this process listens at already.
    pub(crate) fn open(socket_path: Arc<SocketPath>, listening: ListeningSocket) -> Self {
        let mut listener = Self::closed(socket_path);
        (listener.listening, listener.has_listened) = (Some(listening), true);
        listener.watch();
        listener
    }

    /// A listener that is yet to be opened.
    pub(crate) fn closed(socket_path: Arc<SocketPath>) -> Self {
        let (due, pause) = (Some(Instant::now()), FIRST_PAUSE);
        Self { socket_path, listening: None, has_listened: false, news: None, due, pause }
    }

    /// The socket at which those who want to join are to be accepted.
    pub(crate) fn socket(&self) -> Option<&Held> {
        self.listening.as_ref().map(|listening| &listening.socket)
    }

    /// The arena's socket path, and what stands there: `None` while that is not the supervisor's socket.
    pub(crate) fn place(&self) -> (&SocketPath, Option<FileId>) {
        let listening = self.listening.as_ref();
        (&self.socket_path, listening.and_then(|listening| self.socket_path.file_of(listening)))
    }

    /// Whether somebody can come in; the path is tried again if not.
    pub(crate) fn is_open(&mut self) -> bool {
        if self.listening.is_none() {
            self.due = Some(Instant::now());
            self.check_if_due();
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
    pub(crate) fn check_descriptors(&mut self) {
        let is_lost = |held: Option<&Held>| held.is_some_and(|held| !held.is_intact());
        if is_lost(self.socket()) || is_lost(self.news()) {
            tracing::warn!("this program has closed the supervisor's socket: it is made again");
            self.listening.take_if(|listening| !listening.socket.is_intact());
            (self.news, self.due) = (None, Some(Instant::now()));
        }
    }

    /// Something has happened to the socket's file.
    pub(crate) fn on_news(&mut self) {
        self.news = None;
        self.due = Some(Instant::now() + AFTERWARDS);
    }

    /// Looks whether the socket is still at its path, if it is time, and puts one there if it is not.
    pub(crate) fn check_if_due(&mut self) {
        if self.timeout().is_none_or(|timeout| !timeout.is_zero()) {
            return;
        }
        if self.listening.as_ref().is_some_and(|listening| self.socket_path.has(listening)) {
            return self.watch();
        }
        // Who has connected to the one that was there, and was not accepted yet, is told so, and tries again.
        self.listening = None;
        let listening =
            if self.has_listened { self.socket_path.listen_if_free() } else { self.socket_path.listen() };
        match listening {
            Ok(listening) => {
                self.socket_path.hold();
                (self.listening, self.has_listened, self.pause) = (Some(listening), true, FIRST_PAUSE);
                self.watch();
            }
            Err(error) => {
                tracing::warn!(%error, path = %self.socket_path.as_path().display(), "nobody can be admitted yet");
                self.due = Some(Instant::now() + self.pause);
                self.pause = (2 * self.pause).min(LONGEST_PAUSE);
            }
        }
    }

    /// Has it noticed when the socket is removed from its path.
    fn watch(&mut self) {
        let is_there =
            |listener: &Self| listener.listening.as_ref().is_some_and(|it| listener.socket_path.has(it));
        self.news = self.news.take().or_else(|| watch(&self.socket_path).ok());
        self.due = match &self.news {
            // What happened before that, nobody says.
            Some(_) if is_there(self) => None,
            Some(_) => Some(Instant::now() + AFTERWARDS),
            None => Some(Instant::now() + WITHOUT_NEWS),
        };
    }
}

/// A descriptor that becomes readable when the socket, or its folder, is removed or renamed; and at little else.
fn watch(socket_path: &SocketPath) -> io::Result<Held> {
    let news = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
    let goes = WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF;
    // While somebody listens, a socket that was removed is not deleted: it has one link less, an attribute.
    inotify::add_watch(&news, socket_path.as_path(), goes | WatchFlags::ATTRIB)?;
    inotify::add_watch(&news, socket_path.folder()?, goes | WatchFlags::ONLYDIR)?;
    Held::new(news)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_news_the_socket_comes_back_at_the_next_look() {
        let above = tempfile::tempdir().unwrap();
        let path = above.path().join("folder/service");
        let (socket_path, listening) = SocketPath::create(Some(&path)).unwrap();
        let mut listener = Listener::open(Arc::new(socket_path), listening);
        assert!(listener.news().is_some() && listener.timeout().is_none());
        // As where the system has no inotify to give.
        (listener.news, listener.due) = (None, Some(Instant::now() + WITHOUT_NEWS));
        std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
        while listener.timeout().is_some() {
            assert!(!path.exists(), "nothing comes back while a look is due");
            listener.check_if_due();
        }
        assert!(path.exists());
    }

    #[test]
    fn a_path_that_something_else_has_taken_is_left_to_it() {
        let above = tempfile::tempdir().unwrap();
        let path = above.path().join("service");
        let (socket_path, listening) = SocketPath::create(Some(&path)).unwrap();
        let mut listener = Listener::open(Arc::new(socket_path), listening);
        std::fs::remove_file(&path).unwrap();
        // Nothing but a socket is replaced, whoever has put it there.
        std::fs::write(&path, "another's").unwrap();
        listener.on_news();
        listener.due = Some(Instant::now());
        listener.check_if_due();
        assert!(!listener.is_open());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "another's");
        std::fs::remove_file(&path).unwrap();
        assert!(listener.is_open());
    }
}
