//! Refusals of the system: system calls (by a seccomp filter), limits, `/proc`. The library works without, or names the limit.

#[path = "support/refuse.rs"]
mod refuse;
mod support;

use jacinth::*;
use procfs::process::{MMapPath, MemoryMap, VmFlags};
use refuse::refuse;
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::time::Duration;
use support::*;

const GIB: u64 = 1 << 30;

/// Child processes of this file, by their roles.
#[test]
fn child_main() {
    play(&[("echo", echo), ("member", member), ("unbarriered", unbarriered)]);
}

// Without futex_waitv: podman's filter says EPERM, older kernels and valgrind say ENOSYS.

#[test]
fn every_item_wakes_without_futex_waitv() {
    alone(|| {
        refuse(&[libc::SYS_futex_waitv], Errno::PERM);
        let supervisor = Supervisor::create(&Config::default()).unwrap();
        every_item_wakes(&supervisor);
        clean(&supervisor);
    });
}

#[test]
fn every_item_wakes_on_old_kernels() {
    alone(|| {
        refuse(&[libc::SYS_futex_waitv], Errno::NOSYS);
        let supervisor = Supervisor::create(&Config::default()).unwrap();
        every_item_wakes(&supervisor);
        clean(&supervisor);
    });
}

fn every_item_wakes(supervisor: &Supervisor) {
    let events: Vec<Event> = (0..4).map(|_| Event::create()).collect();
    for round in 0..200 {
        let signaled = round % events.len();
        std::thread::scope(|scope| {
            let waiter = asleep(scope, supervisor, || {
                let mut items: Vec<_> =
                    events.iter().map(|event| WaitItem::new(event, Signals::USER_0)).collect();
                object_wait_many(&mut items, FOREVER).unwrap();
                items.iter().position(|item| item.pending.contains(Signals::USER_0))
            });
            events[signaled].signal(Signals::NONE, Signals::USER_0).unwrap();
            assert_eq!(waiter.join().unwrap(), Some(signaled));
        });
        events[signaled].signal(Signals::USER_0, Signals::NONE).unwrap();
    }
}

#[test]
fn waits_without_futex_waitv_are_idle() {
    alone(|| {
        refuse(&[libc::SYS_futex_waitv], Errno::PERM);
        let supervisor = Supervisor::create(&Config::default()).unwrap();
        let events: Vec<Event> = (0..3).map(|_| Event::create()).collect();
        let mut items: Vec<_> = events.iter().map(|event| WaitItem::new(event, Signals::USER_0)).collect();
        let length = MonotonicDuration::from_seconds(1);
        let deadline = MonotonicInstant::after(length);
        let before = processor_time(libc::RUSAGE_THREAD);
        assert_eq!(object_wait_many(&mut items, deadline), Err(Status::TIMED_OUT));
        assert!(MonotonicInstant::get() >= deadline);
        let spent = processor_time(libc::RUSAGE_THREAD) - before;
        assert!(spent < Duration::from_millis(250), "{spent:?} of a second's wait");
        clean(&supervisor);
    });
}

#[test]
fn deaths_are_noticed_without_futex_waitv() {
    alone(|| {
        refuse(&[libc::SYS_futex_waitv], Errno::PERM);
        let supervisor = Supervisor::create(&Config::default()).unwrap();
        let children: Vec<_> = (0..3).map(|_| spawn(&supervisor, "echo")).collect();
        for (channel, _) in &children {
            tell(channel, "are you there?");
            next(channel);
        }
        let before = processor_time(libc::RUSAGE_SELF);
        std::thread::sleep(Duration::from_secs(1));
        let spent = processor_time(libc::RUSAGE_SELF) - before;
        assert!(spent < Duration::from_millis(250), "{spent:?} of an idle second");
        for (channel, mut child) in children {
            child.kill().unwrap();
            wait_for_peer_closed(&channel);
            child.wait().unwrap();
        }
        supervisor.collect().unwrap();
        clean(&supervisor);
    });
}

/// The processor time of this thread, or process.
fn processor_time(whose: libc::c_int) -> Duration {
    // SAFETY: all-zero bytes are a valid `rusage`.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `usage` is there to be written to.
    assert_eq!(unsafe { libc::getrusage(whose, &raw mut usage) }, 0);
    [usage.ru_utime, usage.ru_stime]
        .map(|time| Duration::new(time.tv_sec.cast_unsigned(), time.tv_usec as u32 * 1000))
        .into_iter()
        .sum()
}

// Without membarrier.

#[test]
fn refused_membarrier_is_survivable() {
    alone(|| refused_to_all(Errno::PERM));
}

#[test]
fn missing_membarrier_is_survivable() {
    alone(|| refused_to_all(Errno::NOSYS));
}

fn refused_to_all(errno: Errno) {
    refuse(&[libc::SYS_membarrier], errno);
    let mut config = Config::default();
    config.max_objects = 256;
    let supervisor = Supervisor::create(&config).unwrap();
    let (channel, child) = spawn(&supervisor, "echo");
    for _ in 0..100 {
        // Far more objects than there is room for: they are reclaimed.
        for _ in 0..100 {
            drop(Event::create());
        }
        set_spin(MonotonicDuration::ZERO);
        channel.write(b"there and back", &mut [event()]).unwrap();
        assert_eq!(next(&channel).n_handles(), 1);
    }
    drop(channel);
    join(child);
    supervisor.collect().unwrap();
    clean(&supervisor);
}

#[test]
fn one_process_may_lack_membarrier() {
    in_arena(|supervisor| {
        let (channel, child) = spawn(supervisor, "unbarriered");
        set_spin(MonotonicDuration::ZERO);
        for _ in 0..300 {
            tell(&channel, "there and back");
            next(&channel);
        }
        drop(channel);
        join(child);
        supervisor.collect().unwrap();
    });
}

#[test]
fn an_end_passes_on_without_membarrier() {
    alone(|| {
        let supervisor = Supervisor::create(&Config::default()).unwrap();
        let (near, far) = Channel::create();
        // Each end gets used to the thread that uses it.
        let exchange = || {
            for _ in 0..1000 {
                tell(&near, "there");
                next(&far);
            }
        };
        exchange();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // From here on, for this thread alone.
                refuse(&[libc::SYS_membarrier], Errno::PERM);
                exchange();
            });
        });
        exchange();
        drop((near, far));
        clean(&supervisor);
    });
}

fn unbarriered() {
    refuse(&[libc::SYS_membarrier], Errno::PERM);
    set_spin(MonotonicDuration::ZERO);
    echo();
}

// Limits.

fn limit(resource: Resource, current: u64, maximum: u64) {
    setrlimit(resource, Rlimit { current: Some(current), maximum: Some(maximum) }).unwrap();
}

/// Creates an arena, which must fail with an error that has all these parts.
fn refused_with(parts: &[&str]) {
    let error = Supervisor::create(&Config::default()).unwrap_err();
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "{text:?} has no {part:?}");
    }
    assert_eq!(error.status(), Status::NO_RESOURCES);
    assert!(!is_attached());
}

fn small() -> Config {
    let mut config = Config::default();
    (config.pool_bytes, config.max_objects, config.max_handles_per_process) = (1 << 20, 1024, 1023);
    config.vmo_pool_bytes = 1 << 20;
    config
}

#[test]
fn errors_name_the_file_size_limit() {
    alone(|| {
        limit(Resource::Fsize, GIB, GIB);
        refused_with(&["RLIMIT_FSIZE (ulimit -f) is 1073741824", "raise that limit", "pool_bytes"]);
        // An arena that is small enough is made.
        clean(&Supervisor::create(&small()).unwrap());
    });
}

#[test]
fn errors_name_the_address_space_limit() {
    alone(|| {
        limit(Resource::As, 4 * GIB, 4 * GIB);
        refused_with(&["RLIMIT_AS (ulimit -v) is 4294967296", "raise that limit", "pool_bytes"]);
        clean(&Supervisor::create(&small()).unwrap());
    });
}

#[test]
fn memory_is_locked_when_touched() {
    alone(|| {
        if !lock_what_is_mapped() {
            return eprintln!("skipped: this user may not lock so much memory");
        }
        let supervisor = Supervisor::create(&Config::default()).unwrap();
        let (ours, theirs) = Channel::create();
        tell(&ours, [7; 60_000]);
        assert_eq!(next(&theirs).bytes().len(), 60_000);
        let (flags, real_kib) = arena_in_smaps();
        assert!(flags.contains(VmFlags::LO), "the arena is locked: {flags:?}");
        assert!(real_kib > 0 && real_kib < 64 << 10, "{real_kib} KiB are real");
        clean(&supervisor);
    });
}

fn lock_what_is_mapped() -> bool {
    // Root needs none.
    let _ = setrlimit(Resource::Memlock, Rlimit { current: None, maximum: None });
    // SAFETY: locking changes no memory.
    let is_locking = unsafe { libc::mlockall(libc::MCL_CURRENT | libc::MCL_FUTURE) } == 0;
    // SAFETY: a new mapping, of a size that only a user without a limit may lock.
    is_locking
        && unsafe {
            let probe = libc::mmap(
                std::ptr::null_mut(),
                1 << 40,
                libc::PROT_NONE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            );
            probe != libc::MAP_FAILED && libc::munmap(probe, 1 << 40) == 0
        }
}

/// The flags of the arena's mapping, and how many KiB of it are real.
fn arena_in_smaps() -> (VmFlags, u64) {
    let is_arena = |map: &MemoryMap| matches!(&map.pathname, MMapPath::Path(path) if path.to_string_lossy().contains("jacinth-arena"));
    let mut maps = procfs::process::Process::myself().unwrap().smaps().unwrap().into_iter();
    let arena = maps.find(is_arena).expect("the arena is mapped").extension;
    (arena.vm_flags, arena.map["Rss"] / 1024)
}

#[test]
fn errors_name_the_locked_memory_limit() {
    alone(|| {
        let most = 1 << 20;
        setrlimit(Resource::Memlock, Rlimit { current: Some(most), maximum: Some(most) }).unwrap();
        drop_privileges();
        // SAFETY: locking changes no memory.
        assert_eq!(unsafe { libc::mlockall(libc::MCL_FUTURE) }, 0);
        refused_with(&["RLIMIT_MEMLOCK (ulimit -l) is 1048576", "mlockall(MCL_FUTURE)", "pool_bytes"]);
        // SAFETY: as above.
        assert_eq!(unsafe { libc::munlockall() }, 0);
        clean(&Supervisor::create(&small()).unwrap());
    });
}

/// Root has no limits, so root becomes another user. Other users stay the same.
fn drop_privileges() {
    // SAFETY: these change the user of this process, and no memory.
    unsafe {
        libc::setresgid(65534, 65534, 65534);
        libc::setresuid(65534, 65534, 65534);
    }
}

#[test]
fn the_supervisor_raises_its_descriptor_limit() {
    alone(|| {
        let supervisor = Supervisor::create(&Config::default()).unwrap();
        // The supervisor answers after it has opened its own descriptors, and has moved them to high numbers.
        supervisor.collect().unwrap();
        // Enough for two pipes to each member, but not for the reserve that the supervisor leaves to the program.
        limit(Resource::Nofile, next_descriptor() + 62, 4096);
        let members: Vec<_> = (0..20).map(|_| start_member(&supervisor)).collect();
        for mut member in members {
            assert!(member.wait().unwrap().success());
        }
        assert_eq!(getrlimit(Resource::Nofile).current, Some(4096));
        supervisor.collect().unwrap();
        clean(&supervisor);
    });
}

#[test]
fn errors_name_the_supervisors_descriptor_limit() {
    alone(|| {
        let supervisor = Supervisor::create(&Config::default()).unwrap();
        // The member is started before descriptors run out, because a start takes some.
        let mut member = start_member(&supervisor);
        let own = getrlimit(Resource::Nofile).maximum.unwrap();
        let few = next_descriptor() + 8;
        limit(Resource::Nofile, few, own);
        setrlimit(Resource::Nofile, Rlimit { current: Some(few), maximum: Some(few) }).unwrap();
        let mut hoarded: Vec<OwnedFd> = Vec::new();
        while let Ok(fd) = rustix::event::eventfd(0, rustix::event::EventfdFlags::CLOEXEC) {
            hoarded.push(fd);
        }
        // The member's standard input: it attaches now.
        drop(member.stdin.take());
        let output = member.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("RLIMIT_NOFILE (ulimit -n)"), "{text}");
        drop(hoarded);
        clean(&supervisor);
    });
}

/// The number that the next descriptor will have.
fn next_descriptor() -> u64 {
    use std::os::fd::AsRawFd;
    let fd = rustix::event::eventfd(0, rustix::event::EventfdFlags::CLOEXEC).unwrap();
    fd.as_raw_fd().unsigned_abs().into()
}

const SOCKET: &str = "JACINTH_TEST_SOCKET";

/// A process that joins once its standard input ends, and says on its standard output why it cannot.
fn start_member(supervisor: &Supervisor) -> std::process::Child {
    let mut command: Command = role("member");
    command.env(SOCKET, supervisor.socket_path()).stdin(Stdio::piped()).stdout(Stdio::piped());
    command.spawn().unwrap()
}

fn member() {
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).unwrap();
    match attach(std::env::var(SOCKET).unwrap()) {
        Ok(()) => drop(Event::create()),
        Err(error) => println!("not attached: {error}"),
    }
}

#[test]
fn errors_name_the_descriptor_limit() {
    alone(|| {
        let mut hoarded: Vec<OwnedFd> = Vec::new();
        limit(Resource::Nofile, 64, 64);
        while let Ok(fd) = rustix::event::eventfd(0, rustix::event::EventfdFlags::CLOEXEC) {
            hoarded.push(fd);
        }
        let text = Supervisor::create(&Config::default()).unwrap_err().to_string();
        assert!(text.contains("RLIMIT_NOFILE (ulimit -n) is 64"), "{text}");
        drop(hoarded);
        clean(&Supervisor::create(&Config::default()).unwrap());
    });
}

#[test]
fn errors_name_a_missing_proc() {
    alone(|| {
        if !hide_proc() {
            return eprintln!("skipped: this user may not mount anything");
        }
        let text = Supervisor::create(&Config::default()).unwrap_err().to_string();
        assert!(text.contains("/proc") && text.contains("mount"), "{text}");
    });
}

/// Mounts an empty folder over `/proc`, for this process alone.
fn hide_proc() -> bool {
    // SAFETY: these change this process's view of the file system, and no memory.
    unsafe {
        libc::unshare(libc::CLONE_NEWNS) == 0
            && libc::mount(
                c"none".as_ptr(),
                c"/".as_ptr(),
                std::ptr::null(),
                libc::MS_REC | libc::MS_PRIVATE,
                std::ptr::null(),
            ) == 0
            && libc::mount(c"none".as_ptr(), c"/proc".as_ptr(), c"tmpfs".as_ptr(), 0, std::ptr::null()) == 0
    }
}

// Times without an end.

#[test]
fn an_endless_spin_ends() {
    in_arena(|_| {
        let event = Event::create();
        for _ in 0..3 {
            std::thread::scope(|scope| {
                let waiter = scope.spawn(|| {
                    set_spin(MonotonicDuration::INFINITE);
                    // A successful spin makes the next spin longer. This one has the greatest length.
                    event.wait_one(Signals::USER_0, FOREVER).map(drop)
                });
                std::thread::sleep(Duration::from_millis(5));
                event.signal(Signals::NONE, Signals::USER_0).unwrap();
                waiter.join().unwrap().unwrap();
            });
            event.signal(Signals::USER_0, Signals::NONE).unwrap();
        }
        set_spin(MonotonicDuration::INFINITE);
        let soon = MonotonicInstant::after(MonotonicDuration::from_millis(1));
        assert_eq!(event.wait_one(Signals::USER_0, soon).to_result(), Err(Status::TIMED_OUT));
    });
}
