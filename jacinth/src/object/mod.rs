//! The kernel's objects: one file or folder an object, and one line in the table below.

pub mod futex;
pub mod task;
pub use futex::*;
use port::wait_async;
pub use task::*;

use crate::handle::{
    AsHandleRef, Handle, HandleBased, HandleRef, NullableHandle, Peered, TryFromHandleError, checked,
    handle_operations,
};
use crate::types::object_type::ObjectType;

/// Makes a type the owner of one handle: the operations of every object, the conversions, and the traits in the brackets
/// besides.
macro_rules! owner {
    ($Object:ident = $TYPE:ident [$( $Trait:ident ),*]) => {
        impl $Object {
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
                Self(NullableHandle::from_raw(value))
            }
        }

        handle_operations!($Object);
        wait_async!($Object);

        impl AsHandleRef for $Object {
            fn as_handle_ref(&self) -> HandleRef<'_> {
                self.0.as_handle_ref()
            }
        }

        /// The type is not checked: operations of the wrong type give
        /// [`Status::WRONG_TYPE`](crate::Status::WRONG_TYPE). A [`Handle`] converts with a check.
        impl From<NullableHandle> for $Object {
            fn from(handle: NullableHandle) -> Self {
                Self(handle)
            }
        }

        impl From<$Object> for NullableHandle {
            fn from(owner: $Object) -> Self {
                owner.0
            }
        }

        /// Fails, and gives the handle back, unless its object is of this type.
        impl TryFrom<Handle> for $Object {
            type Error = TryFromHandleError;

            fn try_from(handle: Handle) -> Result<Self, TryFromHandleError> {
                checked(handle, ObjectType::$TYPE).map(Self)
            }
        }

        impl HandleBased for $Object {}

        $( impl $Trait for $Object {} )*
    };
}

/// Declares the module of each object, exports what is public in it, and makes the object's type an [`owner!`].
macro_rules! objects {
    ($( $module:ident: $Object:ident = $TYPE:ident $traits:tt; )+) => {
        $(
            pub mod $module;
            pub use $module::*;
            owner!($Object = $TYPE $traits);
        )+
    };
}

objects! {
    channel: Channel = CHANNEL [Peered];
    event: Event = EVENT [];
    eventpair: EventPair = EVENTPAIR [Peered];
    timer: Timer = TIMER [];
    port: Port = PORT [];
    directory: Directory = DIRECTORY [];
    process: Process = PROCESS [];
    thread: Thread = THREAD [];
    job: Job = JOB [];
    vmar: Vmar = VMAR [];
}

owner!(Listener = LISTENER []);
