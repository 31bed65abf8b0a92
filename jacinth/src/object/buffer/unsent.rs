//! What the bytes of a loan and of a buffer that is being filled have in common.

/// Makes a type that has `unsent` and `unsent_mut` a slice of its bytes, and a writer of them. `$make` is code for the
/// examples: it makes one of five bytes.
macro_rules! unsent_bytes {
    ($Owner:ident $(<$lifetime:lifetime>)?, $make:literal) => {
        impl $(<$lifetime>)? $Owner $(<$lifetime>)? {
            /// Its size in bytes.
            ///
            /// ```
            /// # use jacinth::*;
            /// # let supervisor = Supervisor::create(&Config::default())?;
            /// # let (ours, theirs) = Channel::create();
            #[doc = concat!("let unsent = ", $make, ";")]
            /// assert_eq!(unsent.len(), 5);
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            #[must_use]
            pub fn len(&self) -> usize {
                self.unsent().len()
            }

            /// Whether it has no bytes.
            ///
            /// ```
            /// # use jacinth::*;
            /// # let supervisor = Supervisor::create(&Config::default())?;
            /// # let (ours, theirs) = Channel::create();
            #[doc = concat!("let unsent = ", $make, ";")]
            /// assert!(!unsent.is_empty());
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.unsent().is_empty()
            }

            /// How many bytes have been written, from the first one on. Those behind them are zero when it is sent or frozen.
            ///
            /// ```
            /// # use jacinth::*;
            /// # let supervisor = Supervisor::create(&Config::default())?;
            /// # let (ours, theirs) = Channel::create();
            #[doc = concat!("let mut unsent = ", $make, ";")]
            /// unsent.write_at(1, b"ab")?;
            /// assert_eq!(unsent.written(), 3);
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            #[must_use]
            pub fn written(&self) -> usize {
                self.unsent().written()
            }

            /// Copies `bytes` in at `offset`. Bytes before `offset` that were not written are zero from then on. No other
            /// byte is zeroed first, unlike by the use as a slice.
            ///
            /// # Errors
            /// [`Status::OUT_OF_RANGE`](crate::Status::OUT_OF_RANGE) when they reach past the end;
            /// [`Status::BAD_STATE`](crate::Status::BAD_STATE) in a forked child, and in a signal handler within a call. No
            /// byte is written then.
            ///
            /// ```
            /// # use jacinth::*;
            /// # let supervisor = Supervisor::create(&Config::default())?;
            /// # let (ours, theirs) = Channel::create();
            #[doc = concat!("let mut unsent = ", $make, ";")]
            /// unsent.write_at(0, b"large")?;
            /// assert_eq!(unsent.write_at(4, b"ge"), Err(Status::OUT_OF_RANGE));
            /// assert_eq!(&unsent[..], b"large");
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            pub fn write_at(&mut self, offset: usize, bytes: &[u8]) -> Result<(), crate::types::status::Status> {
                crate::attachment::current_thread::with_thread(|_| self.unsent_mut().write_at(offset, bytes))
            }

            /// Copies `bytes` in, as [`slice::copy_from_slice`] does, without zeros first.
            ///
            /// # Panics
            /// If `bytes` has another length; and in a forked child, which has no arena.
            ///
            /// ```
            /// # use jacinth::*;
            /// # let supervisor = Supervisor::create(&Config::default())?;
            /// # let (ours, theirs) = Channel::create();
            #[doc = concat!("let mut unsent = ", $make, ";")]
            /// unsent.copy_from_slice(b"large");
            /// assert_eq!(&unsent[..], b"large");
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            #[track_caller]
            pub fn copy_from_slice(&mut self, bytes: &[u8]) {
                assert_eq!(bytes.len(), self.len(), "the source has another length");
                self.unsent_mut().write_at(0, bytes).expect("a forked child has no arena");
            }

            /// Writes `byte` to all places, as [`slice::fill`] does, without zeros first.
            ///
            /// # Panics
            /// In a forked child, which has no arena.
            ///
            /// ```
            /// # use jacinth::*;
            /// # let supervisor = Supervisor::create(&Config::default())?;
            /// # let (ours, theirs) = Channel::create();
            #[doc = concat!("let mut unsent = ", $make, ";")]
            /// unsent.fill(b'x');
            /// assert_eq!(&unsent[..], b"xxxxx");
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            pub fn fill(&mut self, byte: u8) {
                self.unsent_mut().fill(byte);
            }

            /// The mechanism's view of the bytes. Its `spare_capacity_mut` and `set_written` fill them without zeros, in any
            /// way, as those of a [`Vec`] do.
            ///
            /// ```
            /// # use jacinth::*;
            /// # let supervisor = Supervisor::create(&Config::default())?;
            /// # let (ours, theirs) = Channel::create();
            #[doc = concat!("let mut unsent = ", $make, ";")]
            /// for place in unsent.as_raw().spare_capacity_mut() {
            ///     place.write(b'x');
            /// }
            /// // SAFETY: the loop has written all five.
            /// unsafe { unsent.as_raw().set_written(5) };
            /// assert_eq!(&unsent[..], b"xxxxx");
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            ///
            /// The result is a type of its own and no `&mut`, so that the bytes of two owners cannot be swapped:
            ///
            /// ```compile_fail,E0308
            /// # use jacinth::*;
            /// # let supervisor = Supervisor::create(&Config::default()).unwrap();
            /// # let (ours, theirs) = Channel::create();
            /// # let swapped = || -> Result<(), Box<dyn std::error::Error>> {
            #[doc = concat!("let mut unsent = ", $make, ";")]
            #[doc = concat!("let mut other = ", $make, ";")]
            /// std::mem::swap(unsent.as_raw(), other.as_raw());
            /// # Ok(())
            /// # };
            /// ```
            pub fn as_raw(&mut self) -> jacinth_shm::UnsentBytesMut<'_> {
                self.unsent_mut()
            }
        }

        /// The bytes. They begin at a multiple of 64. Those that were not written are zero from then on.
        ///
        /// # Panics
        /// In a forked child, which has no arena.
        impl $(<$lifetime>)? std::ops::Deref for $Owner $(<$lifetime>)? {
            type Target = [u8];

            fn deref(&self) -> &[u8] {
                self.unsent().bytes()
            }
        }

        /// The bytes, to be written in place. Those that were not written are zero from then on.
        ///
        /// # Panics
        /// In a forked child, which has no arena.
        impl $(<$lifetime>)? std::ops::DerefMut for $Owner $(<$lifetime>)? {
            fn deref_mut(&mut self) -> &mut [u8] {
                self.unsent_mut().bytes_mut()
            }
        }

        impl $(<$lifetime>)? AsRef<[u8]> for $Owner $(<$lifetime>)? {
            fn as_ref(&self) -> &[u8] {
                self
            }
        }

        impl $(<$lifetime>)? AsMut<[u8]> for $Owner $(<$lifetime>)? {
            fn as_mut(&mut self) -> &mut [u8] {
                self
            }
        }

        /// Appends to the bytes that were written, and zeroes none first. When all are written, `write` returns 0.
        impl $(<$lifetime>)? std::io::Write for $Owner $(<$lifetime>)? {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                let at = self.written();
                let bytes = &bytes[..bytes.len().min(self.len() - at)];
                self.write_at(at, bytes)?;
                Ok(bytes.len())
            }

            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
    };
}

pub(crate) use unsent_bytes;
