//! Properties of objects. So far: the name.

/// An object's name: up to 31 bytes of UTF-8.
///
/// Follows `ZX_PROP_NAME` in `docs/syscalls/object_get_property.md`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Name([u8; jacinth_shm::MAX_NAME_BYTES]);

impl Name {
    /// A name as objects keep it.
    pub(crate) fn from_padded(bytes: [u8; jacinth_shm::MAX_NAME_BYTES]) -> Self {
        Self(bytes)
    }

    /// The name, padded with NULs.
    pub(crate) fn as_padded(&self) -> &[u8; jacinth_shm::MAX_NAME_BYTES] {
        &self.0
    }

    /// Cuts `text` after 31 bytes, as Zircon does, but never inside a character; and before a NUL.
    pub fn new_lossy(text: &str) -> Self {
        let text = text.split('\0').next().unwrap_or_default();
        let end = text.floor_char_boundary(jacinth_shm::MAX_NAME_BYTES - 1);
        let mut bytes = [0; jacinth_shm::MAX_NAME_BYTES];
        bytes[..end].copy_from_slice(&text.as_bytes()[..end]);
        Self(bytes)
    }

    /// The bytes before the first NUL.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.split(|byte| *byte == 0).next().unwrap_or_default()
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.as_bytes()))
    }
}

impl std::fmt::Debug for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(self.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_between_characters_and_at_a_nul() {
        assert_eq!(Name::new_lossy("short").to_string(), "short");
        assert_eq!(Name::new_lossy("before\0after").to_string(), "before");
        let long = "ä".repeat(20);
        assert_eq!(Name::new_lossy(&long).to_string(), "ä".repeat(15));
        assert_eq!(Name::new_lossy(&"x".repeat(40)).as_bytes().len(), 31);
    }
}
