//! Records kept in a file as they are read.

use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::error::ReplayError;

/// A file that is there when it is whole, and not before.
#[derive(Debug)]
pub(crate) struct Copy {
    path: PathBuf,
    file: BufWriter<NamedTempFile>,
    bytes: u64,
}

impl Copy {
    /// Begins one, to lie at `path`.
    pub(crate) fn to(path: &Path) -> Result<Self, ReplayError> {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let made = NamedTempFile::new_in(directory);
        let file = made.map_err(|source| ReplayError::Write { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), file: BufWriter::new(file), bytes: 0 })
    }

    /// Adds a record.
    pub(crate) fn add(&mut self, record: &[u8]) -> Result<(), ReplayError> {
        self.bytes += record.len() as u64 + 1;
        let written = self.file.write_all(record).and_then(|()| self.file.write_all(b"\n"));
        written.map_err(|source| ReplayError::Write { path: self.path.clone(), source })
    }

    /// Puts it in its place; its size in bytes.
    pub(crate) fn finish(self) -> Result<u64, ReplayError> {
        let Self { path, file, bytes } = self;
        let file = file.into_inner().map_err(std::io::IntoInnerError::into_error);
        let placed = file.and_then(|file| file.persist(&path).map_err(|error| error.error));
        match placed {
            Ok(_) => Ok(bytes),
            Err(source) => Err(ReplayError::Write { path, source }),
        }
    }
}
