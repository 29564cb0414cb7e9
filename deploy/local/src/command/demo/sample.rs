//! A copy of the sample project, to be built and to be broken.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The sample lies in the checkout that this program was built from: a demonstration is for people who have one.
const ORIGINAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/SampleApp");
/// The file that is broken.
pub(super) const FILE: &str = "Sources/Feed/FeedView.swift";
/// The line that breaks it: Swift's own way to say that a file does not compile.
pub(super) const ERROR_LINE: &str = "#error(\"broken on purpose\")";

/// A copy of the sample project.
#[derive(Debug)]
pub(super) struct Sample {
    directory: PathBuf,
}

impl Sample {
    /// Copies the sample to `directory`, in place of what was there.
    pub(super) fn copy_to(directory: &Path) -> io::Result<Self> {
        let original = fs::canonicalize(ORIGINAL).map_err(|error| {
            io::Error::new(
                error.kind(),
                "the sample project is gone from tests/fixtures/SampleApp of the checkout this program was built from",
            )
        })?;
        if directory.exists() {
            fs::remove_dir_all(directory)?;
        }
        copy(&original, directory)?;
        Ok(Self { directory: directory.to_owned() })
    }

    /// Where the copy is.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Makes one file fail to compile.
    pub(super) fn break_one_file(&self) -> io::Result<()> {
        let mut file = OpenOptions::new().append(true).open(self.directory.join(FILE))?;
        writeln!(file, "{ERROR_LINE}")
    }
}

/// Copies a folder of folders and files; the sample has nothing else.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn the_copy_has_the_file_that_is_broken_and_a_second_copy_is_whole_again() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("SampleApp");
        let sample = Sample::copy_to(&place).unwrap();
        let whole = fs::read_to_string(place.join(FILE)).unwrap();
        sample.break_one_file().unwrap();
        assert_eq!(fs::read_to_string(place.join(FILE)).unwrap(), format!("{whole}{ERROR_LINE}\n"));
        Sample::copy_to(&place).unwrap();
        assert_eq!(fs::read_to_string(place.join(FILE)).unwrap(), whole);
    }
}
