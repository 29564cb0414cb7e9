//! Who we are to an S3 server. Read from a file that nobody else can read, or from the variables that every S3 tool knows; never shown.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The variables, by the names that AWS gave them.
const KEY_VARIABLE: &str = "AWS_ACCESS_KEY_ID";
const SECRET_VARIABLE: &str = "AWS_SECRET_ACCESS_KEY";
const TOKEN_VARIABLE: &str = "AWS_SESSION_TOKEN";

/// Who we are to an S3 server. Its debug output shows nothing of it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: String,
    pub(crate) session_token: Option<String>,
}

/// Why there are no credentials. None of these shows what a file or variable holds.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// The file cannot be read.
    #[error("cannot read the credentials of the store in {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Others than its owner can read the file.
    #[error("others can read the credentials of the store in {}; run: chmod 600 {}", path.display(), path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// The file says something else.
    #[error(
        "{} does not hold credentials: expected the lines access_key_id = \"...\" and secret_access_key = \"...\", and session_token where there is one",
        path.display()
    )]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// One variable is set without the other.
    #[error("{set} is set and {unset} is not; set both, or name a file as store_credentials_file")]
    Half {
        /// The one that is set.
        set: &'static str,
        /// The one that is not.
        unset: &'static str,
    },
}

impl Credentials {
    /// Credentials from `file` when one is named, else from the variables of `environment`; `None` when neither says anything, as with a store that
    /// needs none. The file wins, since it was named for this very program.
    pub fn find(file: Option<&Path>, environment: &BTreeMap<String, String>) -> Result<Option<Self>, CredentialsError> {
        match file {
            Some(file) => Self::read(file).map(Some),
            None => Self::of_variables(environment),
        }
    }

    fn read(path: &Path) -> Result<Self, CredentialsError> {
        let unreadable = |source| CredentialsError::Unreadable { path: path.to_owned(), source };
        let mode = std::fs::metadata(path).map_err(unreadable)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(CredentialsError::Exposed { path: path.to_owned() });
        }
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        // What the parser says quotes the line that it is about, so it is not passed on.
        let read: Option<Self> = toml::from_str(&text).ok();
        let whole = read.filter(|read| !read.access_key_id.is_empty() && !read.secret_access_key.is_empty());
        whole.ok_or_else(|| CredentialsError::Malformed { path: path.to_owned() })
    }

    fn of_variables(environment: &BTreeMap<String, String>) -> Result<Option<Self>, CredentialsError> {
        let variable = |name: &str| environment.get(name).filter(|value| !value.is_empty()).cloned();
        match (variable(KEY_VARIABLE), variable(SECRET_VARIABLE)) {
            (Some(access_key_id), Some(secret_access_key)) => {
                Ok(Some(Self { access_key_id, secret_access_key, session_token: variable(TOKEN_VARIABLE) }))
            }
            (Some(_), None) => Err(CredentialsError::Half { set: KEY_VARIABLE, unset: SECRET_VARIABLE }),
            (None, Some(_)) => Err(CredentialsError::Half { set: SECRET_VARIABLE, unset: KEY_VARIABLE }),
            (None, None) => Ok(None),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::fs;

    use super::*;

    fn variables(set: &[(&str, &str)]) -> BTreeMap<String, String> {
        set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn file(text: &str, mode: u32) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        fs::set_permissions(file.path(), fs::Permissions::from_mode(mode)).unwrap();
        file
    }

    #[test]
    fn a_named_file_wins_over_the_variables_and_nothing_is_nothing() {
        let environment = variables(&[(KEY_VARIABLE, "variable"), (SECRET_VARIABLE, "s")]);
        let named = file("access_key_id = \"file\"\nsecret_access_key = \"s\"\nsession_token = \"t\"\n", 0o600);
        let found = Credentials::find(Some(named.path()), &environment).unwrap().unwrap();
        assert_eq!((found.access_key_id.as_str(), found.session_token.as_deref()), ("file", Some("t")));
        let found = Credentials::find(None, &environment).unwrap().unwrap();
        assert_eq!((found.access_key_id.as_str(), found.session_token), ("variable", None));
        assert_eq!(Credentials::find(None, &variables(&[(KEY_VARIABLE, "")])).unwrap(), None);
    }

    #[test]
    fn what_is_wrong_is_said_without_what_is_secret() {
        let absent = CredentialsError::Unreadable { path: "/none".into(), source: io::Error::other("gone") };
        let mut errors = vec![absent];
        for (text, mode) in [
            ("access_key_id = \"canary\"\nsecret_access_key = \"canary\"", 0o640),
            ("access_key_id = \"canary\"\nsecret_access_key = canary", 0o600),
            ("secret_access_key = \"canary\"", 0o600),
            ("access_key_id = \"canary\"\nsecret_access_key = \"\"", 0o600),
            ("access_key_id = \"canary\"\nsecret_access_key = \"canary\"\ntoken = \"canary\"", 0o600),
        ] {
            errors.push(Credentials::find(Some(file(text, mode).path()), &BTreeMap::new()).unwrap_err());
        }
        errors.push(Credentials::find(None, &variables(&[(KEY_VARIABLE, "canary")])).unwrap_err());
        let said: Vec<String> = errors.iter().map(|error| format!("{error} {error:?}")).collect();
        assert!(said.iter().all(|said| !said.contains("canary")), "{said:#?}");
        assert!(
            said[1].contains("chmod 600") && said[2].contains("access_key_id = \"...\"") && said[6].contains(SECRET_VARIABLE),
            "{said:#?}"
        );
        let whole =
            Credentials { access_key_id: "canary".into(), secret_access_key: "canary".into(), session_token: Some("canary".into()) };
        assert_eq!(format!("{whole:?}"), "Credentials { .. }");
    }
}
