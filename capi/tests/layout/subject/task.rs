//! The handles of a program to itself, and its exit.

use super::Subject;
use crate::signature::signatures;

pub fn subject() -> Subject {
    // A cast to a function type fails for a function that does not return.
    let _: unsafe extern "C" fn(i64) -> ! = jacinth_capi_calls::zx_process_exit;
    let _: unsafe extern "C-unwind" fn() -> ! = jacinth_capi_calls::zx_thread_exit;
    let mut calls = signatures! {
        zx_take_startup_handle(1)
        zx_thread_self()
        zx_process_self()
        zx_vmar_root_self()
        zx_job_default()
    };
    calls.push(("zx_process_exit".to_owned(), ("!".to_owned(), vec!["i64".to_owned()])));
    calls.push(("zx_thread_exit".to_owned(), ("!".to_owned(), vec![])));
    Subject { calls, structures: Vec::new() }
}
