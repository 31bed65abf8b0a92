//! The sides of a measurement of calls as its processes see them, and the words between them and the near side.

use super::calls::{Calls, Tally};
use crate::measure::window::Window;
use crate::process::link::Link;
use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

/// A word of a member.
#[derive(Debug, Serialize, Deserialize)]
pub enum Word {
    /// The server listens at these addresses, one for each client.
    Listening(Vec<String>),
    /// A client is connected.
    Connected,
    /// The server has answered so many calls, and all clients are gone.
    Served(u64),
    /// A client has made its calls.
    Called(Tally),
}

/// The server's side.
pub struct ServerSeat<'l> {
    /// How many clients will connect.
    pub clients: usize,
    link: &'l Link,
}

impl<'l> ServerSeat<'l> {
    /// The server of so many clients.
    pub fn new(link: &'l Link, clients: usize) -> Self {
        Self { clients, link }
    }

    /// A name that no other server has.
    pub fn new_name(&self) -> String {
        format!("jacinth-bench-{}", std::process::id())
    }

    /// Says that the clients can connect, each at its address.
    pub fn listening(&self, addresses: Vec<String>) -> Result<()> {
        say(self.link, &Ok(Word::Listening(addresses)))
    }
}

/// A client's side.
pub struct ClientSeat<'l> {
    /// Its number among the clients.
    pub index: usize,
    /// How many clients there are.
    pub clients: usize,
    /// Where the server listens for it.
    pub address: &'l str,
    /// The link to the near side.
    pub link: &'l Link,
}

impl ClientSeat<'_> {
    /// Says that this client is connected, and waits until all others are. Its calls begin then.
    pub fn connected(&self) -> Result<Calls> {
        say(self.link, &Ok(Word::Connected))?;
        let window: Window = self.link.receive()?.context("the near side is gone")?;
        Calls::begin(self.index, window)
    }
}

/// Tells the near side, which reads such words with [`Team::hear`](crate::process::team::Team::hear).
pub fn say(link: &Link, word: &Result<Word, String>) -> Result<()> {
    link.send(word)
}
