//! The types of objects.
//!
//! The numbers are Zircon's whole list, including types that only make sense with hardware: an inspector must
//! be able to name every number it meets, and a number must never change its meaning.
//!
//! - INV-TYPE-1: each type is written once, in the table below; the gaps in the numbering are Zircon's and
//!   stay gaps. Types that Zircon does not have begin at 128.
//!
//! Follows `docs/objects.md` and `zx_obj_type_t` in `zircon/types.h`.

use std::fmt::{self, Write};

/// The type of an object, Zircon's `zx_obj_type_t`.
///
/// A number, not an enum, so that a type unknown here can still be carried and shown. `Debug` shows Zircon's
/// name, `Display` a short one for people.
///
/// ```
/// use jacinth::ObjectType;
///
/// let object_type = ObjectType::from_raw(4);
/// assert_eq!(object_type, ObjectType::CHANNEL);
/// assert_eq!(object_type.name(), Some("ZX_OBJ_TYPE_CHANNEL"));
/// assert_eq!(object_type.to_string(), "channel");
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[repr(transparent)]
pub struct ObjectType(u32);

/// The text that Zircon puts in front of a type's name.
macro_rules! prefix {
    () => {
        "ZX_OBJ_TYPE_"
    };
}

impl ObjectType {
    /// The name that Fuchsia's `zx` has for [`LOG`](Self::LOG).
    pub const DEBUGLOG: Self = Self::LOG;

    /// The type with this number. Every number is accepted; one without a name is kept as it is.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(ObjectType::from_raw(4), ObjectType::CHANNEL);
    /// ```
    #[must_use]
    pub const fn from_raw(raw: u32) -> Self {
        Self(raw)
    }

    /// The number, Zircon's `zx_obj_type_t`.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(ObjectType::CHANNEL.into_raw(), 4);
    /// ```
    #[must_use]
    pub const fn into_raw(self) -> u32 {
        self.0
    }
}

/// The text in front of a type that Zircon does not have.
macro_rules! own_prefix {
    () => {
        "JACINTH_OBJ_TYPE_"
    };
}

/// Writes the table out as constants and as [`ObjectType::name`]. Types of jacinth's own come last.
macro_rules! object_types {
    (
        zircon { $( $NAME:ident = $raw:literal, $what:literal; )+ }
        own { $( $OWN:ident = $own_raw:literal, $own_what:literal; )+ }
    ) => {
        impl ObjectType {
            $(
                #[doc = concat!("`", prefix!(), stringify!($NAME), "`, ", $raw, ": ", $what, ".")]
                pub const $NAME: Self = Self($raw);
            )+
            $(
                #[doc = concat!("`", own_prefix!(), stringify!($OWN), "`, ", $own_raw, ": ", $own_what, ".")]
                pub const $OWN: Self = Self($own_raw);
            )+

            /// Zircon's name for this type, in full (`"ZX_OBJ_TYPE_EVENT"`), or that of C for a type that Zircon does not
            /// have (`"JACINTH_OBJ_TYPE_LISTENER"`); `None` for a number that has none.
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $( Self::$NAME => Some(concat!(prefix!(), stringify!($NAME))), )+
                    $( Self::$OWN => Some(concat!(own_prefix!(), stringify!($OWN))), )+
                    _ => None,
                }
            }
        }
    };
}

object_types! {
    zircon {
        NONE = 0, "no type; where a type is asked for, any";
        PROCESS = 1, "a process";
        THREAD = 2, "a thread";
        VMO = 3, "a virtual memory object";
        CHANNEL = 4, "one end of a channel";
        EVENT = 5, "an event";
        PORT = 6, "a port";
        INTERRUPT = 9, "an interrupt";
        PCI_DEVICE = 11, "a PCI device";
        LOG = 12, "a debug log";
        SOCKET = 14, "one end of a socket";
        RESOURCE = 15, "a resource";
        EVENTPAIR = 16, "one end of an eventpair";
        JOB = 17, "a job";
        VMAR = 18, "a virtual memory address region";
        FIFO = 19, "one end of a fifo";
        GUEST = 20, "a virtual machine";
        VCPU = 21, "a processor of a virtual machine";
        TIMER = 22, "a timer";
        IOMMU = 23, "an IOMMU";
        BTI = 24, "a bus transaction initiator";
        PROFILE = 25, "a scheduling profile";
        PMT = 26, "a pinned memory token";
        SUSPEND_TOKEN = 27, "a suspend token: the thread stays suspended while it exists";
        PAGER = 28, "a pager";
    }
    own {
        DIRECTORY = 128, "a directory: names to meet by";
        LISTENER = 129, "a listener: the server's side of a name";
        BUFFER = 130, "a buffer: bytes that are written once";
    }
}

impl fmt::Debug for ObjectType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "ObjectType({})", self.0),
        }
    }
}

impl fmt::Display for ObjectType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |name: &'static str| name.strip_prefix(prefix!()).or(name.strip_prefix(own_prefix!()));
        match self.name().and_then(short) {
            Some(short) => short.chars().try_for_each(|letter| f.write_char(letter.to_ascii_lowercase())),
            None => write!(f, "object type {}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers, written out a second time on purpose: a slip in the table above must disagree with this
    /// one.
    const ZIRCON: &[(u32, &str, ObjectType)] = &[
        (0, "ZX_OBJ_TYPE_NONE", ObjectType::NONE),
        (1, "ZX_OBJ_TYPE_PROCESS", ObjectType::PROCESS),
        (2, "ZX_OBJ_TYPE_THREAD", ObjectType::THREAD),
        (3, "ZX_OBJ_TYPE_VMO", ObjectType::VMO),
        (4, "ZX_OBJ_TYPE_CHANNEL", ObjectType::CHANNEL),
        (5, "ZX_OBJ_TYPE_EVENT", ObjectType::EVENT),
        (6, "ZX_OBJ_TYPE_PORT", ObjectType::PORT),
        (9, "ZX_OBJ_TYPE_INTERRUPT", ObjectType::INTERRUPT),
        (11, "ZX_OBJ_TYPE_PCI_DEVICE", ObjectType::PCI_DEVICE),
        (12, "ZX_OBJ_TYPE_LOG", ObjectType::LOG),
        (14, "ZX_OBJ_TYPE_SOCKET", ObjectType::SOCKET),
        (15, "ZX_OBJ_TYPE_RESOURCE", ObjectType::RESOURCE),
        (16, "ZX_OBJ_TYPE_EVENTPAIR", ObjectType::EVENTPAIR),
        (17, "ZX_OBJ_TYPE_JOB", ObjectType::JOB),
        (18, "ZX_OBJ_TYPE_VMAR", ObjectType::VMAR),
        (19, "ZX_OBJ_TYPE_FIFO", ObjectType::FIFO),
        (20, "ZX_OBJ_TYPE_GUEST", ObjectType::GUEST),
        (21, "ZX_OBJ_TYPE_VCPU", ObjectType::VCPU),
        (22, "ZX_OBJ_TYPE_TIMER", ObjectType::TIMER),
        (23, "ZX_OBJ_TYPE_IOMMU", ObjectType::IOMMU),
        (24, "ZX_OBJ_TYPE_BTI", ObjectType::BTI),
        (25, "ZX_OBJ_TYPE_PROFILE", ObjectType::PROFILE),
        (26, "ZX_OBJ_TYPE_PMT", ObjectType::PMT),
        (27, "ZX_OBJ_TYPE_SUSPEND_TOKEN", ObjectType::SUSPEND_TOKEN),
        (28, "ZX_OBJ_TYPE_PAGER", ObjectType::PAGER),
        (128, "JACINTH_OBJ_TYPE_DIRECTORY", ObjectType::DIRECTORY),
        (129, "JACINTH_OBJ_TYPE_LISTENER", ObjectType::LISTENER),
        (130, "JACINTH_OBJ_TYPE_BUFFER", ObjectType::BUFFER),
    ];

    #[test]
    fn every_type_has_zircons_number_and_name() {
        for &(raw, name, object_type) in ZIRCON {
            assert_eq!(object_type.into_raw(), raw, "{name}");
            assert_eq!(object_type.name(), Some(name), "{raw}");
            assert_eq!(format!("{object_type:?}"), name);
        }
        assert_eq!(ObjectType::default(), ObjectType::NONE);
    }

    #[test]
    fn no_other_number_has_a_name() {
        let named = (0..=1000).filter(|&raw| ObjectType::from_raw(raw).name().is_some()).count();
        assert_eq!(named, ZIRCON.len());
    }

    #[test]
    fn display_is_the_lower_case_name() {
        assert_eq!(ObjectType::VMO.to_string(), "vmo");
        assert_eq!(ObjectType::SUSPEND_TOKEN.to_string(), "suspend_token");
    }

    #[test]
    fn an_unknown_type_shows_its_number() {
        for raw in [7, 8, 10, 13, 29, u32::MAX] {
            let object_type = ObjectType::from_raw(raw);
            assert_eq!(object_type.into_raw(), raw);
            assert_eq!(object_type.name(), None);
            assert_eq!(format!("{object_type:?}"), format!("ObjectType({raw})"));
            assert_eq!(object_type.to_string(), format!("object type {raw}"));
        }
    }

    #[test]
    fn types_have_the_layout_of_u32() {
        assert_eq!(size_of::<ObjectType>(), 4);
        assert_eq!(align_of::<ObjectType>(), 4);
    }
}
