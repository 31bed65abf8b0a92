//! Sockets: bytes and datagrams as futures, a stream and a sink, and as `AsyncRead` and `AsyncWrite`.
//!
//! Each operation is tried first, and waits only when it gave SHOULD_WAIT. An end that has waited for something to read has one
//! observer from then on, for as long as it lives. One that waits for room has an observer while it waits.
//!
//! | file | contents |
//! |---|---|
//! | `end` | an end and its parts |
//! | `recv`, `send` | futures, a stream of datagrams, and a sink |
//! | `io` | `AsyncRead` and `AsyncWrite` |
//! | `accept` | sockets over a socket: accepting and sharing |

mod accept;
mod end;
mod io;
mod recv;
mod send;

pub use accept::{Accept, Share};
pub use io::SocketIo;
pub use recv::{Datagrams, Recv};
pub use send::{Send, SendAll, SocketSink};

use crate::reactor::ready::Ready;
use end::End;
use io::{Places, reads_and_writes};
use jacinth::{AsHandleRef, HandleRef};

/// An end of a socket, for tasks. Any number of tasks may use it at once, and other processes may use duplicates of it.
///
/// It reads and writes as any byte stream of the program's libraries does, by [`futures_io::AsyncRead`] and
/// [`futures_io::AsyncWrite`], and by those of tokio with the feature `tokio`. A read gives 0 bytes when all was read and the other
/// end is closed, or a shutdown has ended the direction. Closing is [`half_close`](jacinth::Socket::half_close). Of a socket with
/// datagrams, each read gives one, whose rest is discarded. Two tasks that use these traits at once have an [`io`](Self::io) each.
///
/// The control plane has no futures of its own: [`OnSignals`](crate::OnSignals) waits for it, and [`get_ref`](Self::get_ref) has its
/// calls.
///
/// ```
/// use futures::{AsyncReadExt, AsyncWriteExt};
/// use jacinth::{Config, Supervisor};
/// use jacinth_async::Socket;
///
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (client, server) = jacinth::Socket::create_stream();
/// let (mut client, mut server) = (Socket::from(client), Socket::from(server));
/// futures::executor::block_on(async {
///     let answer = async {
///         let mut question = String::new();
///         server.read_to_string(&mut question).await?;
///         server.write_all(question.to_uppercase().as_bytes()).await?;
///         server.close().await
///     };
///     let ask = async {
///         client.write_all(b"how are you?").await?;
///         client.close().await?; // This ends the question. The answer can still be read.
///         let mut answer = String::new();
///         client.read_to_string(&mut answer).await?;
///         Ok(answer)
///     };
///     let ((), answer) = futures::try_join!(answer, ask)?;
///     assert_eq!(answer, "HOW ARE YOU?");
///     Ok::<(), std::io::Error>(())
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "dropping an end of a socket closes it, and its peer is told"]
pub struct Socket {
    end: End,
    /// Of the traits of the socket itself.
    places: Places,
}

impl Socket {
    /// Reads bytes: of a stream as many as there are and as fit, or the next datagram, whose rest is discarded. Gives how many.
    /// It waits until there are any.
    ///
    /// Dropped, it has taken nothing. Bytes go to one of the futures that wait. Needs [`Rights::READ`](jacinth::Rights::READ) and
    /// [`Rights::WAIT`](jacinth::Rights::WAIT).
    ///
    /// # Errors
    /// The future's errors, when all was read: [`PEER_CLOSED`](jacinth::Status::PEER_CLOSED) when the other end is closed;
    /// [`BAD_STATE`](jacinth::Status::BAD_STATE) when a shutdown has ended the direction. As [`jacinth::Socket::read`], but for
    /// SHOULD_WAIT, and [`OnSignals::new`](crate::OnSignals::new).
    ///
    /// ```
    /// # use jacinth::{Config, Status, Supervisor};
    /// # use jacinth_async::Socket;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = jacinth::Socket::create_stream();
    /// let (ours, mut bytes) = (Socket::from(ours), [0; 100]);
    /// theirs.write(b"hello")?;
    /// drop(theirs);
    /// futures::executor::block_on(async {
    ///     assert_eq!(ours.recv(&mut bytes).await, Ok(5));
    ///     assert_eq!(ours.recv(&mut bytes).await, Err(Status::PEER_CLOSED));
    /// });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn recv<'a>(&'a self, bytes: &'a mut [u8]) -> Recv<'a> {
        Recv::new(&self.end, bytes)
    }

    /// The datagrams, as a stream; of a socket without them, the bytes as they come. It ends when all was received, and the other
    /// end is closed or a shutdown has ended the direction.
    ///
    /// Dropped, it has taken no datagram but those that it gave.
    ///
    /// ```
    /// # use jacinth::{Config, Supervisor};
    /// # use jacinth_async::Socket;
    /// use futures::TryStreamExt;
    ///
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = jacinth::Socket::create_datagram();
    /// theirs.write(b"one")?;
    /// theirs.write(b"another")?;
    /// theirs.half_close()?;
    /// let ours = Socket::from(ours);
    /// let datagrams: Vec<Vec<u8>> = futures::executor::block_on(ours.datagrams().try_collect())?;
    /// assert_eq!(datagrams, [&b"one"[..], b"another"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn datagrams(&self) -> Datagrams<'_> {
        Datagrams::new(&self.end)
    }

    /// Writes bytes: to a stream as many as there is room for, or a datagram whole. Gives how many. It waits while there is no
    /// room.
    ///
    /// Dropped before it is ready, it has sent nothing. Needs [`Rights::WRITE`](jacinth::Rights::WRITE) and
    /// [`Rights::WAIT`](jacinth::Rights::WAIT).
    ///
    /// # Errors
    /// The future's errors: [`PEER_CLOSED`](jacinth::Status::PEER_CLOSED); [`BAD_STATE`](jacinth::Status::BAD_STATE) when a shutdown
    /// has ended the direction; as [`jacinth::Socket::write`], but for SHOULD_WAIT, and [`OnSignals::new`](crate::OnSignals::new).
    ///
    /// ```
    /// # use jacinth::{Config, Supervisor};
    /// # use jacinth_async::Socket;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, _theirs) = jacinth::Socket::create_stream();
    /// let (ours, much) = (Socket::from(ours), vec![0; 300_000]);
    /// assert_eq!(futures::executor::block_on(ours.send(&much)), Ok(257_024)); // A short write.
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send<'a>(&'a self, bytes: &'a [u8]) -> Send<'a> {
        Send::new(&self.end, bytes)
    }

    /// Writes all of these bytes. It waits while there is no room.
    ///
    /// Dropped before it is ready, it may have sent a part of them; of a datagram, nothing. Bytes of several futures may
    /// interleave: in pieces as large as the room that each of them found.
    ///
    /// # Errors
    /// As [`send`](Self::send). A part of the bytes may have been sent.
    ///
    /// ```
    /// # use jacinth::{Config, Supervisor};
    /// # use jacinth_async::Socket;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = jacinth::Socket::create_stream();
    /// let (ours, theirs) = (Socket::from(ours), Socket::from(theirs));
    /// let much = vec![7; 1_000_000];
    /// let send = async {
    ///     let sent = ours.send_all(&much).await;
    ///     drop(ours);
    ///     sent
    /// };
    /// let receive = async {
    ///     let (mut bytes, mut received) = (vec![0; 65_536], 0);
    ///     while let Ok(actual) = theirs.recv(&mut bytes).await {
    ///         received += actual;
    ///     }
    ///     received
    /// };
    /// let (sent, received) = futures::executor::block_on(async { futures::join!(send, receive) });
    /// assert_eq!((sent, received), (Ok(()), 1_000_000));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send_all<'a>(&'a self, bytes: &'a [u8]) -> SendAll<'a> {
        SendAll::new(&self.end, bytes)
    }

    /// A sink of datagrams, or of pieces of a stream. It holds one while there is no room. An empty item sends nothing.
    ///
    /// Closing the sink flushes it, and leaves the socket open.
    ///
    /// ```
    /// # use jacinth::{Config, Supervisor};
    /// # use jacinth_async::Socket;
    /// use futures::{SinkExt, stream};
    ///
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = jacinth::Socket::create_datagram();
    /// let ours = Socket::from(ours);
    /// futures::executor::block_on(ours.sink().send_all(&mut stream::iter([Ok("one"), Ok("another")])))?;
    /// let mut bytes = [0; 100];
    /// assert_eq!([theirs.read(&mut bytes)?, theirs.read(&mut bytes)?], [3, 7]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sink<T: AsRef<[u8]>>(&self) -> SocketSink<'_, T> {
        SocketSink::new(&self.end)
    }

    /// This end, for the traits `AsyncRead` and `AsyncWrite` beside other tasks that use it.
    ///
    /// ```
    /// # use jacinth::{Config, Supervisor};
    /// # use jacinth_async::Socket;
    /// use futures::{AsyncReadExt, AsyncWriteExt};
    ///
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = jacinth::Socket::create_stream();
    /// let (ours, mut theirs) = (Socket::from(ours), Socket::from(theirs));
    /// futures::executor::block_on(async {
    ///     let (mut reader, mut writer, mut answer) = (ours.io(), ours.io(), [0; 6]);
    ///     let read = reader.read_exact(&mut answer);
    ///     let write = writer.write_all(b"question");
    ///     let echo = async {
    ///         theirs.read_exact(&mut [0; 8]).await?;
    ///         theirs.write_all(b"answer").await
    ///     };
    ///     futures::try_join!(read, write, echo)
    /// })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn io(&self) -> SocketIo<'_> {
        SocketIo::new(&self.end)
    }

    /// Takes the next socket that the other end has [shared](Self::share). It waits until there is one.
    ///
    /// Dropped, it has taken none. Needs [`Rights::READ`](jacinth::Rights::READ) and [`Rights::WAIT`](jacinth::Rights::WAIT).
    ///
    /// # Errors
    /// The future's errors: [`PEER_CLOSED`](jacinth::Status::PEER_CLOSED) when the other end is closed and has left no socket;
    /// as [`jacinth::Socket::accept`], but for SHOULD_WAIT, and [`OnSignals::new`](crate::OnSignals::new).
    ///
    /// ```
    /// # use jacinth::{Config, SocketOpts, Supervisor};
    /// # use jacinth_async::Socket;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (server, client) = jacinth::Socket::create(SocketOpts::HAS_ACCEPT)?;
    /// let (ours, theirs) = jacinth::Socket::create_stream();
    /// server.share(theirs)?;
    /// futures::executor::block_on(async {
    ///     let connection = Socket::from(Socket::from(client).accept().await?);
    ///     connection.send(b"hello").await
    /// })?;
    /// assert_eq!(ours.outstanding_read_bytes()?, 5);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn accept(&self) -> Accept<'_> {
        Accept::new(&self.end)
    }

    /// Shares a socket over this one: the other end [accepts](Self::accept) it. It waits while another one is in the queue.
    ///
    /// Dropped before it is ready, it has shared nothing, and `shared` is closed. Needs [`Rights::WRITE`](jacinth::Rights::WRITE),
    /// [`Rights::WAIT`](jacinth::Rights::WAIT), and [`Rights::TRANSFER`](jacinth::Rights::TRANSFER) of `shared`.
    ///
    /// # Errors
    /// The future's errors: as [`jacinth::Socket::share`], but for SHOULD_WAIT, and [`OnSignals::new`](crate::OnSignals::new).
    ///
    /// ```
    /// # use jacinth::{Config, SocketOpts, Status, Supervisor};
    /// # use jacinth_async::Socket;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (server, client) = jacinth::Socket::create(SocketOpts::HAS_ACCEPT)?;
    /// let (server, client) = (Socket::from(server), Socket::from(client));
    /// futures::executor::block_on(async {
    ///     let share = async {
    ///         for _ in 0..10 {
    ///             server.share(jacinth::Socket::create_stream().0).await?; // It waits for the one before.
    ///         }
    ///         Ok::<(), Status>(())
    ///     };
    ///     let accept = async {
    ///         for _ in 0..10 {
    ///             client.accept().await?;
    ///         }
    ///         Ok(())
    ///     };
    ///     futures::try_join!(share, accept)
    /// })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn share(&self, shared: jacinth::Socket) -> Share<'_> {
        Share::new(&self.end, shared)
    }

    /// The socket, for the calls that do not wait.
    ///
    /// ```
    /// # use jacinth::{Config, Signals, SocketOpts, SocketReadOpts, SocketWriteOpts, Supervisor};
    /// # use jacinth_async::{OnSignals, Socket};
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = jacinth::Socket::create(SocketOpts::HAS_CONTROL)?;
    /// let ours = Socket::from(ours);
    /// theirs.write_opts(b"interrupt", SocketWriteOpts::CONTROL)?;
    /// let mut bytes = [0; 100];
    /// futures::executor::block_on(async {
    ///     OnSignals::new(&ours, Signals::SOCKET_CONTROL_READABLE).await?;
    ///     ours.get_ref().read_opts(&mut bytes, SocketReadOpts::CONTROL)
    /// })?;
    /// assert_eq!(&bytes[..9], b"interrupt");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get_ref(&self) -> &jacinth::Socket {
        &self.end.socket
    }

    /// The socket, without its observers.
    ///
    /// ```
    /// # use jacinth::{Channel, Config, Supervisor};
    /// # use jacinth_async::Socket;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, _theirs) = jacinth::Socket::create_stream();
    /// let (carrier, _far) = Channel::create();
    /// carrier.write(b"", &mut [Socket::from(ours).into_inner().into()])?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn into_inner(self) -> jacinth::Socket {
        let End { ready, socket } = self.end;
        ready.end_observers(&socket.as_handle_ref());
        socket
    }
}

reads_and_writes!(Socket);

impl From<jacinth::Socket> for Socket {
    fn from(socket: jacinth::Socket) -> Self {
        Self { end: End { ready: Ready::of_socket(), socket }, places: Places::default() }
    }
}

impl AsHandleRef for Socket {
    fn as_handle_ref(&self) -> HandleRef<'_> {
        self.end.socket.as_handle_ref()
    }
}
