//! The name of an object.

use crate::types::status::Status;
use std::fmt;
use std::str::FromStr;

/// The bytes of a name, the closing NUL included (`ZX_MAX_NAME_LEN`).
const CAPACITY: usize = jacinth_shm::MAX_NAME_BYTES;

/// An object's name: up to 31 bytes, usually UTF-8, none of them NUL.
///
/// Follows `ZX_PROP_NAME` in `docs/syscalls/object_get_property.md`.
///
/// ```
/// use jacinth::{Name, Status};
///
/// let name: Name = "reader".parse()?;
/// assert_eq!(name, "reader");
/// assert_eq!(name, Name::new("reader")?);
/// assert_eq!(Name::try_from("a name of more than thirty-one bytes"), Err(Status::INVALID_ARGS));
/// assert_eq!(Name::new_lossy("a name of more than thirty-one bytes"), "a name of more than thirty-one ");
/// # Ok::<(), Status>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Name([u8; CAPACITY]);

impl Name {
    /// A name.
    ///
    /// # Errors
    /// [`Status::INVALID_ARGS`] for more than 31 bytes, or a NUL among them.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(Name::new("reader").unwrap(), "reader");
    /// assert_eq!(Name::new("with\0a NUL"), Err(Status::INVALID_ARGS));
    /// ```
    pub const fn new(text: &str) -> Result<Self, Status> {
        Self::from_bytes(text.as_bytes())
    }

    /// Leaves NULs out, and cuts `text` after 31 bytes, but never inside a character.
    ///
    /// ```
    /// # use jacinth::*;
    /// const NAME: Name = Name::new_lossy("with\0a NUL");
    /// assert_eq!(NAME, "witha NUL");
    /// ```
    #[must_use]
    pub const fn new_lossy(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut padded = [0; CAPACITY];
        let (mut from, mut to) = (0, 0);
        while from < bytes.len() {
            // The first byte of a character tells its length.
            let len = match bytes[from] {
                0..0x80 => 1,
                0x80..0xe0 => 2,
                0xe0..0xf0 => 3,
                0xf0.. => 4,
            };
            if bytes[from] == 0 {
                from += 1;
                continue;
            }
            if to + len >= CAPACITY {
                break;
            }
            let end = from + len;
            while from < end {
                padded[to] = bytes[from];
                from += 1;
                to += 1;
            }
        }
        Self(padded)
    }

    /// A name of any bytes.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(Name::from_bytes(b"reader"), Name::new("reader"));
    /// assert!(Name::from_bytes(&[b'x'; 32]).is_err());
    /// ```
    pub const fn from_bytes(bytes: &[u8]) -> Result<Self, Status> {
        if bytes.len() >= CAPACITY {
            return Err(Status::INVALID_ARGS);
        }
        let mut padded = [0; CAPACITY];
        let mut at = 0;
        while at < bytes.len() {
            if bytes[at] == 0 {
                return Err(Status::INVALID_ARGS);
            }
            padded[at] = bytes[at];
            at += 1;
        }
        Ok(Self(padded))
    }

    /// Leaves NULs out, and cuts after 31 bytes.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(Name::from_bytes_lossy(b"with\0a NUL"), "witha NUL");
    /// assert_eq!(Name::from_bytes(b"with\0a NUL"), Err(Status::INVALID_ARGS));
    /// ```
    #[must_use]
    pub const fn from_bytes_lossy(bytes: &[u8]) -> Self {
        let mut padded = [0; CAPACITY];
        let (mut from, mut to) = (0, 0);
        while from < bytes.len() && to < CAPACITY - 1 {
            if bytes[from] != 0 {
                padded[to] = bytes[from];
                to += 1;
            }
            from += 1;
        }
        Self(padded)
    }

    /// A name as objects keep it.
    pub(crate) fn from_padded(bytes: [u8; CAPACITY]) -> Self {
        Self(bytes)
    }

    /// The name, padded with NULs.
    pub(crate) fn as_padded(&self) -> &[u8; CAPACITY] {
        &self.0
    }

    /// The bytes before the first NUL.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(Name::new_lossy("reader").as_bytes(), b"reader");
    /// ```
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.split(|byte| *byte == 0).next().unwrap_or_default()
    }

    /// The number of bytes.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(Name::new_lossy("reader").len(), 6);
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether there are none.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert!(Name::default().is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }
}

impl FromStr for Name {
    type Err = Status;

    fn from_str(text: &str) -> Result<Self, Status> {
        Self::new(text)
    }
}

impl TryFrom<&str> for Name {
    type Error = Status;

    fn try_from(text: &str) -> Result<Self, Status> {
        Self::new(text)
    }
}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialEq<&str> for Name {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

impl PartialEq<Name> for str {
    fn eq(&self, other: &Name) -> bool {
        other == self
    }
}

impl PartialEq<Name> for &str {
    fn eq(&self, other: &Name) -> bool {
        other == self
    }
}

/// As a text. Bytes that are no text cannot be told so.
#[cfg(feature = "serde")]
impl serde::Serialize for Name {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = std::str::from_utf8(self.as_bytes()).map_err(serde::ser::Error::custom)?;
        serializer.serialize_str(text)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Name {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&String::from_utf8_lossy(self.as_bytes()))
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&String::from_utf8_lossy(self.as_bytes()), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_between_characters() {
        assert_eq!(Name::new_lossy("short"), "short");
        assert_eq!(Name::new_lossy(&"ä".repeat(20)), "ä".repeat(15).as_str());
        assert_eq!(Name::new_lossy(&"x".repeat(40)).len(), 31);
        assert_eq!(Name::new_lossy(&"\u{20ac}".repeat(20)), "\u{20ac}".repeat(10).as_str());
        assert_eq!(Name::new_lossy(&"\u{1f980}".repeat(20)), "\u{1f980}".repeat(7).as_str());
        assert_eq!(Name::new_lossy(&format!("{}\u{1f980}y", "x".repeat(28))), "x".repeat(28).as_str());
        assert_eq!(Name::from_bytes_lossy(&[b'x'; 40]).len(), 31);
    }

    #[test]
    fn a_nul_is_refused_or_left_out() {
        assert_eq!(Name::new("before\0after"), Err(Status::INVALID_ARGS));
        assert_eq!(Name::new_lossy("before\0after"), "beforeafter");
        assert_eq!(Name::from_bytes_lossy(b"a\0b"), "ab");
    }

    #[test]
    fn thirty_one_bytes_fit() {
        let longest = "x".repeat(31);
        assert_eq!(Name::new(&longest).unwrap(), longest.as_str());
        assert_eq!(Name::new(&"x".repeat(32)), Err(Status::INVALID_ARGS));
        assert_eq!(longest.parse::<Name>().unwrap().to_string(), longest);
    }

    #[test]
    fn an_empty_name_is_the_default() {
        assert!(Name::default().is_empty());
        assert_eq!("", Name::new("").unwrap());
    }

    #[test]
    fn invalid_utf8_shows_a_replacement_character() {
        let name = Name::from_bytes(b"a\xff").unwrap();
        assert_eq!(name.as_bytes(), b"a\xff");
        assert_eq!(format!("{name} {name:?}"), "a\u{fffd} \"a\u{fffd}\"");
    }
}
