//! The operations that every owner of a handle has, written once.

/// Implements the operations of every object for a type with `raw_handle`, `into_raw` and `from_value`.
macro_rules! handle_operations {
    ($Owner:ident $(<$($Parameter:ident),+>)?) => {
        impl $(<$($Parameter),+>)? $Owner $(<$($Parameter),+>)? {
            /// Another handle to the same object, with `rights`, or the same for [`Rights::SAME_RIGHTS`].
            ///
            /// Follows `docs/syscalls/handle_duplicate.md`. Needs [`Rights::DUPLICATE`], which channels never have.
            ///
            /// # Errors
            /// [`Status::ACCESS_DENIED`]; [`Status::INVALID_ARGS`] when `rights` is no subset of this handle's;
            /// [`Status::NO_RESOURCES`] when the process has as many handles as it may; [`Status::BAD_HANDLE`].
            ///
            /// ```
            /// # use jacinth::*;
            /// # let supervisor = Supervisor::create(&Config::default())?;
            /// let event = Event::create();
            /// let observer = event.duplicate(Rights::WAIT)?;
            /// assert_eq!(observer.basic_info()?.rights, Rights::WAIT);
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            ///
            /// [`Rights::SAME_RIGHTS`]: crate::Rights::SAME_RIGHTS
            /// [`Rights::DUPLICATE`]: crate::Rights::DUPLICATE
            /// [`Status::ACCESS_DENIED`]: crate::Status::ACCESS_DENIED
            /// [`Status::INVALID_ARGS`]: crate::Status::INVALID_ARGS
            /// [`Status::NO_RESOURCES`]: crate::Status::NO_RESOURCES
            /// [`Status::BAD_HANDLE`]: crate::Status::BAD_HANDLE
            pub fn duplicate(
                &self,
                rights: $crate::types::rights::Rights,
            ) -> Result<Self, $crate::types::status::Status> {
                $crate::raw::duplicate(self.raw_handle(), rights).map(Self::from_value)
            }

            /// This handle, with `rights` instead. It is gone also on an error.
            ///
            /// Follows `docs/syscalls/handle_replace.md`. Needs no right.
            ///
            /// # Errors
            /// [`Status::INVALID_ARGS`] when `rights` is no subset of this handle's; [`Status::BAD_HANDLE`].
            ///
            /// ```
            /// # use jacinth::*;
            /// # let supervisor = Supervisor::create(&Config::default())?;
            /// let observer = Event::create().replace(Rights::WAIT)?;
            /// assert_eq!(observer.signal(Signals::NONE, Signals::USER_0), Err(Status::ACCESS_DENIED));
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            ///
            /// [`Status::INVALID_ARGS`]: crate::Status::INVALID_ARGS
            /// [`Status::BAD_HANDLE`]: crate::Status::BAD_HANDLE
            pub fn replace(
                self,
                rights: $crate::types::rights::Rights,
            ) -> Result<Self, $crate::types::status::Status> {
                let value = self.into_raw();
                let replaced = $crate::raw::replace(value, rights);
                if replaced == Err($crate::types::status::Status::BAD_STATE) {
                    // It is still there: memory of its channel is lent, or this call interrupts another.
                    drop(Self::from_value(value));
                }
                replaced.map(Self::from_value)
            }

            /// Clears and then sets signals of the object.
            ///
            /// Follows `docs/syscalls/object_signal.md`. Needs [`Rights::SIGNAL`].
            ///
            /// # Errors
            /// [`Status::ACCESS_DENIED`]; [`Status::INVALID_ARGS`] for signals other than the eight user signals and,
            /// on events and event pairs, `SIGNALED`; [`Status::BAD_HANDLE`].
            ///
            /// ```
            /// # use jacinth::*;
            /// # let supervisor = Supervisor::create(&Config::default())?;
            /// let event = Event::create();
            /// event.signal(Signals::NONE, Signals::USER_0 | Signals::EVENT_SIGNALED)?;
            /// event.signal(Signals::USER_0, Signals::NONE)?;
            /// assert_eq!(event.signal(Signals::NONE, Signals::OBJECT_READABLE), Err(Status::INVALID_ARGS));
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            ///
            /// [`Rights::SIGNAL`]: crate::Rights::SIGNAL
            /// [`Status::ACCESS_DENIED`]: crate::Status::ACCESS_DENIED
            /// [`Status::INVALID_ARGS`]: crate::Status::INVALID_ARGS
            /// [`Status::BAD_HANDLE`]: crate::Status::BAD_HANDLE
            pub fn signal(
                &self,
                clear: $crate::types::signals::Signals,
                set: $crate::types::signals::Signals,
            ) -> Result<(), $crate::types::status::Status> {
                $crate::raw::signal(self.raw_handle(), clear, set)
            }

            /// Waits until the object asserts one of `signals`, or until `deadline`. Spins for a moment, then sleeps.
            ///
            /// Follows `docs/syscalls/object_wait_one.md`. Needs [`Rights::WAIT`]. The result has the signals seen,
            /// also on a timeout and when the wait is canceled.
            ///
            /// # Errors
            /// [`Status::TIMED_OUT`]; [`Status::CANCELED`] when another thread closes or transfers the handle
            /// meanwhile; [`Status::ACCESS_DENIED`]; [`Status::BAD_HANDLE`].
            ///
            /// ```
            /// # use jacinth::*;
            /// # let supervisor = Supervisor::create(&Config::default())?;
            /// let event = Event::create();
            /// let soon = std::time::Duration::from_millis(1);
            /// assert_eq!(event.wait_one(Signals::EVENT_SIGNALED, soon), WaitResult::TimedOut(Signals::NONE));
            /// event.signal(Signals::NONE, Signals::EVENT_SIGNALED)?;
            /// let seen = event.wait_one(Signals::EVENT_SIGNALED, MonotonicInstant::INFINITE).to_result()?;
            /// assert_eq!(seen, Signals::EVENT_SIGNALED);
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            ///
            /// [`Rights::WAIT`]: crate::Rights::WAIT
            /// [`Status::TIMED_OUT`]: crate::Status::TIMED_OUT
            /// [`Status::CANCELED`]: crate::Status::CANCELED
            /// [`Status::ACCESS_DENIED`]: crate::Status::ACCESS_DENIED
            /// [`Status::BAD_HANDLE`]: crate::Status::BAD_HANDLE
            pub fn wait_one(
                &self,
                signals: $crate::types::signals::Signals,
                deadline: impl Into<$crate::types::time::Deadline>,
            ) -> $crate::handle::WaitResult {
                let (result, observed) =
                    $crate::raw::wait_one(self.raw_handle(), signals, deadline.into().instant());
                $crate::handle::WaitResult::new(result, observed)
            }

            /// The object's name; empty until it is set.
            ///
            /// Follows `ZX_PROP_NAME` in `docs/syscalls/object_get_property.md`. Needs [`Rights::GET_PROPERTY`],
            /// which the default rights of events, event pairs, channels and fifos do not have, and those of objects
            /// that were made with a name (`create_named`) do.
            ///
            /// # Errors
            /// [`Status::ACCESS_DENIED`], [`Status::BAD_HANDLE`].
            ///
            /// ```
            /// # use jacinth::*;
            /// # let supervisor = Supervisor::create(&Config::default())?;
            /// let event = Event::create_named(&Name::new("ready")?)?;
            /// assert_eq!(event.get_name()?, "ready");
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            ///
            /// [`Rights::GET_PROPERTY`]: crate::Rights::GET_PROPERTY
            /// [`Status::ACCESS_DENIED`]: crate::Status::ACCESS_DENIED
            /// [`Status::BAD_HANDLE`]: crate::Status::BAD_HANDLE
            pub fn get_name(&self) -> Result<$crate::handle::Name, $crate::types::status::Status> {
                $crate::raw::name(self.raw_handle()).map($crate::handle::Name::from_padded)
            }

            /// Names the object, for tools that show it.
            ///
            /// Follows `ZX_PROP_NAME` in `docs/syscalls/object_set_property.md`. Needs [`Rights::SET_PROPERTY`]; see
            /// [`get_name`](Self::get_name).
            ///
            /// # Errors
            /// [`Status::ACCESS_DENIED`], [`Status::BAD_HANDLE`].
            ///
            /// ```
            /// # use jacinth::*;
            /// # let supervisor = Supervisor::create(&Config::default())?;
            /// let event = Event::create_named(&Name::new("starting")?)?;
            /// event.set_name(&Name::new("running")?)?;
            /// assert_eq!(event.get_name()?, "running");
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            ///
            /// [`Rights::SET_PROPERTY`]: crate::Rights::SET_PROPERTY
            /// [`Status::ACCESS_DENIED`]: crate::Status::ACCESS_DENIED
            /// [`Status::BAD_HANDLE`]: crate::Status::BAD_HANDLE
            pub fn set_name(&self, name: &$crate::handle::Name) -> Result<(), $crate::types::status::Status> {
                $crate::raw::set_name(self.raw_handle(), name.as_padded())
            }

            /// Information on the handle and its object. Needs no right.
            ///
            /// Follows `ZX_INFO_HANDLE_BASIC` in `docs/syscalls/object_get_info.md`.
            ///
            /// # Errors
            /// [`Status::BAD_HANDLE`].
            ///
            /// ```
            /// # use jacinth::*;
            /// # let supervisor = Supervisor::create(&Config::default())?;
            /// let (ours, theirs) = Channel::create();
            /// assert_eq!(ours.basic_info()?.object_type, ObjectType::CHANNEL);
            /// assert_eq!(ours.basic_info()?.related_koid, theirs.koid()?);
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            ///
            /// [`Status::BAD_HANDLE`]: crate::Status::BAD_HANDLE
            pub fn basic_info(
                &self,
            ) -> Result<$crate::handle::HandleBasicInfo, $crate::types::status::Status> {
                $crate::raw::basic(self.raw_handle()).map($crate::handle::HandleBasicInfo::from_raw)
            }

            /// How many handles refer to the object, those in transit included. A debugging aid: the number may be
            /// old when it arrives.
            ///
            /// Follows `ZX_INFO_HANDLE_COUNT` in `docs/syscalls/object_get_info.md`. Needs [`Rights::INSPECT`].
            ///
            /// # Errors
            /// [`Status::ACCESS_DENIED`], [`Status::BAD_HANDLE`].
            ///
            /// ```
            /// # use jacinth::*;
            /// # let supervisor = Supervisor::create(&Config::default())?;
            /// let event = Event::create();
            /// let _another = event.duplicate(Rights::SAME_RIGHTS)?;
            /// assert_eq!(event.count_info()?.handle_count, 2);
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            ///
            /// [`Rights::INSPECT`]: crate::Rights::INSPECT
            /// [`Status::ACCESS_DENIED`]: crate::Status::ACCESS_DENIED
            /// [`Status::BAD_HANDLE`]: crate::Status::BAD_HANDLE
            pub fn count_info(
                &self,
            ) -> Result<$crate::handle::HandleCountInfo, $crate::types::status::Status> {
                let handle_count = $crate::raw::handle_count(self.raw_handle())?;
                Ok($crate::handle::HandleCountInfo { handle_count })
            }

            /// The object's koid. Needs no right.
            ///
            /// # Errors
            /// [`Status::BAD_HANDLE`](crate::Status::BAD_HANDLE).
            ///
            /// ```
            /// # use jacinth::*;
            /// # let supervisor = Supervisor::create(&Config::default())?;
            /// let event = Event::create();
            /// assert_eq!(event.koid()?, event.duplicate(Rights::WAIT)?.koid()?);
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            pub fn koid(&self) -> Result<$crate::types::koid::Koid, $crate::types::status::Status> {
                Ok(self.basic_info()?.koid)
            }
        }

        /// Shows the type and the value.
        impl $(<$($Parameter),+>)? std::fmt::Debug for $Owner $(<$($Parameter),+>)? {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($Owner), "({:#x})"), self.raw_handle())
            }
        }
    };
}
pub(crate) use handle_operations;
