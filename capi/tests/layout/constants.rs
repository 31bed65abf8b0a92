//! The headers' constants that the Rust crate has too. The expected values are the crate's own, so a change on one side fails.

use jacinth::{
    Koid, MonotonicDuration, MonotonicInstant, Name, ObjectType, Rights, Signals, SocketOpts, SocketReadOpts,
    SocketShutdown, Status, raw,
};

/// The largest distance from 0 of a status or an object type.
const FURTHEST: i32 = 1000;

/// A constant expression of C, and its value.
pub type Number = (String, i64);

/// All such constants.
pub fn numbers() -> Vec<Number> {
    let mut numbers = Vec::new();
    numbers.extend(statuses());
    numbers.extend(object_types());
    numbers.extend(rights());
    numbers.extend(signals());
    numbers.extend(sockets());
    numbers.extend(limits());
    numbers.extend(times());
    numbers.extend(own());
    numbers
}

/// The constants of `jacinth.h`.
fn own() -> [Number; 18] {
    use jacinth_capi_calls as calls;
    [
        ("JACINTH_CHANNEL_DISCARD_LATE_REPLIES".into(), calls::DISCARD_LATE_REPLIES.into()),
        ("JACINTH_SPAWN_STATUS_UNKNOWN".into(), calls::SPAWN_STATUS_UNKNOWN.into()),
        ("JACINTH_SPAWN_STATUS_WAITING".into(), calls::SPAWN_STATUS_WAITING.into()),
        ("JACINTH_SPAWN_STATUS_ATTACHED".into(), calls::SPAWN_STATUS_ATTACHED.into()),
        ("JACINTH_SPAWN_STATUS_REFUSED".into(), calls::SPAWN_STATUS_REFUSED.into()),
        ("JACINTH_SPAWN_STATUS_ENDED".into(), calls::SPAWN_STATUS_ENDED.into()),
        ("JACINTH_SPAWN_STATUS_OTHER_USER".into(), calls::SPAWN_STATUS_OTHER_USER.into()),
        ("JACINTH_SPAWN_STATUS_CLEAN_ENVIRONMENT".into(), calls::SPAWN_STATUS_CLEAN_ENVIRONMENT.into()),
        ("JACINTH_SPAWN_STATUS_NO_SOCKET".into(), calls::SPAWN_STATUS_NO_SOCKET.into()),
        ("JACINTH_SPAWN_STATUS_TEXT_BYTES".into(), calls::types::SPAWN_STATUS_TEXT_BYTES.try_into().unwrap()),
        ("JACINTH_DIRECTORY_DEFAULT_RIGHTS".into(), Rights::DIRECTORY_DEFAULT.bits().into()),
        ("JACINTH_LISTENER_DEFAULT_RIGHTS".into(), Rights::LISTENER_DEFAULT.bits().into()),
        ("JACINTH_BUFFER_DEFAULT_RIGHTS".into(), Rights::BUFFER_DEFAULT.bits().into()),
        ("JACINTH_UNINITIALIZED".into(), calls::UNINITIALIZED.into()),
        ("JACINTH_LISTENER_READABLE".into(), Signals::LISTENER_READABLE.bits().into()),
        ("JACINTH_MAX_SERVICE_NAME_LEN".into(), raw::MAX_SERVICE_NAME_LEN.try_into().unwrap()),
        ("JACINTH_LISTENER_BACKLOG".into(), raw::LISTENER_BACKLOG.try_into().unwrap()),
        ("JACINTH_SEAT_SLOT_BYTES".into(), calls::types::SEAT_SLOT_BYTES.try_into().unwrap()),
    ]
}

fn statuses() -> impl Iterator<Item = Number> {
    (-FURTHEST..=FURTHEST).filter_map(|raw| Some((Status::from_raw(raw).name()?.to_owned(), raw.into())))
}

fn object_types() -> Vec<Number> {
    let named = (0..FURTHEST.unsigned_abs())
        .filter_map(|raw| Some((ObjectType::from_raw(raw).name()?.to_owned(), i64::from(raw))));
    let mut types: Vec<Number> = named.collect();
    let zircons = types.iter().filter(|(name, _)| name.starts_with("ZX_"));
    let last = zircons.map(|(_, raw)| *raw).max().unwrap_or_default();
    types.push(("ZX_OBJ_TYPE_LAST".into(), last + 1));
    types
}

/// `names!(Type.bits() { ZX_NAME = CONSTANT; })`: pairs of a C name and the number of a Rust constant.
macro_rules! names {
    ($Type:ident . $number:ident () { $( $ZX_NAME:ident = $CONSTANT:ident; )+ }) => {
        [$( (stringify!($ZX_NAME).to_owned(), i64::try_from($Type::$CONSTANT.$number()).unwrap()), )+]
    };
}

/// The options of sockets and of their calls. The one of a write has the number of the one of a read.
fn sockets() -> Vec<Number> {
    let create = names!(SocketOpts.bits() {
        ZX_SOCKET_STREAM = STREAM;
        ZX_SOCKET_DATAGRAM = DATAGRAM;
        ZX_SOCKET_HAS_CONTROL = HAS_CONTROL;
        ZX_SOCKET_HAS_ACCEPT = HAS_ACCEPT;
    });
    let read = names!(SocketReadOpts.bits() {
        ZX_SOCKET_CONTROL = CONTROL;
        ZX_SOCKET_PEEK = PEEK;
    });
    let shutdown = names!(SocketShutdown.bits() {
        ZX_SOCKET_SHUTDOWN_WRITE = WRITE;
        ZX_SOCKET_SHUTDOWN_READ = READ;
    });
    let masks = [
        ("ZX_SOCKET_CREATE_MASK".into(), SocketOpts::all().bits().into()),
        ("ZX_SOCKET_SHUTDOWN_MASK".into(), SocketShutdown::all().bits().into()),
    ];
    create.into_iter().chain(read).chain(shutdown).chain(masks).collect()
}

fn rights() -> Vec<Number> {
    let one_by_one =
        Rights::all().iter_names().map(|(name, right)| (format!("ZX_RIGHT_{name}"), right.bits().into()));
    let groups = names!(Rights.bits() {
        ZX_RIGHT_NONE = NONE;
        ZX_RIGHTS_BASIC = BASIC;
        ZX_RIGHTS_IO = IO;
        ZX_RIGHTS_PROPERTY = PROPERTY;
        ZX_RIGHTS_POLICY = POLICY;
        ZX_DEFAULT_EVENT_RIGHTS = EVENT_DEFAULT;
        ZX_DEFAULT_EVENTPAIR_RIGHTS = EVENTPAIR_DEFAULT;
        ZX_DEFAULT_CHANNEL_RIGHTS = CHANNEL_DEFAULT;
        ZX_DEFAULT_SOCKET_RIGHTS = SOCKET_DEFAULT;
        ZX_DEFAULT_FIFO_RIGHTS = FIFO_DEFAULT;
        ZX_DEFAULT_PORT_RIGHTS = PORT_DEFAULT;
        ZX_DEFAULT_TIMER_RIGHTS = TIMER_DEFAULT;
        ZX_DEFAULT_VMO_RIGHTS = VMO_DEFAULT;
        ZX_DEFAULT_PROCESS_RIGHTS = PROCESS_DEFAULT;
        ZX_DEFAULT_THREAD_RIGHTS = THREAD_DEFAULT;
        ZX_DEFAULT_JOB_RIGHTS = JOB_DEFAULT;
    });
    one_by_one.chain(groups).collect()
}

fn signals() -> Vec<Number> {
    let one_by_one = Signals::all().iter_names().map(|(name, signal)| {
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let name = match name.split_once('_') {
            Some(("USER", number)) => format!("ZX_USER_SIGNAL_{number}"),
            Some(("OBJECT", number)) if is_number(number) => format!("__ZX_OBJECT_SIGNAL_{number}"),
            Some(("OBJECT", _)) => format!("__ZX_{name}"),
            _ => format!("__ZX_OBJECT_{name}"),
        };
        (name, signal.bits().into())
    });
    let by_object = names!(Signals.bits() {
        ZX_SIGNAL_NONE = NONE;
        ZX_USER_SIGNAL_ALL = USER_ALL;
        __ZX_OBJECT_SIGNAL_ALL = OBJECT_ALL;
        ZX_SIGNAL_HANDLE_CLOSED = HANDLE_CLOSED;
        ZX_EVENT_SIGNALED = EVENT_SIGNALED;
        ZX_EVENT_SIGNAL_MASK = EVENT_MASK;
        ZX_EVENTPAIR_SIGNALED = EVENTPAIR_SIGNALED;
        ZX_EVENTPAIR_PEER_CLOSED = EVENTPAIR_PEER_CLOSED;
        ZX_EVENTPAIR_SIGNAL_MASK = EVENTPAIR_MASK;
        ZX_CHANNEL_READABLE = CHANNEL_READABLE;
        ZX_CHANNEL_WRITABLE = CHANNEL_WRITABLE;
        ZX_CHANNEL_PEER_CLOSED = CHANNEL_PEER_CLOSED;
        ZX_SOCKET_READABLE = SOCKET_READABLE;
        ZX_SOCKET_WRITABLE = SOCKET_WRITABLE;
        ZX_SOCKET_PEER_CLOSED = SOCKET_PEER_CLOSED;
        ZX_SOCKET_PEER_WRITE_DISABLED = SOCKET_PEER_WRITE_DISABLED;
        ZX_SOCKET_READ_DISABLED = SOCKET_PEER_WRITE_DISABLED;
        ZX_SOCKET_WRITE_DISABLED = SOCKET_WRITE_DISABLED;
        ZX_SOCKET_CONTROL_READABLE = SOCKET_CONTROL_READABLE;
        ZX_SOCKET_CONTROL_WRITABLE = SOCKET_CONTROL_WRITABLE;
        ZX_SOCKET_ACCEPT = SOCKET_ACCEPT;
        ZX_SOCKET_SHARE = SOCKET_SHARE;
        ZX_SOCKET_READ_THRESHOLD = SOCKET_READ_THRESHOLD;
        ZX_SOCKET_WRITE_THRESHOLD = SOCKET_WRITE_THRESHOLD;
        ZX_FIFO_READABLE = FIFO_READABLE;
        ZX_FIFO_WRITABLE = FIFO_WRITABLE;
        ZX_FIFO_PEER_CLOSED = FIFO_PEER_CLOSED;
        ZX_TASK_TERMINATED = TASK_TERMINATED;
        ZX_PROCESS_TERMINATED = PROCESS_TERMINATED;
        ZX_THREAD_TERMINATED = THREAD_TERMINATED;
        ZX_THREAD_RUNNING = THREAD_RUNNING;
        ZX_THREAD_SUSPENDED = THREAD_SUSPENDED;
        ZX_JOB_NO_PROCESSES = JOB_NO_PROCESSES;
        ZX_JOB_NO_JOBS = JOB_NO_JOBS;
        ZX_TIMER_SIGNALED = TIMER_SIGNALED;
        ZX_VMO_ZERO_CHILDREN = VMO_ZERO_CHILDREN;
    });
    one_by_one.chain(by_object).collect()
}

fn limits() -> Vec<Number> {
    let sizes = [
        ("ZX_CHANNEL_MAX_MSG_BYTES", jacinth::MAX_MSG_BYTES),
        ("ZX_CHANNEL_MAX_MSG_HANDLES", jacinth::MAX_MSG_HANDLES),
        ("ZX_MAX_NAME_LEN", size_of::<Name>()),
        ("ZX_HANDLE_INVALID", usize::try_from(raw::INVALID).unwrap()),
    ];
    let koids = names!(Koid.raw_koid() {
        ZX_KOID_INVALID = INVALID;
        ZX_KOID_KERNEL = KERNEL;
    });
    let sizes = sizes.map(|(name, size)| (name.to_owned(), i64::try_from(size).unwrap()));
    sizes.into_iter().chain(koids).collect()
}

fn times() -> Vec<Number> {
    type FromUnits = fn(i64) -> MonotonicDuration;
    let units: [(&str, FromUnits); 6] = [
        ("ZX_NSEC", MonotonicDuration::from_nanos),
        ("ZX_USEC", MonotonicDuration::from_micros),
        ("ZX_MSEC", MonotonicDuration::from_millis),
        ("ZX_SEC", MonotonicDuration::from_seconds),
        ("ZX_MIN", MonotonicDuration::from_minutes),
        ("ZX_HOUR", MonotonicDuration::from_hours),
    ];
    let units = units.into_iter().flat_map(|(unit, from_unit)| {
        [-3, 0, 1, 7].map(|count| (format!("{unit}({count})"), from_unit(count).into_nanos()))
    });
    let ends = names!(MonotonicInstant.into_nanos() {
        ZX_TIME_INFINITE = INFINITE;
        ZX_TIME_INFINITE_PAST = INFINITE_PAST;
    });
    units.chain(ends).collect()
}

/// `zircon/time.h` saturates as the Rust operators do, at both ends and just inside them.
pub fn arithmetic() -> Vec<Number> {
    const MOST: i64 = i64::MAX;
    const LEAST: i64 = i64::MIN;
    let mut results = Vec::new();
    for left in [LEAST, LEAST + 1, -2, 0, 1, MOST - 1, MOST] {
        for right in [LEAST, LEAST + 1, -1, 0, 2, MOST - 1, MOST] {
            let (instant, duration) = (MonotonicInstant::from_nanos, MonotonicDuration::from_nanos);
            for (function, result) in [
                ("zx_time_add_duration", (instant(left) + duration(right)).into_nanos()),
                ("zx_time_sub_duration", (instant(left) - duration(right)).into_nanos()),
                ("zx_time_sub_time", (instant(left) - instant(right)).into_nanos()),
                ("zx_duration_add_duration", (duration(left) + duration(right)).into_nanos()),
                ("zx_duration_sub_duration", (duration(left) - duration(right)).into_nanos()),
                ("zx_duration_mul_int64", (duration(left) * right).into_nanos()),
            ] {
                results.push((
                    format!("{function}({}, {})", super::c::number(left), super::c::number(right)),
                    result,
                ));
            }
        }
    }
    results
}
