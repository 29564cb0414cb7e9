//! A configuration file as a JSON-like value. Whatever lies there instead is answered in words.

use std::fs::{self, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use rch_schemas::Sha256;
use serde_json::Value;

use super::error::ConfigError;
use super::table::REPO_FILE;

/// The largest configuration file, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// What some editors put before UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// The values and the digest of a file; `None` when it is not there.
pub(super) fn read(path: &Path) -> Result<Option<(Value, Sha256)>, ConfigError> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if is_absent(path, &error) => return Ok(None),
        Err(source) => return Err(ConfigError::Unreadable { path: path.to_owned(), source }),
    };
    if let Some(found) = other_than_a_file(&metadata) {
        return Err(wrong(path, format!("is {found}"), "put a TOML file there, or nothing"));
    }
    let bytes = bytes(path).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    values(path, &bytes).map(Some)
}

/// The values and the digest of `bytes`, which are those of the file at `path`, up to one more than are read.
pub(super) fn values(path: &Path, bytes: &[u8]) -> Result<(Value, Sha256), ConfigError> {
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(wrong(
            path,
            format!("is more than {FILE_BYTES_MAX} bytes"),
            "a configuration is a page of text; take out what is none",
        ));
    }
    let text = text(bytes).map_err(|found| wrong(path, found, "save it as UTF-8"))?;
    let values = parse(text).map_err(|message| ConfigError::Syntax { place: path.display().to_string(), message })?;
    Ok((values, Sha256::of(bytes)))
}

fn wrong(path: &Path, found: String, fix: &'static str) -> ConfigError {
    ConfigError::NotAFile { place: path.display().to_string(), found, fix }
}

/// Whether nothing is there. A link that leads nowhere is something.
fn is_absent(path: &Path, error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotADirectory || error.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(path).is_err()
}

fn other_than_a_file(metadata: &Metadata) -> Option<&'static str> {
    if metadata.is_dir() {
        Some("a directory")
    } else if metadata.is_file() {
        None
    } else {
        // Reading a pipe would wait for whoever writes into it.
        Some("a pipe, a socket or a device")
    }
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The text; what it is instead otherwise.
fn text(bytes: &[u8]) -> Result<&str, String> {
    let bytes = bytes.strip_prefix(BOM).unwrap_or(bytes);
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err("is text in UTF-16".to_owned());
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].split(|byte| *byte == b'\n').count();
        format!("has bytes in line {line} that are not UTF-8")
    })
}

/// TOML as a JSON-like value; the parser's complaint on one line otherwise.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        let said = error.message().replace('\n', ", ");
        let said = if said == "duplicate key" { "this key or table was given before; keep one".to_owned() } else { said };
        format!("line {line}: {said}")
    })?;
    Ok(json(toml::Value::Table(table)))
}

/// The same in JSON, which has no dates: one becomes null, which no key takes.
fn json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => Value::from(number),
        toml::Value::Float(number) => Value::from(number),
        toml::Value::Boolean(switch) => Value::Bool(switch),
        toml::Value::Datetime(_) => Value::Null,
        toml::Value::Array(items) => items.into_iter().map(json).collect(),
        toml::Value::Table(members) => Value::Object(members.into_iter().map(|(name, member)| (name, json(member))).collect()),
    }
}

/// The root of the tree that `from` is in, when it has something in the place of a configuration.
pub(crate) fn repo_root(from: &Path) -> Option<PathBuf> {
    find(REPO_FILE, from).map(|(_, root)| root)
}

/// The repo's file, searched upward from `from`; with it the tree's root. Whatever stands in its place counts: it is answered when read.
pub(super) fn find(name: &str, from: &Path) -> Option<(PathBuf, PathBuf)> {
    let stands = |file: &Path| match fs::symlink_metadata(file) {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory),
    };
    from.ancestors().map(|root| (root.join(name), root.to_owned())).find(|(file, _)| stands(file))
}
