//! The kernel's objects: one file or folder an object, and one line in the table below.

pub mod futex;
pub mod task;
pub use futex::*;
use port::wait_async;
pub use task::*;

use crate::handle::{
    AsHandleRef, Handle, HandleBased, HandleRef, HasCookie, NullableHandle, Peered, TryFromHandleError,
    checked, handle_operations,
};
use crate::types::object_type::ObjectType;
use std::marker::PhantomData;

/// Implements traits without methods of their own for a type.
macro_rules! implement {
    ([] $Object:ident $(<$($Parameter:ident),+>)?) => {};
    ([$Trait:ident $(, $More:ident)*] $Object:ident $(<$($Parameter:ident),+>)?) => {
        impl $(<$($Parameter),+>)? $Trait for $Object $(<$($Parameter),+>)? {}
        implement!([$($More),*] $Object $(<$($Parameter),+>)?);
    };
}

/// Makes a type the owner of one handle: the operations of every object, the conversions, and the traits in the brackets
/// besides. A type with parameters has a [`PhantomData`] of a function of them behind the handle.
macro_rules! owner {
    ($Object:ident $(<$($Parameter:ident),+>)? = $TYPE:ident $traits:tt) => {
        impl $(<$($Parameter),+>)? $Object $(<$($Parameter),+>)? {
            /// The handle's value, which stays this owner's.
            ///
            /// ```
            /// # use jacinth::*;
            /// # let supervisor = Supervisor::create(&Config::default())?;
            /// let event = Event::create();
            /// raw::signal(event.raw_handle(), Signals::NONE, Signals::USER_0)?;
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            #[must_use]
            pub fn raw_handle(&self) -> u32 {
                self.0.raw_handle()
            }

            /// Gives the value out. It stays open until it is closed by value.
            ///
            /// ```
            /// # use jacinth::*;
            /// # let supervisor = Supervisor::create(&Config::default())?;
            /// let value = Event::create().into_raw();
            /// raw::close(value)?;
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            pub fn into_raw(self) -> u32 {
                self.0.into_raw()
            }

            pub(crate) fn from_value(value: u32) -> Self {
                Self::from(NullableHandle::from_raw(value))
            }
        }

        handle_operations!($Object $(<$($Parameter),+>)?);
        wait_async!($Object $(<$($Parameter),+>)?);

        impl $(<$($Parameter),+>)? AsHandleRef for $Object $(<$($Parameter),+>)? {
            fn as_handle_ref(&self) -> HandleRef<'_> {
                self.0.as_handle_ref()
            }
        }

        /// The type is not checked: operations of the wrong type give
        /// [`Status::WRONG_TYPE`](crate::Status::WRONG_TYPE). A [`Handle`] converts with a check.
        impl $(<$($Parameter),+>)? From<NullableHandle> for $Object $(<$($Parameter),+>)? {
            fn from(handle: NullableHandle) -> Self {
                Self(handle $(, PhantomData::<fn($($Parameter),+)>)?)
            }
        }

        impl $(<$($Parameter),+>)? From<$Object $(<$($Parameter),+>)?> for NullableHandle {
            fn from(owner: $Object $(<$($Parameter),+>)?) -> Self {
                owner.0
            }
        }

        /// Fails, and gives the handle back, unless its object is of this type.
        impl $(<$($Parameter),+>)? TryFrom<Handle> for $Object $(<$($Parameter),+>)? {
            type Error = TryFromHandleError;

            fn try_from(handle: Handle) -> Result<Self, TryFromHandleError> {
                checked(handle, ObjectType::$TYPE).map(Self::from)
            }
        }

        impl $(<$($Parameter),+>)? HandleBased for $Object $(<$($Parameter),+>)? {}

        implement!($traits $Object $(<$($Parameter),+>)?);
    };
}

/// Declares the module of each object, exports what is public in it, and makes the object's type an [`owner!`].
macro_rules! objects {
    ($( $module:ident: $Object:ident $(<$($Parameter:ident),+>)? = $TYPE:ident $traits:tt; )+) => {
        $(
            pub mod $module;
            pub use $module::*;
            owner!($Object $(<$($Parameter),+>)? = $TYPE $traits);
        )+
    };
}

objects! {
    channel: Channel = CHANNEL [Peered];
    event: Event = EVENT [HasCookie];
    eventpair: EventPair = EVENTPAIR [Peered, HasCookie];
    fifo: Fifo<R, W> = FIFO [Peered];
    socket: Socket = SOCKET [Peered];
    timer: Timer = TIMER [];
    port: Port = PORT [];
    directory: Directory = DIRECTORY [];
    process: Process = PROCESS [];
    thread: Thread = THREAD [];
    job: Job = JOB [];
    vmar: Vmar = VMAR [];
    vmo: Vmo = VMO [];
    buffer: Buffer = BUFFER [];
}

owner!(Listener = LISTENER []);
