//! Limits of the system: descriptors, threads, `/proc`. A limit that can be raised is raised; an error names any other.

use procfs::{FromRead, ProcessCGroups};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

/// How many descriptors are left to the program. When the supervisor comes nearer to the soft limit, it raises the limit.
const LEFT_TO_THE_PROGRAM: u64 = 64;

/// Raises this process's soft limit of descriptors (`RLIMIT_NOFILE`) to the hard limit. The supervisor needs two
/// descriptors for each process. `false` when the limit is as high as it can be.
fn raise_descriptors() -> bool {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return false;
    }
    let is_raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).is_ok();
    if is_raised {
        tracing::info!(from = ?current, to = ?maximum, "descriptors are scarce: the soft limit is raised");
    }
    is_raised
}

/// Raises the limit if `newest` is near it. The system gives the lowest free number, so a new number tells how many are in
/// use.
pub(crate) fn raise_descriptors_near(newest: &OwnedFd) {
    let number = u64::from(newest.as_raw_fd().unsigned_abs());
    if getrlimit(Resource::Nofile).current.is_some_and(|most| number + LEFT_TO_THE_PROGRAM > most) {
        raise_descriptors();
    }
}

/// Runs an operation that needs a descriptor; again if there was none and the limit could be raised.
pub(crate) fn with_descriptors<T>(mut operation: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    match operation() {
        Err(Errno::MFILE) if raise_descriptors() => operation(),
        done => done,
    }
}

/// Whether the error means that this process has no descriptors left.
pub(crate) fn is_out_of_descriptors(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::MFILE.raw_os_error())
}

/// The error of a thread that could not be started, with the limit that was met.
pub(crate) fn no_thread(error: io::Error) -> io::Error {
    if error.kind() != io::ErrorKind::WouldBlock {
        return with_limit_named(error);
    }
    // EAGAIN has several causes, and the kernel does not tell which limit was met.
    let which = full_cgroup().unwrap_or_else(|| match getrlimit(Resource::Nproc).current {
        Some(most) => format!("RLIMIT_NPROC (ulimit -u, of all of this user's threads) is {most}"),
        None => "the system's own limit (kernel.threads-max, kernel.pid_max) was met".into(),
    });
    io::Error::other(format!(
        "no thread can be started for the library: {which}; raise it, or end some threads"
    ))
}

/// The control group of this process, or one above it, that has reached its limit of threads.
fn full_cgroup() -> Option<String> {
    let text = std::fs::read("/proc/self/cgroup").ok()?;
    let groups = ProcessCGroups::from_read(text.as_slice()).ok()?;
    // 0 is the hierarchy of version 2, the only one with these files.
    let own = groups.into_iter().find(|group| group.hierarchy == 0)?.pathname;
    let own = own.trim_start_matches('/');
    let number = |path: std::path::PathBuf| std::fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    std::path::Path::new("/sys/fs/cgroup").join(own).ancestors().find_map(|group| {
        let (most, now) = (number(group.join("pids.max"))?, number(group.join("pids.current"))?);
        (now >= most).then(|| format!("{} is {most}", group.join("pids.max").display()))
    })
}

/// The system's error, with the limit that it means.
pub(crate) fn with_limit_named(error: io::Error) -> io::Error {
    if is_out_of_descriptors(&error) {
        let most = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        return io::Error::other(format!(
            "this process has no descriptors left: RLIMIT_NOFILE (ulimit -n) is {most}; raise it, or close some"
        ));
    }
    if error.raw_os_error() == Some(Errno::NOSYS.raw_os_error()) {
        return io::Error::other(
            "a system call is missing that is needed to watch another process, pidfd_open(2): the kernel is older than \
             5.3, or a filter or a tool (valgrind 3.19) does not let it through",
        );
    }
    if error.raw_os_error() == Some(Errno::NFILE.raw_os_error()) {
        return io::Error::other("the system has no descriptors left: fs.file-max (sysctl) is to be raised");
    }
    error
}

/// The error of a system without a usable `/proc`.
pub(crate) fn no_proc() -> io::Error {
    io::Error::other(
        "/proc does not show this process: processes are told apart by the times in /proc/PID/stat; mount it (mount -t \
         proc proc /proc), in a chroot or a container too",
    )
}
