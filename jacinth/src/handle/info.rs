//! Information on a handle.

use crate::types::koid::Koid;
use crate::types::object_type::ObjectType;
use crate::types::rights::Rights;

/// Information on a handle and its object (`zx_info_handle_basic_t`).
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (ours, theirs) = EventPair::create();
/// let HandleBasicInfo { koid, rights, object_type, related_koid } = ours.basic_info()?;
/// assert_eq!((object_type, rights), (ObjectType::EVENTPAIR, Rights::EVENTPAIR_DEFAULT));
/// assert_eq!(theirs.basic_info()?.related_koid, koid);
/// assert_eq!(theirs.koid()?, related_koid);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HandleBasicInfo {
    /// The object's koid. The two sides of a pair have one each.
    pub koid: Koid,
    /// The rights of the handle.
    pub rights: Rights,
    /// The object's type.
    pub object_type: ObjectType,
    /// The koid of the other side, or [`Koid::INVALID`]. It stays when the other side is gone.
    pub related_koid: Koid,
}

impl HandleBasicInfo {
    pub(crate) fn from_raw(basic: jacinth_shm::Basic) -> Self {
        Self {
            koid: Koid::from_raw(basic.koid),
            rights: basic.rights.into(),
            object_type: ObjectType::from_raw(basic.class.number().into()),
            related_koid: Koid::from_raw(basic.related_koid),
        }
    }
}

/// How many handles an object has (`zx_info_handle_count_t`).
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// assert_eq!(Event::create().count_info()?, HandleCountInfo { handle_count: 1 });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HandleCountInfo {
    /// The number of handles, those in transit included.
    pub handle_count: u32,
}
