//! Handles that are borrowed, and the traits that lend and convert them.

use crate::handle::nullable::NullableHandle;
use crate::handle::owned::Handle;
use crate::types::rights::Rights;
use crate::types::status::Status;
use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::Deref;

/// A borrowed owner of a handle: it has the operations of a `T`, and does not close.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let handle: NullableHandle = Event::create().into();
/// let event: Unowned<'_, Event> = Unowned::new(&handle);
/// event.signal(Signals::NONE, Signals::USER_0)?;
/// drop(event.clone());
/// assert_eq!(handle.count_info()?.handle_count, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Unowned<'a, T> {
    inner: ManuallyDrop<T>,
    lender: PhantomData<&'a T>,
}

/// A borrowed handle of any type.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// fn type_of(handle: HandleRef<'_>) -> Result<ObjectType, Status> {
///     Ok(handle.basic_info()?.object_type)
/// }
/// assert_eq!(type_of(Event::create().as_handle_ref())?, ObjectType::EVENT);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type HandleRef<'a> = Unowned<'a, NullableHandle>;

impl<'a, T: Into<NullableHandle>> Unowned<'a, T> {
    /// Borrows a handle from an owner, as a `T`.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let event = Event::create();
    /// let borrowed: Unowned<'_, Event> = Unowned::new(&event);
    /// assert_eq!(borrowed.koid(), event.koid());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new<U: AsHandleRef + From<NullableHandle>>(owner: &'a U) -> Self
    where
        T: From<U>,
    {
        // A second owner of the same value. It is never dropped, so it closes nothing.
        let copy = NullableHandle::from_raw(owner.as_handle_ref().raw_handle());
        Self { inner: ManuallyDrop::new(T::from(U::from(copy))), lender: PhantomData }
    }
}

impl<T: HandleBased> Unowned<'_, T> {
    /// Borrows a handle by its value, from an owner that is not seen here. See [`Handle::from_raw`].
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let event = Event::create();
    /// let borrowed: Unowned<'_, Event> = Unowned::from_raw_handle(event.raw_handle());
    /// borrowed.signal(Signals::NONE, Signals::USER_0)?; // Its drop closes nothing.
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn from_raw_handle(value: u32) -> Self {
        Self { inner: ManuallyDrop::new(T::from(NullableHandle::from_raw(value))), lender: PhantomData }
    }

    /// The handle's value.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let event = Event::create();
    /// assert_eq!(event.as_handle_ref().raw_handle(), event.raw_handle());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn raw_handle(&self) -> u32 {
        self.inner.as_handle_ref().inner.raw_handle()
    }
}

impl<'a> HandleRef<'a> {
    /// The same borrowed handle as a `T`. Its type is not checked.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let event = Event::create();
    /// let same: Unowned<'_, Event> = event.as_handle_ref().cast();
    /// assert_eq!(same.koid(), event.koid());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn cast<T: HandleBased>(self) -> Unowned<'a, T> {
        Unowned::from_raw_handle(self.inner.raw_handle())
    }
}

impl<T: Into<NullableHandle>> Deref for Unowned<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T: HandleBased> Clone for Unowned<'_, T> {
    fn clone(&self) -> Self {
        Self::from_raw_handle(self.raw_handle())
    }
}

/// Shows the owner.
impl<T: fmt::Debug> fmt::Debug for Unowned<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::fmt(&self.inner, f)
    }
}

/// Types that have a handle to lend.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// fn koids(objects: &[&dyn AsHandleRef]) -> Result<Vec<Koid>, Status> {
///     objects.iter().map(|object| object.as_handle_ref().koid()).collect()
/// }
/// let (event, (ours, _theirs)) = (Event::create(), Channel::create());
/// assert_eq!(koids(&[&event, &ours])?.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait AsHandleRef {
    /// The handle, borrowed.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// fn signals(object: &impl AsHandleRef) -> WaitResult {
    ///     object.as_handle_ref().wait_one(Signals::OBJECT_ALL, MonotonicInstant::INFINITE_PAST)
    /// }
    /// assert_eq!(signals(&Event::create()), WaitResult::TimedOut(Signals::NONE));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn as_handle_ref(&self) -> HandleRef<'_>;
}

impl AsHandleRef for Handle {
    fn as_handle_ref(&self) -> HandleRef<'_> {
        HandleRef::from_raw_handle(self.raw_handle())
    }
}

impl AsHandleRef for NullableHandle {
    fn as_handle_ref(&self) -> HandleRef<'_> {
        HandleRef { inner: ManuallyDrop::new(Self::from_raw(self.raw_handle())), lender: PhantomData }
    }
}

impl<T: AsHandleRef> AsHandleRef for Unowned<'_, T> {
    fn as_handle_ref(&self) -> HandleRef<'_> {
        self.inner.as_handle_ref()
    }
}

impl<T: AsHandleRef> AsHandleRef for &T {
    fn as_handle_ref(&self) -> HandleRef<'_> {
        (**self).as_handle_ref()
    }
}

/// Owners of one handle.
///
/// A type of a program's own that holds a handle may implement it too: it needs [`AsHandleRef`] and the two conversions.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// struct Doorbell(Event);
///
/// impl AsHandleRef for Doorbell {
///     fn as_handle_ref(&self) -> HandleRef<'_> {
///         self.0.as_handle_ref()
///     }
/// }
///
/// impl From<NullableHandle> for Doorbell {
///     fn from(handle: NullableHandle) -> Self {
///         Self(handle.into())
///     }
/// }
///
/// impl From<Doorbell> for NullableHandle {
///     fn from(bell: Doorbell) -> Self {
///         bell.0.into()
///     }
/// }
///
/// impl HandleBased for Doorbell {}
///
/// let bell = Doorbell(Event::create());
/// let button = bell.duplicate_handle(Rights::SIGNAL)?;
/// button.as_handle_ref().signal(Signals::NONE, Signals::USER_0)?;
/// let event: Event = bell.into_handle_based();
/// assert!(event.wait_one(Signals::USER_0, MonotonicInstant::INFINITE).is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait HandleBased: AsHandleRef + From<NullableHandle> + Into<NullableHandle> {
    /// Another handle to the same object; see [`Handle::duplicate`].
    ///
    /// # Errors
    /// Those of [`Handle::duplicate`].
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let event = Event::create();
    /// let observer: Event = event.duplicate_handle(Rights::WAIT)?;
    /// assert_eq!(observer.koid(), event.koid());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn duplicate_handle(&self, rights: Rights) -> Result<Self, Status> {
        self.as_handle_ref().duplicate(rights).map(Self::from)
    }

    /// This handle, with other rights; see [`Handle::replace`].
    ///
    /// # Errors
    /// Those of [`Handle::replace`].
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let observer: Event = Event::create().replace_handle(Rights::WAIT)?;
    /// assert_eq!(observer.basic_info()?.rights, Rights::WAIT);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn replace_handle(self, rights: Rights) -> Result<Self, Status> {
        let handle: NullableHandle = self.into();
        handle.replace(rights).map(Self::from)
    }

    /// The handle, without its type.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let handle: NullableHandle = Event::create().into_handle();
    /// assert_eq!(handle.basic_info()?.object_type, ObjectType::EVENT);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn into_handle(self) -> NullableHandle {
        self.into()
    }

    /// Gives the value out. It stays open until it is closed by value.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let value = HandleBased::into_raw(Event::create());
    /// raw::close(value)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn into_raw(self) -> u32 {
        self.into_handle().into_raw()
    }

    /// The handle as this type, unchecked: operations of the wrong type give [`Status::WRONG_TYPE`].
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let event = Event::from_handle(NullableHandle::invalid());
    /// assert_eq!(event.koid(), Err(Status::BAD_HANDLE));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    fn from_handle(handle: NullableHandle) -> Self {
        Self::from(handle)
    }

    /// The handle of this owner as another type, unchecked.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let channel: Channel = Event::create().into_handle_based();
    /// assert_eq!(channel.write(b"", &mut []), Err(Status::WRONG_TYPE));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn into_handle_based<T: HandleBased>(self) -> T {
        T::from_handle(self.into_handle())
    }

    /// The handle of another owner as this type, unchecked.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let channel = Channel::from_handle_based(Event::create());
    /// assert_eq!(channel.write(b"", &mut []), Err(Status::WRONG_TYPE));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn from_handle_based<T: HandleBased>(other: T) -> Self {
        Self::from_handle(other.into_handle())
    }

    /// Whether there is no handle in it.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// assert!(!Event::create().is_invalid_handle());
    /// assert!(Event::from(NullableHandle::invalid()).is_invalid_handle());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn is_invalid_handle(&self) -> bool {
        self.as_handle_ref().is_invalid()
    }
}

impl HandleBased for NullableHandle {}
