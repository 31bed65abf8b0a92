//! Calls over Unix sockets with tokio: a task for each client, on a runtime of one thread; the clients have such a runtime
//! too. Tokio knows stream sockets only, so each message follows its length.

use crate::measure::rpc::Service;
use crate::measure::rpc::calls::{BYTES, Calls};
use crate::measure::rpc::seat::{ClientSeat, ServerSeat};
use anyhow::{Context as _, Result, ensure};
use std::io::ErrorKind;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

/// The service.
pub struct UnixTokio;

/// The bytes of a length.
const HEAD: usize = size_of::<u32>();

impl Service for UnixTokio {
    const WHO: &'static str = "unix_tokio";

    fn serve(seat: &ServerSeat<'_>) -> Result<u64> {
        let name = seat.new_name();
        let listener = std::os::unix::net::UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name)?)?;
        listener.set_nonblocking(true)?;
        on_one_thread(async {
            let listener = UnixListener::from_std(listener)?;
            seat.listening(vec![name; seat.clients])?;
            let mut tasks = JoinSet::new();
            for _ in 0..seat.clients {
                let (connection, _) = listener.accept().await.context("accept")?;
                tasks.spawn(serve_one(Connection::over(connection)));
            }
            let mut answered = 0;
            while let Some(task) = tasks.join_next().await {
                answered += task.context("a task of the server panicked")??;
            }
            Ok(answered)
        })
    }

    fn call(seat: &ClientSeat<'_>) -> Result<Calls> {
        let address = SocketAddr::from_abstract_name(seat.address)?;
        let connection = std::os::unix::net::UnixStream::connect_addr(&address).context("connect")?;
        connection.set_nonblocking(true)?;
        on_one_thread(async {
            let mut connection = Connection::over(UnixStream::from_std(connection)?);
            let mut calls = seat.connected()?;
            while let Some(request) = calls.next_request() {
                connection.send(&request).await?;
                calls.replied(&connection.receive().await?.context("the server is gone")?)?;
            }
            Ok(calls)
        })
    }
}

/// Runs to the end, on a runtime of its own.
pub fn on_one_thread<T>(task: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_io().build()?.block_on(task)
}

/// Answers a client until it is gone.
async fn serve_one(mut connection: Connection) -> Result<u64> {
    let mut answered = 0;
    while let Some(request) = connection.receive().await? {
        connection.send(&request).await?;
        answered += 1;
    }
    Ok(answered)
}

/// A stream of messages, each after its length.
struct Connection {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
}

impl Connection {
    fn over(stream: UnixStream) -> Self {
        let (reader, writer) = stream.into_split();
        Self { reader: BufReader::new(reader), writer }
    }

    /// One write for length and message.
    async fn send(&mut self, message: &[u8; BYTES]) -> Result<()> {
        let mut frame = [0; HEAD + BYTES];
        frame[..HEAD].copy_from_slice(&(BYTES as u32).to_le_bytes());
        frame[HEAD..].copy_from_slice(message);
        self.writer.write_all(&frame).await.context("write")
    }

    /// `None`: the other side is gone.
    async fn receive(&mut self) -> Result<Option<[u8; BYTES]>> {
        match self.reader.read_u32_le().await {
            Ok(length) => ensure!(length as usize == BYTES, "a message of {length} bytes"),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error).context("read"),
        }
        let mut message = [0; BYTES];
        self.reader.read_exact(&mut message).await.context("read")?;
        Ok(Some(message))
    }
}
