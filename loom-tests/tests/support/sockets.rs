//! Sockets for the models: a direction holds 8 bytes, its first ring 4, and three items have places.

use super::ALL;
use jacinth_shm_loom::{HandleValue, Result, SocketOptions, Taking, Thread};
use std::mem::MaybeUninit;

/// Plain sockets, of bytes.
pub const STREAM: SocketOptions = SocketOptions::empty();

/// A socket.
pub fn create_socket(thread: &Thread, options: SocketOptions) -> [HandleValue; 2] {
    let (near, far) = thread.socket_create(options, ALL).unwrap();
    [near, far]
}

/// Writes as many of these bytes as there is room for, or a datagram.
pub fn send(thread: &Thread, socket: HandleValue, bytes: &[u8]) -> Result<usize> {
    thread.socket_write(socket, ALL, bytes)
}

fn take(thread: &Thread, socket: HandleValue, taking: Taking, most: usize) -> Result<Vec<u8>> {
    let mut out = vec![MaybeUninit::uninit(); most];
    let many = thread.socket_read(socket, ALL, taking, &mut out)?;
    // SAFETY: so many bytes were read.
    Ok(out[..many].iter().map(|byte| unsafe { byte.assume_init() }).collect())
}

/// Reads up to so many bytes, or a datagram.
pub fn receive(thread: &Thread, socket: HandleValue, most: usize) -> Result<Vec<u8>> {
    take(thread, socket, Taking::Consume, most)
}

/// The same, and leaves them there.
pub fn peek(thread: &Thread, socket: HandleValue, most: usize) -> Result<Vec<u8>> {
    take(thread, socket, Taking::Peek, most)
}

/// Reads all bytes that are there.
pub fn receive_all(thread: &Thread, socket: HandleValue) -> Vec<u8> {
    std::iter::from_fn(|| receive(thread, socket, 8).ok()).flatten().collect()
}

/// Reads all datagrams that are there.
pub fn receive_each(thread: &Thread, socket: HandleValue) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| receive(thread, socket, 8).ok()).collect()
}

/// Writes a message to the control plane.
pub fn send_control(thread: &Thread, socket: HandleValue, bytes: &[u8]) -> Result<()> {
    thread.socket_write_control(socket, ALL, bytes)
}

/// Reads the message in the control plane.
pub fn receive_control(thread: &Thread, socket: HandleValue, taking: Taking) -> Result<Vec<u8>> {
    let mut out = [0; 8];
    let many = thread.socket_read_control_bytes(socket, ALL, taking, &mut out)?;
    Ok(out[..many].to_vec())
}
