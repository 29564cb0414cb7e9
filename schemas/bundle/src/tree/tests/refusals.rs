//! What cannot be bundled is refused by name.

use rustix::fs::{Mode as FileMode, OFlags, mkdirat, openat};

use super::*;
use crate::tar;
use crate::unpack::MEMBERS_MAX;

#[test]
fn links_inside_are_kept_and_an_escaping_one_is_refused_by_name() {
    let root = tree_of(&["Versions/A/Lib"]);
    symlink("A", root.path().join("Versions/Current")).unwrap();
    symlink("nowhere", root.path().join("dangling")).unwrap();
    let tree = walk(root.path(), &Options::default()).unwrap();
    assert_eq!(tree.get("Versions/Current").unwrap().kind, Kind::Symlink { target: "A".to_owned() });

    symlink("../../outside", root.path().join("Versions/bad")).unwrap();
    let error = refusal(root.path());
    assert_eq!(error.reason(), Some(Reason::EscapingSymlink));
    assert!(error.to_string().starts_with("the symbolic link Versions/bad points to ../../outside, outside the tree"), "{error}");
}

#[test]
fn what_to_do_about_a_link_that_git_tracks_is_not_to_ignore_it() {
    let root = tree_of(&["a"]);
    symlink("/etc/hosts", root.path().join("bad")).unwrap();
    git(root.path(), &["init", "--quiet"]);
    assert!(refusal(root.path()).to_string().ends_with("or ignore it in .rchignore"));
    git(root.path(), &["add", "bad"]);
    write(root.path(), &["b"]);
    fs::write(root.path().join(".rchignore"), "bad\n").unwrap();
    let error = refusal(root.path()).to_string();
    assert!(error.contains("take it out of git with `git rm --cached` and ignore it in .rchignore"), "{error}");
    git(root.path(), &["rm", "--quiet", "--cached", "bad"]);
    assert_eq!(paths(root.path(), &Options::default()), [".rchignore", "a", "b"]);
}

#[test]
fn a_socket_is_refused_by_name_unless_ignored() {
    let root = tree_of(&["a"]);
    let _socket = std::os::unix::net::UnixListener::bind(root.path().join("daemon.sock")).unwrap();
    let error = refusal(root.path());
    assert_eq!(error.reason(), Some(Reason::UnsupportedFile));
    assert!(error.to_string().starts_with("daemon.sock is a socket"), "{error}");
    fs::write(root.path().join(".rchignore"), "*.sock\n").unwrap();
    assert_eq!(paths(root.path(), &Options::default()), [".rchignore", "a"]);
}

#[test]
fn names_that_collide_on_a_mac_are_refused_with_both() {
    let root = tree_of(&["Sources/View.swift", "sources/Model.swift"]);
    let error = refusal(root.path());
    assert_eq!(error.reason(), Some(Reason::NameCollision));
    assert!(error.to_string().starts_with("Sources and sources are the same name"), "{error}");

    let root = tree_of(&["caf\u{e9}", "cafe\u{301}"]);
    let error = refusal(root.path()).to_string();
    assert!(error.contains("caf\\u{e9}") && error.contains("cafe\\u{301}"), "{error}");
}

#[test]
fn a_name_that_is_not_text_is_refused_unless_ignored() {
    use std::os::unix::ffi::OsStrExt as _;
    let root = tree_of(&["a"]);
    fs::write(root.path().join(std::ffi::OsStr::from_bytes(b"b\xff.bin")), "x").unwrap();
    assert_eq!(refusal(root.path()).reason(), Some(Reason::UnsupportedFile));
    fs::write(root.path().join(".gitignore"), "*.bin\n").unwrap();
    assert_eq!(paths(root.path(), &Options::default()), [".gitignore", "a"]);
}

#[test]
fn a_tree_over_the_limit_is_refused_with_its_largest_files() {
    let root = tree_of(&["small"]);
    fs::write(root.path().join("large"), vec![0; 10_000]).unwrap();
    let limited = |bytes| walk(root.path(), &Options { bundle_bytes_max: Some(bytes), ..Options::default() });
    // Two headers, one block of content, twenty, and the end.
    let exact = 2 * 512 + 512 + 20 * 512 + 1_024;
    assert!(limited(exact).is_ok());
    let error = limited(exact - 1).expect_err("one byte too many");
    assert_eq!(error.reason(), Some(Reason::SizeExceeded));
    assert!(error.to_string().ends_with("The largest: large (10000), small (17)"), "{error}");
}

#[test]
fn a_root_that_is_no_directory_is_refused() {
    let root = tree_of(&["file"]);
    assert!(matches!(walk(&root.path().join("file"), &Options::default()), Err(WalkError::NotADirectory { .. })));
    assert!(matches!(walk(&root.path().join("nothing"), &Options::default()), Err(WalkError::NotADirectory { .. })));
}

#[test]
fn names_that_differ_by_special_letters_only_are_one_on_a_mac() {
    for (one, other) in [("stra\u{df}e", "STRASSE"), ("dre\u{17f}s", "dress"), ("\u{130}", "i\u{307}"), ("\u{3c2}", "\u{3a3}")] {
        let root = tree_of(&[one, other]);
        assert!(matches!(refusal(root.path()), WalkError::NameCollision { .. }), "{one} {other}");
    }
    // The dotless i is a letter of its own, and an ignored name takes nobody's place.
    let root = tree_of(&["\u{131}", "i", "README", "readme"]);
    fs::write(root.path().join(".rchignore"), "readme\n").unwrap();
    assert_eq!(paths(root.path(), &Options::default()), [".rchignore", "README", "i", "\u{131}"]);
}

#[test]
fn a_link_that_leaves_by_way_of_others_is_refused() {
    let root = tree_of(&["a/b/c/file"]);
    symlink("..", root.path().join("a/b/c/one")).unwrap();
    symlink("c/one/..", root.path().join("a/b/two")).unwrap();
    symlink("a/b/two", root.path().join("three")).unwrap();
    assert!(walk(root.path(), &Options::default()).is_ok(), "every step is inside");
    symlink("three/../..", root.path().join("four")).unwrap();
    let error = refusal(root.path());
    assert!(matches!(&error, WalkError::EscapingSymlink { path, target, .. } if path == "four" && target == "three/../.."), "{error}");
}

#[test]
fn a_link_whose_target_no_archive_may_hold_is_refused_before_it_is_sent() {
    let root = tree_of(&["a"]);
    symlink("b\nc", root.path().join("link")).unwrap();
    let error = refusal(root.path());
    assert_eq!(error.reason(), Some(Reason::UnsupportedFile));
    assert!(error.to_string().contains("it has a control character"), "{error}");
}

#[test]
fn a_fifo_is_refused_and_not_waited_for() {
    let root = tree_of(&["a"]);
    assert!(Command::new("mkfifo").arg(root.path().join("pipe")).status().unwrap().success());
    assert!(refusal(root.path()).to_string().starts_with("pipe is a FIFO"));
}

#[test]
fn of_several_faults_the_first_by_path_is_named_every_time() {
    let bad: Vec<String> = (0..40).map(|index| format!("d{index:02}/x\u{7}")).collect();
    let root = tree_of(&bad.iter().map(String::as_str).collect::<Vec<_>>());
    for _ in 0..20 {
        assert!(matches!(refusal(root.path()), WalkError::Name { path, .. } if path == bad[0]));
    }
}

#[test]
fn a_bad_directory_name_is_refused_only_when_something_in_it_is_taken() {
    let root = tree_of(&["d\u{7}/ignored.log", "a"]);
    fs::write(root.path().join(".gitignore"), "*.log\n").unwrap();
    assert_eq!(paths(root.path(), &Options::default()), [".gitignore", "a"]);
    write(root.path(), &["d\u{7}/deep/b"]);
    assert!(matches!(refusal(root.path()), WalkError::Name { path, .. } if path == "d\u{7}"));
}

#[test]
fn more_members_than_an_archive_may_have_are_refused() {
    let error = list::check_count(MEMBERS_MAX + 1).unwrap_err();
    assert_eq!(error.reason(), Some(Reason::SizeExceeded));
    assert!(error.to_string().starts_with("the tree has 1000001 files and directories, more than the 1000000"), "{error}");
    assert!(list::check_count(MEMBERS_MAX).is_ok());
}

#[test]
fn an_absolute_link_is_refused_even_when_it_leads_inside() {
    let root = tree_of(&["a"]);
    symlink(root.path().join("a"), root.path().join("link")).unwrap();
    let error = refusal(root.path());
    assert_eq!(error.reason(), Some(Reason::EscapingSymlink));
    assert!(error.to_string().contains("an absolute path, which means something else on a Mac; make it relative"), "{error}");
}

#[test]
fn links_in_a_circle_and_links_to_directories_are_kept_and_not_followed() {
    let root = tree_of(&["d/a"]);
    symlink("two", root.path().join("one")).unwrap();
    symlink("one", root.path().join("two")).unwrap();
    symlink(".", root.path().join("d/here")).unwrap();
    symlink("d", root.path().join("e")).unwrap();
    assert_eq!(paths(root.path(), &Options::default()), ["d/a", "d/here", "e", "one", "two"]);
}

#[test]
fn a_device_is_refused_by_name() {
    let devices = OpenDirectory::read("/dev".into()).unwrap().unwrap();
    let error = devices.leaf("null".as_ref(), "null").unwrap_err();
    assert_eq!(error.reason(), Some(Reason::UnsupportedFile));
    assert!(error.to_string().starts_with("null is a character device"), "{error}");
}

#[test]
fn a_name_with_a_line_feed_is_refused_with_the_rule_it_breaks() {
    let root = tree_of(&["a\nb"]);
    assert!(refusal(root.path()).to_string().starts_with("the name \"a\\nb\" cannot be bundled: it has a control character; rename it"));
}

#[test]
fn a_file_larger_than_any_archive_holds_is_refused_whatever_the_limit() {
    let root = tree_of(&["a"]);
    // A hole: it takes no room.
    fs::File::create(root.path().join("disk.img")).unwrap().set_len(tar::FILE_BYTES_MAX + 1).unwrap();
    let error = refusal(root.path());
    assert_eq!(error.reason(), Some(Reason::SizeExceeded));
    assert!(error.to_string().starts_with("disk.img has 8589934592 bytes, more than the 8589934591 that one file"), "{error}");
    fs::File::create(root.path().join("disk.img")).unwrap().set_len(tar::FILE_BYTES_MAX).unwrap();
    assert!(walk(root.path(), &Options::default()).is_ok());
}

#[test]
fn a_directory_deeper_than_any_archive_holds_is_refused_for_its_name() {
    let root = tree_of(&["a"]);
    let name = "x".repeat(250);
    // Made from the inside, since its path as a whole is longer than this system takes.
    let mut here = rustix::fs::open(root.path(), OFlags::DIRECTORY, FileMode::empty()).unwrap();
    for _ in 0..20 {
        mkdirat(&here, &name, FileMode::RWXU).unwrap();
        here = openat(&here, &name, OFlags::DIRECTORY, FileMode::empty()).unwrap();
    }
    openat(&here, "f", OFlags::CREATE | OFlags::WRONLY, FileMode::RUSR).unwrap();
    let error = refusal(root.path());
    assert_eq!(error.reason(), Some(Reason::UnsupportedFile));
    assert!(error.to_string().contains("it is longer than 1024 bytes"), "{error}");
}
