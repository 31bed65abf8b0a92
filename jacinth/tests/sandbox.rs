//! A process that cannot listen at the arena's path leads all the same, and is led.

#![allow(clippy::zombie_processes, reason = "the order of deaths is tested; orphans end by themselves")]

mod support;

use rustix::process::Pid;
use std::fs;
use std::path::Path;
use support::commanded_child::*;
use support::*;
use tempfile::TempDir;

#[test]
fn child_main() {
    play(&ROLES);
}

/// A creator and two members, which watch it.
fn three(base: &Path) -> (CommandedChild, String, CommandedChild, CommandedChild) {
    let mut creator = CommandedChild::new(creator_in(base));
    let path = creator.told("path");
    let (first, second) = (CommandedChild::new(member_at(&path)), CommandedChild::new(member_at(&path)));
    (creator, path, first, second)
}

fn until_led_by(who: &mut CommandedChild, leader: Pid) {
    eventually(|| who.told("leader") == leader.as_raw_nonzero().to_string());
}

fn until_led_by_another(who: &mut CommandedChild, dead: &str) {
    eventually(|| who.told("leader") != dead);
}

fn until_alone(who: &mut CommandedChild) {
    eventually(|| who.told("processes") == "1");
}

#[test]
fn a_leader_without_path_admits_later() {
    let base = TempDir::new().unwrap();
    let (creator, path, mut first, second) = three(base.path());
    // A file can contain no socket.
    let folder = Path::new(&path).parent().unwrap();
    fs::remove_dir_all(folder).unwrap();
    fs::write(folder, "").unwrap();
    let dead = creator.pid().as_raw_nonzero().to_string();
    creator.kill();
    until_led_by_another(&mut first, &dead);
    assert_eq!(first.told("collect"), "collected");
    assert!(!admits(&path));
    let refused = first.told("spawn");
    assert!(refused.contains("could not join") && refused.contains(&path), "{refused}");
    // Whichever of them leads, it hears of the other's death.
    second.kill();
    until_alone(&mut first);
    fs::remove_file(folder).unwrap();
    until_admits(&path);
    assert_eq!(first.told("spawn"), "hello");
    first.end();
}

#[test]
fn a_sandboxed_process_can_lead() {
    if !is_root() {
        return;
    }
    let (base, jail) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (chroot, setuid) = (format!("chroot {}", jail.path().display()), "setuid 65534".to_owned());
    for sandbox in [vec![&chroot], vec![&setuid], vec![&chroot, &setuid]] {
        let (creator, path, mut first, mut second) = three(base.path());
        for child in [&mut first, &mut second] {
            sandbox.iter().for_each(|what| assert_eq!(child.told(what), "done"));
        }
        let mut outside = CommandedChild::new(member_at(&path));
        // It is led by one that can listen, which has precedence.
        creator.kill();
        until_led_by(&mut first, outside.pid());
        until_admits(&path);
        for child in [&mut first, &mut second, &mut outside] {
            assert_eq!(child.told("collect"), "collected");
        }
        // And then leads.
        let led_by = outside.pid().as_raw_nonzero().to_string();
        outside.kill();
        until_led_by_another(&mut second, &led_by);
        for child in [&mut first, &mut second] {
            assert_eq!(child.told("collect"), "collected");
        }
        assert!(!admits(&path));
        second.kill();
        until_alone(&mut first);
        assert_eq!(first.told("collect"), "collected");
        assert!(first.told("audit").contains("1 processes"));
        first.kill();
    }
}

fn is_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        eprintln!("not tried: it takes root");
    }
    is_root
}
