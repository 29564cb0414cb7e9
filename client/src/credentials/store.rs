//! The file of credentials.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rch_schemas::seal::PublicKey;
use reqwest::Url;
use serde::{Deserialize, Serialize};

use super::access::{Access, PlainHttp};
use super::error::CredentialsError;
use super::token::Token;
use crate::environment::{Environment, TOKEN_VARIABLE};

/// The largest file: some thousand farms.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// The only mode it is written with.
const MODE: u32 = 0o600;
/// What others may not have.
const OTHERS: u32 = 0o077;
const HEAD: &str = "# Keys of farms, and tokens for them, written by `rch login`. For your eyes alone: mode 0600.\n\n";

/// What is known of farms, by the address of their coordinator.
#[derive(Debug)]
pub(crate) struct Credentials {
    path: Option<PathBuf>,
    file: Contents,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Contents {
    #[serde(default)]
    farms: BTreeMap<String, Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    /// The farm's name, for people.
    name: String,
    public_key: PublicKey,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    /// Whether the token may be sent over plain HTTP to another machine.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    insecure_http: bool,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What a login is to leave.
#[derive(Debug)]
pub(crate) struct Login {
    /// The farm's name.
    pub(crate) name: String,
    /// Its key.
    pub(crate) public_key: PublicKey,
    /// The token to keep.
    pub(crate) token: Option<Token>,
    /// Whether it may travel over plain HTTP.
    pub(crate) plain_http: PlainHttp,
}

impl Credentials {
    /// Reads the file; nothing is known when it is not there.
    ///
    /// # Errors
    /// Others may read it, it cannot be read, or is not what `rch login` writes.
    pub(crate) fn read(environment: &Environment) -> Result<Self, CredentialsError> {
        let path = environment.user_credentials();
        let file = path.as_deref().map(read).transpose()?.flatten().unwrap_or_default();
        Ok(Self { path, file })
    }

    /// Where they are kept.
    pub(crate) fn path(&self) -> Result<&Path, CredentialsError> {
        self.path.as_deref().ok_or(CredentialsError::NoPlace)
    }

    /// How the coordinator at `url` is spoken to. A token in `RCH_TOKEN` stands over the one that is kept.
    pub(crate) fn access(&self, url: &Url, environment: &Environment) -> Result<Access, CredentialsError> {
        let given = environment.get(TOKEN_VARIABLE).map(|text| Token::parse(text, TOKEN_VARIABLE)).transpose()?;
        let entry = self.file.farms.get(&address(url));
        let kept = entry.and_then(|entry| entry.token.as_deref()).map(|text| Token::parse(text, "the file of credentials")).transpose()?;
        let plain_http = if entry.is_some_and(|entry| entry.insecure_http) { PlainHttp::Allowed } else { PlainHttp::Refused };
        Ok(Access { token: given.or(kept), pinned: entry.map(|entry| entry.public_key.clone()), plain_http })
    }

    /// Keeps a login.
    pub(crate) fn keep(&mut self, url: &Url, login: &Login) -> Result<(), CredentialsError> {
        let entry = Entry {
            name: login.name.clone(),
            public_key: login.public_key.clone(),
            token: login.token.as_ref().map(|token| token.as_str().to_owned()),
            insecure_http: login.plain_http == PlainHttp::Allowed,
        };
        self.file.farms.insert(address(url), entry);
        self.write()
    }

    /// Forgets a login; whether there was one.
    pub(crate) fn forget(&mut self, url: &Url) -> Result<bool, CredentialsError> {
        let was_there = self.file.farms.remove(&address(url)).is_some();
        if was_there {
            self.write()?;
        }
        Ok(was_there)
    }

    /// The addresses of the farms that are known.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = &str> {
        self.file.farms.keys().map(String::as_str)
    }

    fn write(&self) -> Result<(), CredentialsError> {
        let path = self.path()?;
        let text = toml::to_string(&self.file).expect("texts and tables are TOML");
        replace(path, &format!("{HEAD}{text}"), MODE).map_err(|source| CredentialsError::Unwritable { path: path.to_owned(), source })
    }
}

/// The address by which a coordinator is known: without what does not change whom one speaks to.
pub(crate) fn address(url: &Url) -> String {
    let mut url = url.clone();
    // Only URLs that cannot have a user refuse to lose it.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.as_str().trim_end_matches('/').to_owned()
}

fn read(path: &Path) -> Result<Option<Contents>, CredentialsError> {
    let unreadable = |source| CredentialsError::Unreadable { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    // Of the open file, so that nobody puts another in its place in between.
    let metadata = file.metadata().map_err(unreadable)?;
    let mode = metadata.mode() & 0o7777;
    if metadata.is_file() && mode & OTHERS != 0 {
        return Err(CredentialsError::TooOpen { path: path.to_owned(), mode });
    }
    let mut text = String::new();
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(unreadable)?;
    // The parser's words may quote the line, and the line may hold a token.
    let line = |error: toml::de::Error| error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
    toml::from_str(&text).map(Some).map_err(|error| CredentialsError::Invalid { path: path.to_owned(), line: line(error) })
}

/// Puts `text` in a file's place, whole or not at all. A link is followed: some people keep their configuration elsewhere.
pub(crate) fn replace(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(text.as_bytes())?;
    file.as_file().set_permissions(Permissions::from_mode(mode))?;
    file.as_file().sync_all()?;
    file.persist(&path).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use rch_schemas::seal::SigningKey;

    use super::*;

    fn surroundings(token: Option<&str>) -> (tempfile::TempDir, Environment) {
        let home = tempfile::tempdir().unwrap();
        let mut environment = Environment::default();
        environment.variables.insert("HOME".to_owned(), home.path().to_str().unwrap().to_owned());
        environment.variables.extend(token.map(|token| (TOKEN_VARIABLE.to_owned(), token.to_owned())));
        (home, environment)
    }

    fn login(token: Option<&str>) -> Login {
        let token = token.map(|token| Token::parse(token, "a test").unwrap());
        Login { name: "home".to_owned(), public_key: SigningKey::from_seed([1; 32]).public_key(), token, plain_http: PlainHttp::Refused }
    }

    #[test]
    fn what_is_kept_is_known_by_the_address_alone_and_closed_to_others() {
        let (home, environment) = surroundings(None);
        let url: Url = "https://Farm.example/team/".parse().unwrap();
        let mut credentials = Credentials::read(&environment).unwrap();
        credentials.keep(&url, &login(Some("s3cr3t"))).unwrap();
        let path = home.path().join(".config/rch/credentials.toml");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert!(!format!("{credentials:?}").contains("s3cr3t"));
        let access = |text: &str| Credentials::read(&environment).unwrap().access(&text.parse().unwrap(), &environment).unwrap();
        let known = access("https://farm.example:443/team");
        assert_eq!((known.token, known.pinned), (login(Some("s3cr3t")).token, Some(login(None).public_key)));
        let other = access("https://farm.example/");
        assert!(other.token.is_none() && other.pinned.is_none());
        assert!(credentials.forget(&url).unwrap() && !credentials.forget(&url).unwrap());
        assert!(access("https://farm.example/team").pinned.is_none());
    }

    #[test]
    fn a_token_of_the_environment_stands_over_the_kept_one() {
        let (_home, environment) = surroundings(Some("from-ci"));
        let url: Url = "http://127.0.0.1:7070".parse().unwrap();
        let mut credentials = Credentials::read(&environment).unwrap();
        credentials.keep(&url, &login(Some("kept"))).unwrap();
        assert_eq!(credentials.access(&url, &environment).unwrap().token, login(Some("from-ci")).token);
    }

    #[test]
    fn a_file_that_others_may_read_is_refused_with_the_command_that_closes_it() {
        let (home, environment) = surroundings(None);
        Credentials::read(&environment).unwrap().keep(&"http://a".parse().unwrap(), &login(None)).unwrap();
        let path = home.path().join(".config/rch/credentials.toml");
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let error = Credentials::read(&environment).unwrap_err().to_string();
        let shown = path.display();
        assert_eq!(error, format!("{shown} can be read by others (mode 0640), and it holds tokens; run: chmod 600 {shown}"));
    }

    #[test]
    fn a_damaged_file_is_named_by_its_line_and_nothing_of_it_is_shown() {
        let (home, environment) = surroundings(None);
        let path = home.path().join(".config/rch/credentials.toml");
        for text in ["\n[farms.x]\ntoken = s3cr3t", "[farms.\"http://a\"]\nname = \"a\"\npublic_key = \"s3cr3t\""] {
            replace(&path, text, MODE).unwrap();
            let error = Credentials::read(&environment).unwrap_err().to_string();
            assert!(error.contains("line ") && error.contains("log in again") && !error.contains("s3cr3t"), "{error}");
        }
    }
}
