//! What a survivor sets up for one victim, and looks at afterwards.

use super::room::Room;
use super::{End, Seen};
use jacinth::*;
use std::sync::Arc;

/// One thread of the survivor, asleep when the victim dies.
#[derive(Clone, Copy, Debug)]
pub struct Sleep {
    /// What it waits on.
    pub on: u32,
    /// What it waits for.
    pub signals: Signals,
    /// What the victim sets by the very change that clears these signals again: where this is asserted, they were.
    pub cleared_with: Signals,
}

/// Runs beside the victim, given its number, until the victim is gone.
pub type Partner = Box<dyn FnOnce(i32) + Send>;

/// The survivor's side of one round.
pub struct Scene {
    /// The survivor's end of the line to the victim.
    pub line: Arc<Channel>,
    /// The other end.
    pub startup: Option<Handle>,
    /// The sides that the survivor keeps of event pairs whose other sides the victim was given.
    pub peers: Vec<EventPair>,
    /// What else the survivor keeps.
    pub kept: Vec<Handle>,
    /// Who is asleep when the victim dies.
    pub sleepers: Vec<Sleep>,
    /// Who answers the victim.
    pub partner: Option<Partner>,
    /// What the survivor could make before.
    room: Option<Room>,
}

impl Scene {
    /// A line, and a sleeper at its end.
    pub fn new() -> Self {
        let (ours, theirs) = Channel::create().expect("a channel for the line");
        let mut scene = Self {
            line: Arc::new(ours),
            startup: Some(theirs.into()),
            peers: Vec::new(),
            kept: Vec::new(),
            sleepers: Vec::new(),
            partner: None,
            room: None,
        };
        let line = scene.line.clone();
        scene.sleep(&*line, Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED);
        scene
    }

    /// A line whose sleeper waits for its end alone: for operations that find messages pending, and for those whose
    /// partner reads.
    pub fn patient() -> Self {
        let mut scene = Self::new();
        scene.sleepers[0].signals = Signals::CHANNEL_PEER_CLOSED;
        scene
    }

    /// The same as [`new`](Self::new), with note taken of what the survivor can make.
    pub fn with_room() -> Self {
        let mut scene = Self::new();
        scene.room = Some(Room::now());
        scene
    }

    /// Somebody sleeps on the object when the victim dies.
    pub fn sleep(&mut self, on: &impl AsHandleRef, signals: Signals) {
        self.sleep_on(on.raw_handle(), signals);
    }

    /// The same, by the handle's value.
    pub fn sleep_on(&mut self, on: u32, signals: Signals) {
        self.sleepers.push(Sleep { on, signals, cleared_with: Signals::NONE });
    }

    /// Somebody sleeps until there is a pulse of `signals`, which ends with the setting of `cleared_with`.
    pub fn sleep_until_pulse(&mut self, on: u32, signals: Signals, cleared_with: Signals) {
        self.sleepers.push(Sleep { on, signals, cleared_with });
    }

    /// The survivor can make what it could, but for so many objects and huge messages that it has made since and keeps.
    pub fn has_room(&self, objects: usize, messages: usize) -> Seen {
        self.room.ok_or("the scene has taken no note of the room")?.is_there_again(objects, messages)
    }

    /// One side of each of `number` new event pairs; the other sides are kept.
    pub fn sides(&mut self, number: usize) -> Vec<Handle> {
        let pairs = (0..number).map(|_| EventPair::create().expect("an event pair"));
        let (ours, theirs): (Vec<_>, Vec<_>) = pairs.unzip();
        self.peers.extend(ours);
        theirs.into_iter().map(Handle::from).collect()
    }

    /// Sends the victim sides of `number` event pairs.
    pub fn give_sides(&mut self, number: usize) {
        let sides = self.sides(number);
        self.give(sides);
    }

    /// Sends the victim these handles.
    pub fn give(&self, mut handles: Vec<Handle>) {
        self.line.write(b"given", &mut handles).expect("there is room on the line");
    }

    /// The victim's last message came whole with all its handles, or not at all; nothing came after it.
    pub fn whole_or_none(&self, end: End, bytes: &[u8], handles: usize) -> Seen {
        let mut message = MessageBuf::new();
        match self.line.read(&mut message) {
            Ok(()) => {
                self.is_whole(&message, bytes, handles)?;
                message.clear();
            }
            Err(Status::PEER_CLOSED) if end == End::Killed => {}
            Err(status) => return Err(format!("reading what the victim has sent: {status}")),
        }
        self.nothing_more()
    }

    /// The message is what the victim meant to send, and its handles work.
    pub fn is_whole(&self, message: &MessageBuf, bytes: &[u8], handles: usize) -> Seen {
        if message.bytes() != bytes {
            return Err(format!("a message of {} bytes came other than it was sent", message.bytes().len()));
        }
        if message.n_handles() != handles {
            return Err(format!("a message came with {} handles instead of {handles}", message.n_handles()));
        }
        for (index, (info, peer)) in message.handle_infos().zip(&self.peers).enumerate() {
            let side =
                EventPair::from(info.handle.duplicate(Rights::SAME_RIGHTS).map_err(|status| {
                    format!("handle {index} of the message cannot be duplicated: {status}")
                })?);
            let told = side.signal_peer(Signals::NONE, Signals::USER_5);
            if told.is_err() || !seen(peer).contains(Signals::USER_5) {
                return Err(format!("handle {index} of the message does not reach its peer: {told:?}"));
            }
        }
        Ok(())
    }

    /// The line has closed and holds no message.
    pub fn nothing_more(&self) -> Seen {
        match self.line.read(&mut MessageBuf::new()) {
            Err(Status::PEER_CLOSED) => Ok(()),
            Ok(()) => Err("there was a message too many".into()),
            Err(status) => Err(format!("the line gives {status} instead of PEER_CLOSED")),
        }
    }
}

/// The victim's end of the line.
pub fn startup() -> Channel {
    take_startup_handle().expect("a startup handle").into()
}

/// The handles of the next message that the survivor has sent.
pub fn given(line: &Channel) -> Vec<Handle> {
    let mut message = MessageBuf::new();
    line.read(&mut message).expect("the survivor has sent something");
    (0..message.n_handles()).filter_map(|index| message.take_handle(index)).collect()
}

/// The signals that the object asserts now.
pub fn seen(object: &impl AsHandleRef) -> Signals {
    raw::wait_one(object.raw_handle(), Signals::NONE, MonotonicInstant::INFINITE_PAST).1
}
