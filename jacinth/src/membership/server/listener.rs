//! The supervisor's socket at the arena's path, for as long as the arena lives: also when the path cannot be used yet, and
//! when another process removes it.
//!
//! ```text
//!  closed   does not listen: the path is tried after 1/4 s, 1/2 s, 1 s, … 16 s
//!  open     listens; inotify reports that the socket or its folder was removed or renamed, or a check once a second
//!           finds it, where there is no inotify
//! ```
//!
//! A cleaner of temporary files removes the socket before its folder. So the path is checked some time after the news,
//! when the cleaner has passed.

use crate::membership::socket::path::{ListeningSocket, SocketPath};
use jacinth_shm::{FileId, Held};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long after the news of a removal the path is checked.
const AFTERWARDS: Duration = Duration::from_millis(100);
/// How often the path is checked where there is no inotify.
const WITHOUT_NEWS: Duration = Duration::from_secs(1);
/// The first pause before a path that cannot be used is tried again. The pause doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(16);

/// The socket for processes that join.
pub(crate) struct Listener {
    socket_path: Arc<SocketPath>,
    /// `None` while the path cannot be used. Then no process is admitted, and all else goes on.
    listening: Option<ListeningSocket>,
    /// Whether this process has listened at the path. Then a socket there now is not the last supervisor's.
    has_listened: bool,
    /// Readable when something has happened to the socket.
    news: Option<Held>,
    /// When to check the path, or to try it again.
    due: Option<Instant>,
    pause: Duration,
}

impl Listener {
    /// A listener that is open already.
    pub(crate) fn open(socket_path: Arc<SocketPath>, listening: ListeningSocket) -> Self {
        let mut listener = Self::closed(socket_path);
        (listener.listening, listener.has_listened) = (Some(listening), true);
        listener.watch();
        listener
    }

    /// A listener that is to be opened.
    pub(crate) fn closed(socket_path: Arc<SocketPath>) -> Self {
        let (due, pause) = (Some(Instant::now()), FIRST_PAUSE);
        Self { socket_path, listening: None, has_listened: false, news: None, due, pause }
    }

    /// The socket to accept connections from.
    pub(crate) fn socket(&self) -> Option<&Held> {
        self.listening.as_ref().map(|listening| &listening.socket)
    }

    /// The arena's socket path, and the file there: `None` while that is not the supervisor's socket.
    pub(crate) fn place(&self) -> (&SocketPath, Option<FileId>) {
        let listening = self.listening.as_ref();
        (&self.socket_path, listening.and_then(|listening| self.socket_path.file_of(listening)))
    }

    /// Whether it is open. If it is not, the path is tried again first.
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

    /// How long the supervisor may sleep; `None` without a limit.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.due.map(|due| due.saturating_duration_since(Instant::now()))
    }

    /// Makes the descriptors again that the program has closed by mistake.
    pub(crate) fn check_descriptors(&mut self) {
        let is_lost = |held: Option<&Held>| held.is_some_and(|held| !held.is_intact());
        if is_lost(self.socket()) || is_lost(self.news()) {
            tracing::warn!("this program has closed the supervisor's socket: it is made again");
            self.listening.take_if(|listening| !listening.socket.is_intact());
            (self.news, self.due) = (None, Some(Instant::now()));
        }
    }

    /// Handles news of the socket's file.
    pub(crate) fn on_news(&mut self) {
        // It watches a file that may be gone. `watch` makes a new one.
        self.news = None;
        self.due = Some(Instant::now() + AFTERWARDS);
    }

    /// Checks, if it is time, that the socket is still at its path, and makes a new one if it is not.
    pub(crate) fn check_if_due(&mut self) {
        if self.timeout().is_none_or(|timeout| !timeout.is_zero()) {
            return;
        }
        if self.listening.as_ref().is_some_and(|listening| self.socket_path.has(listening)) {
            return self.watch();
        }
        // A process that has connected to the old socket, and was not accepted yet, gets an error and tries again.
        self.listening = None;
        // A new leader replaces its predecessor's socket, even if that process lives as another program. Once this
        // process has listened here, a socket with a living listener is another arena's.
        let listening =
            if self.has_listened { self.socket_path.listen_if_free() } else { self.socket_path.listen() };
        match listening {
            Ok(listening) => {
                // The folder may have been made again, with another lock file in it.
                self.socket_path.hold();
                (self.listening, self.has_listened, self.pause) = (Some(listening), true, FIRST_PAUSE);
                self.watch();
            }
            Err(error) => {
                tracing::warn!(%error, path = %self.socket_path.as_path().display(), "no process can be admitted yet");
                self.due = Some(Instant::now() + self.pause);
                self.pause = (2 * self.pause).min(LONGEST_PAUSE);
            }
        }
    }

    /// Watches for the removal of the socket from its path.
    fn watch(&mut self) {
        let is_there =
            |listener: &Self| listener.listening.as_ref().is_some_and(|it| listener.socket_path.has(it));
        self.news = self.news.take().or_else(|| watch(&self.socket_path).ok());
        self.due = match &self.news {
            // inotify does not report earlier events.
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
    // While a process listens, a removed socket is not deleted. It has one link less, which is a change of an attribute.
    inotify::add_watch(&news, socket_path.as_path(), goes | WatchFlags::ATTRIB)?;
    inotify::add_watch(&news, socket_path.folder()?, goes | WatchFlags::ONLYDIR)?;
    Held::new(news)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_comes_back_without_inotify() {
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
    fn only_sockets_are_replaced() {
        let above = tempfile::tempdir().unwrap();
        let path = above.path().join("service");
        let (socket_path, listening) = SocketPath::create(Some(&path)).unwrap();
        let mut listener = Listener::open(Arc::new(socket_path), listening);
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "a file").unwrap();
        listener.on_news();
        listener.due = Some(Instant::now());
        listener.check_if_due();
        assert!(!listener.is_open());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a file");
        std::fs::remove_file(&path).unwrap();
        assert!(listener.is_open());
    }
}
