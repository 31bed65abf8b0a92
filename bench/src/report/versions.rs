//! The versions of the peers, as this program was built with them.

/// The peers that come from crates.io.
const PEERS: &[&str] = &[
    "iceoryx2",
    "ipc-channel",
    "crossbeam",
    "rtrb",
    "tokio",
    #[cfg(feature = "aeron")]
    "rusteron-client",
];

const LOCK: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock"));

/// Each peer with its version.
pub fn versions() -> impl Iterator<Item = (&'static str, &'static str)> {
    PEERS.iter().filter_map(|peer| Some((*peer, version_of(peer)?)))
}

fn version_of(package: &str) -> Option<&'static str> {
    let (_, after) = LOCK.split_once(&format!("name = \"{package}\"\nversion = \""))?;
    after.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_file_knows_every_peer() {
        assert_eq!(versions().count(), PEERS.len());
        assert!(versions().all(|(_, version)| version.starts_with(|first: char| first.is_ascii_digit())));
    }
}
