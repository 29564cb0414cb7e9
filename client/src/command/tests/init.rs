//! `rch xcode init` in a tree, and what `verify` says without it.

use std::path::Path;

use super::*;

/// The tree of the other tests without its configuration, as a checkout.
fn bare() -> TempDir {
    let root = tree();
    fs::remove_dir_all(root.path().join(".rch")).unwrap();
    fs::create_dir(root.path().join(".git")).unwrap();
    root
}

#[tokio::test]
async fn what_is_printed_is_what_is_written_and_what_verify_shows() {
    let root = bare();
    let sub = root.path().join("Sources/App");
    fs::create_dir_all(&sub).unwrap();
    let (ending, printed) = rch(&sub, &["xcode", "init", "--print"]).await;
    assert_eq!(ending.exit_code, 0, "{}", printed.err());
    let file = root.path().join(".rch/xcode.toml");
    assert!(!file.exists() && printed.err().contains("     Project  project = \"App.xcodeproj\": "), "{}", printed.err());
    let (_, refused) = rch(&sub, &["xcode", "verify"]).await;
    let shown: Vec<&str> = printed.out().leak().lines().collect();
    assert!(shown.iter().filter(|line| !line.is_empty()).all(|line| refused.err().contains(line)), "{}", refused.err());
    assert!(refused.err().contains("`rch xcode init` writes this one:"), "{}", refused.err());

    let (ending, written) = rch(&sub, &["--json", "xcode", "init"]).await;
    let document = ending.document.unwrap();
    assert_eq!((ending.exit_code, &document["written"]), (0, &json!(true)), "{}", written.out());
    assert_eq!(fs::read_to_string(&file).unwrap(), document["text"].as_str().unwrap());
    assert_eq!(document["text"].as_str().unwrap().lines().collect::<Vec<_>>(), shown);
}

#[tokio::test]
async fn what_is_there_is_not_replaced_unless_it_is_asked_for() {
    let root = tree();
    let file = root.path().join(".rch/xcode.toml");
    fs::write(&file, "[broken").unwrap();
    let (ending, captured) = rch(root.path(), &["xcode", "init"]).await;
    assert_eq!(ending.exit_code, 2);
    assert!(
        captured.err().contains("xcode.toml is there already; rch xcode init --print shows what would be written, --force replaces it")
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "[broken");
    assert_eq!(rch(root.path(), &["xcode", "init", "--force"]).await.0.exit_code, 0);
    assert!(fs::read_to_string(&file).unwrap().contains("project = \"App.xcodeproj\""));
}

#[tokio::test]
async fn nothing_is_written_through_a_link() {
    let elsewhere = tempfile::tempdir().unwrap();
    let target = elsewhere.path().join("mine");
    fs::write(&target, "mine").unwrap();
    for (link, to) in [(".rch/xcode.toml", target.as_path()), (".rch/xcode.toml", Path::new("nowhere")), (".rch", elsewhere.path())] {
        let root = bare();
        let link = root.path().join(link);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(to, &link).unwrap();
        let (ending, captured) = rch(root.path(), &["xcode", "init", "--force"]).await;
        assert_eq!(ending.exit_code, 2, "{}", captured.err());
        assert!(captured.err().contains("is a link, and rch xcode init writes through none"), "{}", captured.err());
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }
    assert_eq!(fs::read_to_string(&target).unwrap(), "mine");
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_tree_with_nothing_to_build_is_told_what_makes_a_project() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join(".git")).unwrap();
    fs::write(root.path().join("project.yml"), "name: App").unwrap();
    let (ending, captured) = rch(root.path(), &["xcode", "init"]).await;
    assert_eq!(ending.exit_code, 2);
    assert!(captured.err().contains("project.yml is there: `xcodegen generate` makes the project"), "{}", captured.err());
    assert!(!root.path().join(".rch").exists());
}

#[tokio::test]
async fn the_farm_that_is_configured_says_which_device_there_is() {
    let key = Served::key();
    let facts = json!({
        "agent_version": "0.1.0", "arch": "arm64", "macos": {"product_name": "macOS", "version": "15.3", "build": "24D60"}, "xcodes": [],
        "runtimes": [{"identifier": "r", "platform": "iOS", "version": "26.0", "build": "23A", "device_types": ["d"]}],
        "device_types": [{"identifier": "d", "name": "iPhone 17", "family": "iPhone"}], "devices": [],
        "limits": {"slots": 1, "max_upload_bytes": 0}, "key_fingerprint": Sha256::of(""),
    });
    let worker = json!({
        "worker": "macmini-02", "priority": 10, "tags": [], "liveness": "online", "intake": "open", "slots": 1, "running": [], "xcodes": [],
    });
    let fake = Fake::serve(move |asked| match asked.what.as_str() {
        "GET /farm" => Answer::json(&farm(&key)),
        "GET /workers" => Answer::json(&json!([worker])),
        "GET /workers/macmini-02/facts" => Answer::json(&facts),
        _ => Answer::not_found(),
    })
    .await;
    let root = bare();
    let (ending, captured) = rch(root.path(), &["--coordinator", fake.url.as_str(), "xcode", "init", "--dry-run"]).await;
    assert_eq!(ending.exit_code, 0, "{}", captured.err());
    assert!(captured.out().contains("name=iPhone 17"), "{}\n{}", captured.out(), captured.err());
    assert!(captured.err().contains("iPhone 17: 1 of 1 workers of home can run it"), "{}", captured.err());
}
