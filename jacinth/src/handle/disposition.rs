//! Handles in messages: information on one that came, and instructions for one that goes.

use crate::handle::borrowed::HandleRef;
use crate::handle::nullable::NullableHandle;
use crate::raw;
use crate::types::object_type::ObjectType;
use crate::types::rights::Rights;
use crate::types::status::Status;
use crate::types::sys;

/// A handle that came in a message, with its type and rights (`zx_handle_info_t`).
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let info = HandleInfo::new(Event::create().into(), ObjectType::EVENT, Rights::EVENT_DEFAULT);
/// assert_eq!(info.handle.basic_info()?.object_type, info.object_type);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping it closes its handle"]
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HandleInfo {
    /// The handle.
    pub handle: NullableHandle,
    /// The type of its object.
    pub object_type: ObjectType,
    /// The rights it carries.
    pub rights: Rights,
}

impl HandleInfo {
    /// A handle with its type and rights.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (value, rights) = (Event::create().into_handle(), Rights::EVENT_DEFAULT);
    /// let info = HandleInfo::new(value, ObjectType::EVENT, rights);
    /// assert_eq!(info.rights, rights);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn new(handle: NullableHandle, object_type: ObjectType, rights: Rights) -> Self {
        Self { handle, object_type, rights }
    }

    /// A handle that came by way of numbers, as [`NullableHandle::from_raw`] takes one. (In Zircon's `zx` this is unsafe.)
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let info = HandleInfo::from_raw(sys::zx_handle_info_t {
    ///     handle: Event::create().into_raw(),
    ///     ty: sys::ZX_OBJ_TYPE_EVENT,
    ///     rights: Rights::EVENT_DEFAULT.bits(),
    ///     unused: 0,
    /// });
    /// assert_eq!(info.handle.basic_info()?.object_type, info.object_type);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn from_raw(raw: sys::zx_handle_info_t) -> Self {
        Self::new(
            NullableHandle::from_raw(raw.handle),
            ObjectType::from_raw(raw.ty),
            Rights::from_bits_retain(raw.rights),
        )
    }

    pub(crate) fn from_received(received: raw::Received) -> Self {
        Self {
            handle: NullableHandle::from_raw(received.value.0),
            object_type: ObjectType::from_raw(received.class.number().into()),
            rights: received.rights.into(),
        }
    }

    /// The rest of a handle that was taken.
    pub(crate) const fn none() -> Self {
        Self::new(NullableHandle::invalid(), ObjectType::NONE, Rights::NONE)
    }
}

/// The operation of [`write_etc`](crate::Channel::write_etc) on a handle.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let event = Event::create();
/// let lent = HandleOp::Duplicate(event.as_handle_ref());
/// let given = HandleOp::Move(event.duplicate(Rights::WAIT)?.into());
/// assert_ne!(lent, given);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HandleOp<'a> {
    /// The handle itself goes.
    Move(NullableHandle),
    /// A duplicate goes, and the handle stays. It needs [`Rights::DUPLICATE`].
    Duplicate(HandleRef<'a>),
}

/// A handle to be sent: moved or duplicated, checked, and with which rights (`zx_handle_disposition_t`).
///
/// Late-2018 Zircon has no such calls; the meaning is that of today's `zx_channel_write_etc`.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (ours, theirs) = Channel::create();
/// let event = Event::create();
/// let lend = HandleDisposition::new(
///     HandleOp::Duplicate(event.as_handle_ref()),
///     ObjectType::EVENT, // Or NONE, for any.
///     Rights::WAIT,      // Or SAME_RIGHTS.
///     Status::OK,
/// );
/// ours.write_etc(b"watch this", &mut [lend])?;
///
/// let mut message = MessageBufEtc::new();
/// theirs.read_etc(&mut message)?;
/// assert_eq!(message.take_handle_info(0).unwrap().rights, Rights::WAIT);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HandleDisposition<'a> {
    operation: HandleOp<'a>,
    /// The type that the object must have; [`ObjectType::NONE`] for any.
    pub object_type: ObjectType,
    /// The rights of the handle that arrives; [`Rights::SAME_RIGHTS`] for those of the handle that goes.
    pub rights: Rights,
    /// Why this handle could not go: filled in by a write that fails.
    pub result: Status,
}

impl<'a> HandleDisposition<'a> {
    /// A handle to be sent.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let event = Event::create();
    /// let lent = HandleOp::Duplicate(event.as_handle_ref());
    /// let lent = HandleDisposition::new(lent, ObjectType::EVENT, Rights::WAIT, Status::OK);
    /// assert_eq!((lent.object_type, lent.rights), (ObjectType::EVENT, Rights::WAIT));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn new(operation: HandleOp<'a>, object_type: ObjectType, rights: Rights, result: Status) -> Self {
        Self { operation, object_type, rights, result }
    }

    /// The value of the handle; 0 when it is gone.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let event = Event::create();
    /// let lent = HandleOp::Duplicate(event.as_handle_ref());
    /// let lent = HandleDisposition::new(lent, ObjectType::EVENT, Rights::WAIT, Status::OK);
    /// assert_eq!(lent.raw_handle(), event.raw_handle());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn raw_handle(&self) -> u32 {
        match &self.operation {
            HandleOp::Move(handle) => handle.raw_handle(),
            HandleOp::Duplicate(handle) => handle.raw_handle(),
        }
    }

    /// Whether the handle itself goes.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let event = Event::create();
    /// let lent = HandleOp::Duplicate(event.as_handle_ref());
    /// let lent = HandleDisposition::new(lent, ObjectType::EVENT, Rights::WAIT, Status::OK);
    /// assert!(!lent.is_move());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_move(&self) -> bool {
        matches!(self.operation, HandleOp::Move(_))
    }

    /// Whether a duplicate goes.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let event = Event::create();
    /// let lent = HandleOp::Duplicate(event.as_handle_ref());
    /// let lent = HandleDisposition::new(lent, ObjectType::EVENT, Rights::WAIT, Status::OK);
    /// assert!(lent.is_duplicate());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_duplicate(&self) -> bool {
        matches!(self.operation, HandleOp::Duplicate(_))
    }

    /// Takes the handle out. A handle that was to be moved leaves an invalid one behind; one that was to be duplicated
    /// stays lent.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let event = Event::create();
    /// let mut moved = HandleDisposition::new(
    ///     HandleOp::Move(event.into()),
    ///     ObjectType::NONE,
    ///     Rights::SAME_RIGHTS,
    ///     Status::OK,
    /// );
    /// assert!(moved.is_move() && !moved.is_duplicate());
    /// assert!(matches!(moved.take_op(), HandleOp::Move(handle) if !handle.is_invalid()));
    /// assert_eq!(moved.raw_handle(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn take_op(&mut self) -> HandleOp<'a> {
        match &mut self.operation {
            HandleOp::Move(handle) => HandleOp::Move(std::mem::take(handle)),
            HandleOp::Duplicate(handle) => HandleOp::Duplicate(handle.clone()),
        }
    }

    /// Gives everything out as numbers. A handle that was to be moved stays open until it is closed by its value.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let moved = HandleOp::Move(Event::create().into());
    /// let moved = HandleDisposition::new(moved, ObjectType::EVENT, Rights::WAIT, Status::OK).into_raw();
    /// assert_eq!((moved.operation, moved.type_), (sys::ZX_HANDLE_OP_MOVE, sys::ZX_OBJ_TYPE_EVENT));
    /// raw::close(moved.handle)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn into_raw(self) -> sys::zx_handle_disposition_t {
        let (operation, handle) = match self.operation {
            HandleOp::Move(handle) => (sys::ZX_HANDLE_OP_MOVE, handle.into_raw()),
            HandleOp::Duplicate(handle) => (sys::ZX_HANDLE_OP_DUPLICATE, handle.raw_handle()),
        };
        sys::zx_handle_disposition_t {
            operation,
            handle,
            type_: self.object_type.into_raw(),
            rights: self.rights.bits(),
            result: self.result.into_raw(),
        }
    }

    pub(crate) fn operation_mut(&mut self) -> &mut HandleOp<'a> {
        &mut self.operation
    }

    pub(crate) fn to_raw(&self) -> raw::Disposition {
        raw::Disposition {
            handle: self.raw_handle(),
            is_move: self.is_move(),
            object_type: self.object_type,
            rights: self.rights,
            result: self.result,
        }
    }
}
