//! A kernel that refuses some system calls: a seccomp filter of this thread, and of the threads that it starts.

use rustix::io::Errno;

/// `SECCOMP_RET_ERRNO` and `SECCOMP_RET_ALLOW` of `<linux/seccomp.h>`.
const ANSWER: u32 = 0x0005_0000;
const ALLOW: u32 = 0x7fff_0000;

/// From now on each of these calls, made by this thread or whatever it starts, is answered with an error.
pub fn refuse(calls: &[libc::c_long], errno: Errno) {
    let line =
        |code: u32, value: u32, skip: u8| libc::sock_filter { code: code as u16, jt: 0, jf: skip, k: value };
    // The number of the call is the first word that the filter is shown.
    let mut filter = vec![line(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0)];
    for call in calls {
        filter.push(line(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, *call as u32, 1));
        filter.push(line(libc::BPF_RET | libc::BPF_K, ANSWER | errno.raw_os_error() as u32, 0));
    }
    filter.push(line(libc::BPF_RET | libc::BPF_K, ALLOW, 0));
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: the program and its lines are there during the calls, which only read them.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        let filtered = libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program);
        assert_eq!(filtered, 0, "{}", std::io::Error::last_os_error());
    }
}
