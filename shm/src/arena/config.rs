//! The limits of an arena. Its creator chooses them, its header keeps them, and each process that attaches reads them.

use crate::arena::record::line::LINE_BYTES;
use crate::arena::size_class::SizeClass;
use core::ops::RangeInclusive;

/// Thread rows besides `max_threads`, the first ones. An operation that must not fail for want of a row uses them
/// (`Thread::join_reserve`).
pub(crate) const RESERVED_THREADS: u32 = if cfg!(loom) { 0 } else { 32 };

/// Makes [`Config`] of the table of limits: its fields, defaults, ranges, setters, the words of the arena's header, and
/// the list of limits for the interface to C. `$dollar` is a `$`, for the macro that this one makes.
macro_rules! limits {
    ($dollar:tt $(
        $(#[$doc:meta])*
        $field:ident, $with:ident: $Number:ident = $default:expr, $range:expr $(, $power:literal)?;
    )+) => {
        /// The limits of an arena, all fixed when it is created.
        ///
        /// Memory is committed when it is first touched, so generous limits cost only address space. The default takes
        /// some 910 GB of that, as `VmSize` shows and `ulimit -v` counts: `vmo_pool_bytes` for each of 13 sizes of extents,
        /// and `pool_bytes` for each of 17 sizes of blocks. `VmRSS` shows the memory in use.
        ///
        /// ```
        /// use jacinth_shm::Config;
        ///
        /// let config = Config::default().with_max_processes(16).with_pool_bytes(64 << 20);
        /// assert_eq!((config.max_processes, config.validate()), (16, Ok(())));
        /// let config = config.with_max_processes(0);
        /// assert_eq!(config.validate().unwrap_err().to_string(), "max_processes is 0, not within 1 to 4095");
        /// ```
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[cfg_attr(
            feature = "serde",
            derive(serde::Serialize, serde::Deserialize),
            serde(try_from = "UncheckedConfig")
        )]
        #[non_exhaustive]
        pub struct Config {
            $( $(#[$doc])* pub $field: $Number, )+
            /// Where the supervisor listens for processes that join. Default `None`: in a new folder in
            /// `XDG_RUNTIME_DIR`, or among the temporary files. It is no limit and is not kept in the arena: only the
            /// process that creates the arena reads it.
            ///
            /// With a path, a service that is started again is found at the same place. The socket of a dead arena
            /// there is replaced. The folder is made if it is missing (the folders above it are not). It must be this
            /// user's or root's, and no other user may write to it, unless its sticky bit is set. A path may be as long
            /// as the file system allows; without `/proc`, 103 bytes.
            pub socket_path: Option<std::path::PathBuf>,
        }

        /// A [`Config`] as it was read. Limits that are not named have their defaults.
        #[cfg(feature = "serde")]
        #[derive(serde::Deserialize)]
        #[serde(default, deny_unknown_fields, rename = "Config")]
        struct UncheckedConfig {
            $( $field: $Number, )+
            socket_path: Option<std::path::PathBuf>,
        }

        #[cfg(feature = "serde")]
        impl Default for UncheckedConfig {
            fn default() -> Self {
                let Config { $( $field, )+ socket_path } = Config::default();
                Self { $( $field, )+ socket_path }
            }
        }

        #[cfg(feature = "serde")]
        impl TryFrom<UncheckedConfig> for Config {
            type Error = OutOfRange;

            fn try_from(read: UncheckedConfig) -> Result<Self, OutOfRange> {
                let UncheckedConfig { $( $field, )+ socket_path } = read;
                let config = Self { $( $field, )+ socket_path };
                config.validate()?;
                Ok(config)
            }
        }

        /// Calls the macro `$made` with the name and the type of each limit, in the order of the table. The structure of C
        /// has the limits in this order too.
        #[doc(hidden)]
        #[macro_export]
        macro_rules! with_limits {
            ($dollar made:ident) => {
                $dollar made! { $( $field: $Number, )+ }
            };
        }

        /// How many numbers a [`Config`] has in the arena's header.
        pub(crate) const CONFIG_WORDS: usize = [$( stringify!($field) ),+].len();

        impl Config {
            fn documented_defaults() -> Self {
                Self { $( $field: $default, )+ socket_path: None }
            }

            $(
                #[doc = concat!("Sets [`", stringify!($field), "`](Self::", stringify!($field), ").")]
                #[must_use]
                pub fn $with(mut self, $field: $Number) -> Self {
                    self.$field = $field;
                    self
                }
            )+

            /// Sets [`socket_path`](Self::socket_path).
            #[must_use]
            pub fn with_socket_path(mut self, path: impl Into<std::path::PathBuf>) -> Self {
                self.socket_path = Some(path.into());
                self
            }

            /// Checks every limit against its documented range.
            ///
            /// # Errors
            /// The first limit that is out of its range.
            pub fn validate(&self) -> Result<(), OutOfRange> {
                $(
                    check(stringify!($field), self.$field.into(), $range)?;
                    $(
                        let name = concat!(stringify!($field), " (", $power, ")");
                        check_power_of_two(name, self.$field.into(), $range)?;
                    )?
                )+
                Ok(())
            }

            pub(crate) fn to_words(&self) -> [u64; CONFIG_WORDS] {
                [$( self.$field.into() ),+]
            }

            #[cfg(not(loom))]
            pub(crate) fn from_words([$( $field ),+]: [u64; CONFIG_WORDS]) -> Self {
                // A number too large for its field becomes the field's maximum, and `validate` then refuses it.
                Self { $( $field: $field.try_into().unwrap_or($Number::MAX), )+ socket_path: None }
            }
        }
    };
}

// The order is that of the words in the header, a part of the arena's format, and of the members of C's
// `jacinth_config_t` (`capi/include/jacinth.h`). A new limit is a line here and a member there.
limits! { $
    /// How many processes may be attached at once. 1 to 4,095; default 64.
    max_processes, with_max_processes: u32 = 64, 1..=0xfff;
    /// How many threads, of all processes together, may use the arena at once. 1 to 4,063; default 1,024.
    max_threads, with_max_threads: u32 = 1024, 1..=MAX_THREADS;
    /// How many objects may exist at once; the two ends of a pair are one object. Up to 8,388,607; default 1,048,576.
    max_objects, with_max_objects: u32 = 1 << 20, 1..=MAX_OBJECTS;
    /// How many handles one process may hold at once. Up to 1,048,575; default 262,143. Each process has a table of its
    /// own for them, so all processes together may have `max_processes` times as many.
    max_handles_per_process, with_max_handles_per_process: u32 = (1 << 18) - 1, 1..=(1 << 20) - 1;
    /// How many messages may be pending in one direction of a channel before a write gives `ZX_ERR_SHOULD_WAIT`. Up to
    /// 1,048,576; default 8,192.
    max_pending_messages, with_max_pending_messages: u32 = 8192, 1..=1 << 20;
    /// How many messages the first ring of a direction holds. Each later ring holds four times as many as the one
    /// before. A power of two from 2 to 8,192; default 8.
    first_segment_messages, with_first_segment_messages: u32 = 8, 2..=8192, "a power of two";
    /// The bytes reserved for blocks of each size class. Default 1 GiB.
    pool_bytes, with_pool_bytes: u64 = 1 << 30, 256..=1 << 40;
    /// The largest zero-copy loan, in bytes; rounded up to a power of two, at most 16 MiB, which is the default.
    /// Messages of the full 65,536 bytes with 64 handles need at least 128 KiB here, ports 32 KiB, and names 8 KiB: with
    /// less, a port takes no packet and no wait, and no name can be served (`ZX_ERR_NO_MEMORY`).
    max_loan_bytes, with_max_loan_bytes: u64 = 16 << 20, 256..=16 << 20;
    /// How many of `max_objects` one process may have made, in whatever process their handles are now. Up to 8,388,607;
    /// default 917,504, seven eighths of the default `max_objects`. If `max_objects` is less, only that limits.
    max_objects_per_process, with_max_objects_per_process: u32 = (1 << 20) / 8 * 7, 1..=MAX_OBJECTS;
    /// How many of `pool_bytes`, in each size class, one process may have taken; at least one block of each. Up to 1
    /// TiB; default 896 MiB, seven eighths of the default `pool_bytes`. If `pool_bytes` is less, only that limits.
    max_block_bytes_per_process, with_max_block_bytes_per_process: u64 = (1 << 30) / 8 * 7, 256..=1 << 40;
    /// How many messages that were written at one process's ends may be pending at once, in all its channels together.
    /// Up to 1,073,741,824; default 7,340,032, seven eighths of the messages that one size class of the default pools
    /// has room for. A process with so many gets `ZX_ERR_NO_RESOURCES` from a write until some are read. So does a
    /// channel, in one direction, with eight times as many as are left to its process.
    max_pending_messages_per_process, with_max_pending_messages_per_process: u32 = 7 << 20, 1..=1 << 30;
    /// How many of `max_threads` one process may have. 1 to 4,063; default 896, seven eighths of the default
    /// `max_threads`. If `max_threads` is less, only that limits. A thread beyond it can only close handles.
    max_threads_per_process, with_max_threads_per_process: u32 = 1024 / 8 * 7, 1..=MAX_THREADS;
    /// The rights to the arena's root directory that its members get, as bits of `zx_rights_t`: READ (4) to connect to the
    /// names there, WRITE (8) to serve names. Default 0x810f, `Rights::DIRECTORY_DEFAULT`: all members may do both. The
    /// process that makes the arena has all of these rights in any case.
    root_rights, with_root_rights: u32 = 0x810f, 0..=0xf_ffff;
    /// The bytes of address space for VM objects, for each size of their extents: 4 KiB, and four times as many up to 64
    /// GiB. Sizes above this have none, so it is also the largest VM object. Up to 1 TiB; default 64 GiB; 0: VM objects
    /// have no memory.
    vmo_pool_bytes, with_vmo_pool_bytes: u64 = DEFAULT_VMO_POOL_BYTES, 0..=1 << 40;
    /// How many of `vmo_pool_bytes`, for each size of extents, one process may have taken; at least one extent of each. Up to
    /// 1 TiB; default 56 GiB, seven eighths of the default `vmo_pool_bytes`. If `vmo_pool_bytes` is less, only that limits.
    max_vmo_bytes_per_process, with_max_vmo_bytes_per_process: u64 = (64 << 30) / 8 * 7, 4096..=1 << 40;
}

/// Models have extents only where they ask for them: each of their words takes time.
const DEFAULT_VMO_POOL_BYTES: u64 = if cfg!(loom) { 0 } else { 64 << 30 };

/// The most that an arena on the heap has for each size of extents, since all of its memory is written at once.
const HEAP_VMO_POOL_BYTES: u64 = 64 << 10;

/// The most threads: the rows that 12 bits can number, without the reserved ones.
const MAX_THREADS: u64 = 0xfff - RESERVED_THREADS as u64;
/// The most objects: the slots that 23 bits can number.
const MAX_OBJECTS: u64 = (1 << 23) - 1;

fn check(field: &'static str, value: u64, range: RangeInclusive<u64>) -> Result<(), OutOfRange> {
    if range.contains(&value) {
        return Ok(());
    }
    Err(OutOfRange { field, value, least: *range.start(), most: *range.end() })
}

fn check_power_of_two(field: &'static str, value: u64, range: RangeInclusive<u64>) -> Result<(), OutOfRange> {
    if value.is_power_of_two() {
        return Ok(());
    }
    Err(OutOfRange { field, value, least: *range.start(), most: *range.end() })
}

impl Default for Config {
    /// The documented defaults. Under valgrind `pool_bytes` and `vmo_pool_bytes` are 16 MiB and `max_objects` is 65,536,
    /// because its tools keep records of every page of address space.
    fn default() -> Self {
        #[cfg(not(loom))]
        if crate::sync::is_under_valgrind() {
            return Self {
                pool_bytes: 16 << 20,
                max_objects: 1 << 16,
                vmo_pool_bytes: 16 << 20,
                ..Self::documented_defaults()
            };
        }
        Self::documented_defaults()
    }
}

/// A limit of a [`Config`], or a number in an arena's header, is out of its range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} is {value}, not within {least} to {most}")]
pub struct OutOfRange {
    /// The name of the limit.
    pub field: &'static str,
    /// The value that was given.
    pub value: u64,
    /// The least it may be.
    pub least: u64,
    /// The most it may be.
    pub most: u64,
}

impl Config {
    /// How many objects one process may have made. `None` if the quota is at or above the arena's capacity.
    pub(crate) fn object_quota(&self) -> Option<u64> {
        (self.max_objects_per_process < self.max_objects).then_some(self.max_objects_per_process.into())
    }

    /// How many blocks of `class` one process may have taken. `None` if the quota is at or above the class's capacity.
    pub(crate) fn block_quota(&self, class: SizeClass) -> Option<u64> {
        let bytes =
            if class.is_extent() { self.max_vmo_bytes_per_process } else { self.max_block_bytes_per_process };
        // At least one: a quota of 0 would make the class useless to every process. The credits are an array for all
        // possible classes. Those that the arena lacks have no quota.
        let quota = (bytes / class.bytes() as u64).max(1);
        (quota < self.blocks_of_class(class) as u64).then_some(quota)
    }

    /// How many messages one process may have pending. `None` if the quota is at or above the arena's capacity.
    pub(crate) fn message_quota(&self) -> Option<u64> {
        // Two directions for each object. The product is at most 2⁴⁴ after `validate`, so it does not overflow.
        let all = 2 * u64::from(self.max_objects) * u64::from(self.max_pending_messages);
        let quota = u64::from(self.max_pending_messages_per_process);
        (quota < all).then_some(quota)
    }

    /// The same limits, in so far as an arena on the heap can have them.
    pub(crate) fn on_the_heap(&self) -> Self {
        Self { vmo_pool_bytes: self.vmo_pool_bytes.min(HEAP_VMO_POOL_BYTES), ..self.clone() }
    }

    /// The size class of the largest blocks that are no extents.
    pub(crate) fn largest_class(&self) -> SizeClass {
        let lines = self.max_loan_bytes.div_ceil(LINE_BYTES as u64) as usize;
        // The last class is the one that the largest loan needs. A request for a larger block is refused.
        SizeClass::fitting(lines).min(SizeClass::LARGEST_BLOCK)
    }

    /// How many blocks of the class there are. 0: the arena lacks the class.
    pub(crate) fn blocks_of_class(&self, class: SizeClass) -> usize {
        // A block id has 22 bits for the index.
        const MOST: usize = (1 << 22) - 1;
        if class.is_extent() {
            (self.vmo_pool_bytes as usize / class.bytes()).min(MOST)
        } else if class <= self.largest_class() {
            (self.pool_bytes as usize / class.bytes()).clamp(1, MOST)
        } else {
            0
        }
    }

    /// The size of the largest VM object. 0: there is no memory for any.
    pub(crate) fn largest_vmo_bytes(&self) -> u64 {
        let has_blocks = |class: &SizeClass| class.is_extent() && self.blocks_of_class(*class) > 0;
        SizeClass::ALL.into_iter().rev().find(has_blocks).map_or(0, |class| class.bytes() as u64)
    }
}
