//! `rch login`, and what it means for later commands.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use rch_schemas::seal::SigningKey;

use super::*;
use crate::farm::{FarmClient, FarmError};

/// A home directory, and what a command sees of it.
struct Home {
    directory: TempDir,
    environment: Environment,
}

impl Home {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut environment = Environment { working_directory: directory.path().to_owned(), ..Environment::default() };
        environment.variables.insert("HOME".to_owned(), directory.path().to_str().unwrap().to_owned());
        Self { directory, environment }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(".config/rch").join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        fs::create_dir_all(self.path("")).unwrap();
        fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    async fn rch(&self, words: &[&str]) -> (Ending, Captured) {
        rch_in(self.environment.clone(), words).await
    }
}

/// A farm with this key that knows no run.
async fn farm_of(key: SigningKey) -> Fake {
    Fake::serve(move |asked| match asked.what.as_str() {
        "GET /farm" => Answer::json(&farm(&key)),
        "GET /runs?limit=20" => Answer::json(&json!([])),
        _ => Answer::not_found(),
    })
    .await
}

fn authorization(asked: &Asked) -> Option<String> {
    asked.headers.get("authorization").map(|value| value.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_login_pins_the_key_keeps_the_token_and_names_the_farm_for_later_commands() {
    let (home, fake) = (Home::new(), farm_of(Served::key()).await);
    let token = home.write("token", "s3cr3t\n");
    home.write("config.toml", "# mine\n[timeouts]\nconnect_seconds = 1\n");
    let url = fake.url.as_str().trim_end_matches('/').to_owned();
    let (ending, captured) = home.rch(&["login", &url, "--token-file", token.to_str().unwrap()]).await;
    assert_eq!(ending.exit_code, 0, "{}", captured.err());
    let fingerprint = Served::key().public_key().fingerprint().to_string();
    for line in [&format!("         Key  {fingerprint}, pinned at first sight\n"), "       Token  stored\n", "        Farm  home, rch "] {
        assert!(captured.err().contains(line), "{line:?} is not in\n{}", captured.err());
    }
    let config = fs::read_to_string(home.path("config.toml")).unwrap();
    assert_eq!(config, format!("coordinator = \"{url}\"\n# mine\n[timeouts]\nconnect_seconds = 1\n"));
    assert_eq!(fs::metadata(home.path("credentials.toml")).unwrap().permissions().mode() & 0o777, 0o600);

    let (ending, listed) = home.rch(&["runs"]).await;
    assert_eq!(ending.exit_code, 0, "{}", listed.err());
    let sent: Vec<Option<String>> = fake.asked().iter().map(authorization).collect();
    assert!(sent.len() >= 3 && sent.iter().all(|sent| sent.as_deref() == Some("Bearer s3cr3t")), "{sent:?}");

    let (ending, again) = home.rch(&["--json", "login", &url]).await;
    assert_eq!(ending.document.unwrap()["has_token"], true, "a login without a token keeps the one there is");
    for said in [&captured, &listed, &again] {
        assert!(!said.err().contains("s3cr3t") && !said.out().contains("s3cr3t"));
    }
    let (ending, _) = home.rch(&["logout", &url]).await;
    assert_eq!(ending.exit_code, 0);
    assert!(!fs::read_to_string(home.path("credentials.toml")).unwrap().contains("s3cr3t"));
    assert_eq!(home.rch(&["logout", &url]).await.0.exit_code, 3);
}

#[tokio::test]
async fn a_farm_with_another_key_is_refused_by_every_command_until_the_new_key_is_accepted() {
    let (home, fake) = (Home::new(), farm_of(Served::key()).await);
    let url = fake.url.as_str().trim_end_matches('/').to_owned();
    assert_eq!(home.rch(&["login", &url]).await.0.exit_code, 0);
    let (old, other) = (Served::key().public_key(), SigningKey::from_seed([9; 32]).public_key());
    let kept = fs::read_to_string(home.path("credentials.toml")).unwrap();
    home.write("credentials.toml", &kept.replace(&old.to_string(), &other.to_string()));
    for words in [&["runs"][..], &["status"], &["config", "show"], &["wait", "01KBQ3M5"], &["login", &url]] {
        let (ending, captured) = home.rch(words).await;
        assert_eq!(ending.exit_code, 93, "{words:?} {}", captured.err());
        for part in [old.fingerprint().to_string(), other.fingerprint().to_string(), format!("rch login {url} --replace-key")] {
            assert!(captured.err().contains(&part), "{words:?} {}", captured.err());
        }
    }
    let (ending, captured) = home.rch(&["login", &url, "--replace-key"]).await;
    assert!(ending.exit_code == 0 && captured.err().contains("pinned instead of the one before"), "{}", captured.err());
    assert_eq!(home.rch(&["runs"]).await.0.exit_code, 0);
}

#[tokio::test]
async fn a_key_that_was_told_by_other_means_is_held_against_the_farm_and_nothing_is_kept() {
    let (home, fake) = (Home::new(), farm_of(Served::key()).await);
    let wrong = Sha256::of("another key").to_string();
    let (ending, captured) = home.rch(&["login", fake.url.as_str(), "--key", &wrong]).await;
    assert!(ending.exit_code == 93 && captured.err().contains(&wrong), "{}", captured.err());
    assert!(!home.path("credentials.toml").exists() && !home.path("config.toml").exists());
    let right = Served::key().public_key().fingerprint().to_string();
    assert_eq!(home.rch(&["login", fake.url.as_str(), "--key", &right]).await.0.exit_code, 0);
}

#[tokio::test]
async fn a_token_of_the_environment_needs_no_login_and_credentials_open_to_others_are_refused() {
    let (mut home, fake) = (Home::new(), farm_of(Served::key()).await);
    home.environment.variables.insert("RCH_TOKEN".to_owned(), "from-ci".to_owned());
    let coordinator = ["--coordinator", fake.url.as_str()];
    assert_eq!(home.rch(&[&coordinator[..], &["runs"]].concat()).await.0.exit_code, 0);
    assert!(fake.asked().iter().all(|asked| authorization(asked).as_deref() == Some("Bearer from-ci")));
    let path = home.write("credentials.toml", "");
    let asked = fake.asked().len();
    let (ending, captured) = home.rch(&[&coordinator[..], &["runs"]].concat()).await;
    assert_eq!(ending.exit_code, 2);
    assert!(captured.err().contains(&format!("run: chmod 600 {}", path.display())), "{}", captured.err());
    assert_eq!(fake.asked().len(), asked, "nothing was sent");
}

#[tokio::test]
async fn a_login_leaves_another_farm_s_coordinator_alone_and_says_how_to_use_this_one() {
    let (home, fake) = (Home::new(), farm_of(Served::key()).await);
    home.write("config.toml", "coordinator = \"http://127.0.0.1:9\"\n");
    let (ending, captured) = home.rch(&["login", fake.url.as_str()]).await;
    assert_eq!((ending.exit_code, &ending.document.unwrap()["is_default"]), (0, &json!(false)));
    assert!(
        captured.err().contains("names another coordinator; this one is used with --coordinator http://127.0.0.1:"),
        "{}",
        captured.err()
    );
    assert_eq!(fs::read_to_string(home.path("config.toml")).unwrap(), "coordinator = \"http://127.0.0.1:9\"\n");
}

#[tokio::test]
async fn what_is_no_farm_s_address_is_refused_without_showing_a_password() {
    let home = Home::new();
    for words in [["login", "farm:7070"], ["login", "http://kim:hunter2@farm"], ["login", "http://farm?x"], ["logout", "ftp://farm"]] {
        let (ending, captured) = home.rch(&words).await;
        assert_eq!(ending.exit_code, 2, "{words:?}");
        assert!(captured.err().contains("expected a URL such as") && !captured.err().contains("hunter2"), "{}", captured.err());
    }
}

#[tokio::test]
async fn a_token_goes_neither_over_plain_http_to_another_machine_nor_after_a_redirect() {
    use crate::credentials::{Access, PlainHttp, Token};
    let access = |plain_http| Access { token: Some(Token::parse("s3cr3t", "a test").unwrap()), pinned: None, plain_http };
    let client = |url: &str, plain_http| FarmClient::with(url.parse().unwrap(), &access(plain_http));
    let refused = client("http://farm.example:7070", PlainHttp::Refused).unwrap_err();
    assert!(matches!(&refused, FarmError::PlainHttp { .. }) && refused.why().exit_code() == 2, "{refused}");
    for (url, plain_http) in [
        ("http://farm.example:7070", PlainHttp::Allowed),
        ("https://farm.example", PlainHttp::Refused),
        ("http://[::1]:7070", PlainHttp::Refused),
        ("http://localhost", PlainHttp::Refused),
    ] {
        assert!(client(url, plain_http).is_ok(), "{url}");
    }
    let target = farm_of(Served::key()).await;
    let there = target.url.join("v1/farm").unwrap().to_string();
    let redirecting = Fake::serve(move |_| Answer::bytes("").with_status(307).with("Location", there.clone())).await;
    let error = client(redirecting.url.as_str(), PlainHttp::Refused).unwrap().farm().await.unwrap_err();
    assert!(matches!(error, FarmError::NotACoordinator { .. }), "{error}");
    assert!(target.asked().is_empty());
}
