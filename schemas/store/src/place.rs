//! Where a store is: its URL, read once and completely.
//!
//! ```text
//! file:///absolute/directory
//! s3://bucket?endpoint=https://minio.example:9000     a server of one's own; the bucket is in the path
//! s3://bucket?region=eu-central-1                     AWS
//! ```
//!
//! A URL says where, never who: credentials have a file or variables of their own ([`Credentials`](crate::Credentials)), since URLs end up in logs.

use std::fmt;
use std::io;
use std::path::PathBuf;

use url::{Host, Url};

/// What an S3 server without regions, as MinIO and SeaweedFS are, accepts in signatures unless told otherwise.
const REGION: &str = "us-east-1";
/// What may follow the bucket's name.
const PARAMETERS: &str = "endpoint, region, allow_http";
/// The forms of a URL, for whoever wrote another.
const FORMS: &str = "use file:///absolute/directory or s3://bucket?endpoint=https://host:port";
/// How long the name of a bucket may be, by the rules of S3.
const BUCKET_LENGTH: std::ops::RangeInclusive<usize> = 3..=63;

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Not a URL at all.
    #[error("{url:?} is not the URL of a store; {FORMS}")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        #[source]
        source: url::ParseError,
    },
    /// A `file:` URL without an absolute directory.
    #[error("{url:?} does not name an absolute directory; use file:///absolute/directory")]
    Directory {
        /// What was given.
        url: String,
    },
    /// A kind of store that this build has no code for.
    #[error("{scheme}:// stores are not in this build; {FORMS}")]
    Scheme {
        /// What was given.
        scheme: String,
    },
    /// The directory cannot be made or opened.
    #[error("{} cannot be used as a store; make it a directory this user can write", directory.display())]
    Unusable {
        /// The directory.
        directory: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The URL holds a user or a password. It is not shown.
    #[error("the URL of a store holds no credentials; take them out of it, and name a file with them as store_credentials_file")]
    Secret,
    /// What stands for the bucket is no bucket's name.
    #[error("{found:?} is not a bucket: expected 3 to 63 lower-case letters, digits, dots and hyphens, and no path behind it")]
    Bucket {
        /// What was given.
        found: String,
    },
    /// A parameter that means nothing. Its value is not shown.
    #[error("{name:?} is no parameter of an s3:// URL; expected one of {PARAMETERS}")]
    Parameter {
        /// Its name.
        name: String,
    },
    /// A parameter with a value that means nothing.
    #[error("{name}={found} in the URL of a store: expected {expected}")]
    Value {
        /// The parameter.
        name: &'static str,
        /// What it may be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// The endpoint would send sources and results in the clear.
    #[error(
        "{endpoint} is not encrypted, and not on this machine; use https://, or add allow_http=true where everybody on the way is trusted"
    )]
    PlainHttp {
        /// The endpoint.
        endpoint: Url,
    },
    /// Nobody says who we are.
    #[error(
        "{bucket} needs credentials: write access_key_id and secret_access_key into a file with mode 0600 and name it as store_credentials_file, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    )]
    NoCredentials {
        /// The bucket, with where it is.
        bucket: String,
    },
    /// The client for S3 cannot be made.
    #[error("no client for {bucket} can be made")]
    Client {
        /// The bucket, with where it is.
        bucket: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Where a store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a directory of this machine.
    Directory(PathBuf),
    /// In a bucket of an S3 server.
    Bucket(Bucket),
}

/// A bucket of an S3 server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bucket {
    pub(crate) name: String,
    pub(crate) region: String,
    /// The server, when it is not AWS.
    pub(crate) endpoint: Option<Url>,
}

impl Place {
    /// Reads a URL.
    pub(crate) fn parse(text: &str) -> Result<Self, OpenError> {
        // Looked for in the text, too: what does not parse may be a URL with a secret and a slip in it.
        if text.contains('@') {
            return Err(OpenError::Secret);
        }
        let url = Url::parse(text).map_err(|source| OpenError::Url { url: text.to_owned(), source })?;
        match url.scheme() {
            "file" => url.to_file_path().map(Self::Directory).map_err(|()| OpenError::Directory { url: text.to_owned() }),
            "s3" => Bucket::read(&url).map(Self::Bucket),
            other => Err(OpenError::Scheme { scheme: other.to_owned() }),
        }
    }
}

impl Bucket {
    fn read(url: &Url) -> Result<Self, OpenError> {
        let name = url.host_str().unwrap_or_default().to_owned();
        let is_letter = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-.".contains(letter);
        let rest = [url.path(), url.fragment().unwrap_or_default()].concat();
        if !BUCKET_LENGTH.contains(&name.len()) || !name.chars().all(is_letter) || !["", "/"].contains(&rest.as_str()) {
            return Err(OpenError::Bucket { found: format!("{name}{rest}") });
        }
        let mut bucket = Self { name, region: REGION.to_owned(), endpoint: None };
        let mut is_http_allowed = false;
        for (parameter, value) in url.query_pairs() {
            match &*parameter {
                "endpoint" => bucket.endpoint = Some(endpoint(&value)?),
                "region" if !value.is_empty() => bucket.region = value.into_owned(),
                "region" => return Err(bad_value("region", "the name of a region, such as us-east-1", &value)),
                "allow_http" if value == "true" => is_http_allowed = true,
                "allow_http" => return Err(bad_value("allow_http", "true, or not to be there", &value)),
                other => return Err(OpenError::Parameter { name: other.to_owned() }),
            }
        }
        match &bucket.endpoint {
            Some(endpoint) if endpoint.scheme() == "http" && !is_http_allowed && !is_here(endpoint) => {
                Err(OpenError::PlainHttp { endpoint: endpoint.clone() })
            }
            Some(_) | None => Ok(bucket),
        }
    }

    /// Whether the server is on this machine.
    pub(crate) fn is_here(&self) -> bool {
        self.endpoint.as_ref().is_some_and(is_here)
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.endpoint {
            Some(endpoint) => write!(f, "s3://{} at {}", self.name, endpoint.as_str().trim_end_matches('/')),
            None => write!(f, "s3://{} of AWS in {}", self.name, self.region),
        }
    }
}

fn endpoint(text: &str) -> Result<Url, OpenError> {
    let wrong = || bad_value("endpoint", "http:// or https://, a host and a port, and no path", text);
    let url = Url::parse(text).map_err(|_| wrong())?;
    let is_plain = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if ["http", "https"].contains(&url.scheme()) && is_plain { Ok(url) } else { Err(wrong()) }
}

fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn bad_value(name: &'static str, expected: &'static str, found: &str) -> OpenError {
    OpenError::Value { name, expected, found: found.to_owned() }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn bucket(text: &str) -> Bucket {
        match Place::parse(text).unwrap() {
            Place::Bucket(bucket) => bucket,
            Place::Directory(directory) => panic!("{} is a directory", directory.display()),
        }
    }

    fn refusal(text: &str) -> String {
        Place::parse(text).expect_err("it was to be refused").to_string()
    }

    #[test]
    fn a_bucket_says_which_server_it_is_on() {
        assert_eq!(bucket("s3://rch?endpoint=http://127.0.0.1:9000").to_string(), "s3://rch at http://127.0.0.1:9000");
        assert_eq!(
            bucket("s3://my.farm/?endpoint=https%3A%2F%2Fminio.example%3A9000/").to_string(),
            "s3://my.farm at https://minio.example:9000"
        );
        let aws = bucket("s3://rch?region=eu-central-1");
        assert_eq!((aws.to_string().as_str(), aws.endpoint), ("s3://rch of AWS in eu-central-1", None));
        assert_eq!(bucket("s3://rch").region, "us-east-1");
    }

    #[test]
    fn plain_http_is_for_this_machine_unless_somebody_says_so() {
        for here in ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1"] {
            assert!(bucket(&format!("s3://rch?endpoint={here}")).is_here());
        }
        let refused = refusal("s3://rch?endpoint=http://minio.example:9000");
        assert!(refused.starts_with("http://minio.example:9000/ is not encrypted") && refused.contains("allow_http=true"), "{refused}");
        assert!(!bucket("s3://rch?endpoint=http://minio.example:9000&allow_http=true").is_here());
    }

    #[test]
    fn what_is_wrong_is_named_with_what_to_write() {
        for (url, words) in [
            ("gs://rch", "gs:// stores are not in this build; use file:///absolute/directory or s3://"),
            ("/var/rch", "\"/var/rch\" is not the URL of a store"),
            ("file://host/rch", "does not name an absolute directory"),
            ("s3://rch/prefix", "\"rch/prefix\" is not a bucket"),
            ("s3://R", "\"R\" is not a bucket: expected 3 to 63"),
            ("s3://", "\"\" is not a bucket"),
            ("s3://rch?endpont=http://127.0.0.1:1", "\"endpont\" is no parameter of an s3:// URL; expected one of endpoint"),
            ("s3://rch?endpoint=127.0.0.1:9000", "endpoint=127.0.0.1:9000 in the URL of a store: expected http://"),
            ("s3://rch?endpoint=http://127.0.0.1:9000/rch", "and no path"),
            ("s3://rch?allow_http=1", "allow_http=1 in the URL of a store: expected true"),
        ] {
            let refused = refusal(url);
            assert!(refused.contains(words), "{url}: {refused}");
        }
    }

    #[test]
    fn a_secret_in_a_url_is_refused_and_not_repeated() {
        for url in [
            "s3://key:canary@rch",
            "s3:/key:canary@rch",
            "s3://rch?endpoint=http://key:canary@127.0.0.1:9000",
            "s3://rch?secret_access_key=canary",
            "file://user:canary@/var/rch",
        ] {
            let error = Place::parse(url).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
        }
    }
}
