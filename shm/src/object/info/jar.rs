//! The word of a cookie jar: whether the jar has a cookie, and which of its words has it.
//!
//! ```text
//!  63        62         61            0
//!  │ SETTING │ REPLACED │ koid, or tag │
//! ```
//!
//! | SETTING | REPLACED | below | the jar |
//! |---|---|---|---|
//! | 0 | any | another koid than the side's | is empty: what stands in it is of an earlier object of the slot |
//! | 1 | 0 | a tag | is being given its first cookie by the thread with this tag. Any thread may complete that |
//! | 0 | 0 | the side's koid | has its first cookie, in the word `first` |
//! | 0 | 1 | the side's koid | has a later cookie, in the word `latest` |
//!
//! In the life of an object the word goes down this table, and never up. So no value comes back, and a CAS of the exact
//! word fails for a thread that comes too late.

use crate::arena::word::reference::Tag;
use crate::arena::word::{Field, debug_as_fields};

/// A value of the word of a jar.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct JarWord(pub(crate) u64);

debug_as_fields!(JarWord { setter, is_replaced, koid });

/// The states of a jar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JarState {
    Empty,
    Setting(Tag),
    First,
    Replaced,
}

impl JarWord {
    const SETTING: Field<63, 1> = Field;
    const REPLACED: Field<62, 1> = Field;
    const KOID: Field<0, 62> = Field;
    const TAG: Field<0, 12> = Field;

    /// The thread with this tag is setting the first cookie.
    pub(crate) fn setting(tag: Tag) -> Self {
        Self(Self::SETTING.of(1) | Self::TAG.of(tag.0.into()))
    }

    /// The side with this koid has its first cookie.
    pub(crate) fn first(koid: u64) -> Self {
        Self(Self::KOID.of(koid))
    }

    /// The side with this koid has a later cookie.
    pub(crate) fn replaced(koid: u64) -> Self {
        Self(Self::REPLACED.of(1) | Self::KOID.of(koid))
    }

    /// The state of the jar of the side with this koid.
    pub(crate) fn state(self, koid: u64) -> JarState {
        if let Some(tag) = self.setter() {
            JarState::Setting(tag)
        } else if self.koid() != Self::KOID.get(koid) {
            JarState::Empty
        } else if self.is_replaced() {
            JarState::Replaced
        } else {
            JarState::First
        }
    }

    fn setter(self) -> Option<Tag> {
        (Self::SETTING.get(self.0) != 0).then(|| Tag(Self::TAG.get(self.0) as u16))
    }

    fn is_replaced(self) -> bool {
        Self::REPLACED.get(self.0) != 0
    }

    fn koid(self) -> u64 {
        Self::KOID.get(self.0)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn other_koids_leave_a_jar_empty() {
        for word in [JarWord(0), JarWord::first(1024), JarWord::replaced(1024)] {
            assert_eq!(word.state(1025), JarState::Empty, "{word:?}");
        }
        assert_eq!(JarWord::first(1024).state(1024), JarState::First);
        assert_eq!(JarWord::replaced(1024).state(1024), JarState::Replaced);
    }

    #[test]
    fn tags_are_never_taken_for_koids() {
        let word = JarWord::setting(Tag(1024));
        assert_eq!(word.state(1024), JarState::Setting(Tag(1024)));
        assert_ne!(word, JarWord::setting(Tag(1025)));
    }

    #[test]
    fn debug_shows_the_fields() {
        let shown = format!("{:?}", JarWord::replaced(77));
        assert!(shown.contains("setter: None, is_replaced: true, koid: 77"), "{shown}");
    }
}
