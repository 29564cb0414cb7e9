//! One large file in chunks, without a tar around it: its recipe's digest is the file's own.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use rch_schemas::digest::Hasher;
use rch_schemas::document::{Recipe, RecipeChunk};
use rch_schemas::{Sha256, Timestamp};

use crate::chunk::Cutter;
use crate::recipe;

/// Bytes read at a time.
const READ_BYTES: usize = 512 * 1024;

/// A file that was read once and cut.
#[derive(Debug)]
pub struct CutFile {
    path: PathBuf,
    sha256: Sha256,
    size: u64,
    chunks: Vec<RecipeChunk>,
}

impl CutFile {
    /// Reads the file at `path`. Blocks its thread.
    pub fn read(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut chunks = Vec::new();
        let mut found = |bytes: &[u8]| chunks.push(recipe::chunk_of(bytes));
        let (mut cutter, mut hasher, mut size) = (Cutter::new(), Hasher::new(), 0);
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let length = match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            hasher.update(&buffer[..length]);
            cutter.push(&buffer[..length], &mut found);
            size += length as u64;
        }
        cutter.finish(&mut found);
        Ok(Self { path: path.to_owned(), sha256: hasher.finish(), size, chunks })
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The digest of the whole file.
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// Bytes of the whole file.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The pieces of the file, in order.
    pub fn chunks(&self) -> &[RecipeChunk] {
        &self.chunks
    }

    /// How the file is stored, as a document made at `created_at`.
    pub fn recipe(&self, created_at: Timestamp) -> Recipe {
        recipe::of(created_at, self.sha256, self.size, self.chunks.clone())
    }

    /// The bytes of the chunk at `index`, read again. The caller checks the digest: the file may have changed.
    pub fn read_chunk(&self, index: usize) -> io::Result<Vec<u8>> {
        let start = self.chunks[..index].iter().map(|chunk| u64::from(chunk.size)).sum();
        let mut bytes = vec![0; self.chunks[index].size as usize];
        File::open(&self.path)?.read_exact_at(&mut bytes, start)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn a_file_s_chunks_put_together_are_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("build.log");
        let content: Vec<u8> = (0..5_000_000_u32).flat_map(|n| [n.wrapping_mul(2_654_435_761).to_le_bytes()[3]]).collect();
        std::fs::write(&path, &content).unwrap();
        let cut = CutFile::read(&path).unwrap();
        assert_eq!((cut.sha256(), cut.size()), (Sha256::of(&content), 5_000_000));
        assert!(cut.chunks().len() > 2);
        let again: Vec<u8> = (0..cut.chunks().len()).flat_map(|index| cut.read_chunk(index).unwrap()).collect();
        assert_eq!(again, content);
        assert_eq!(recipe::check(&cut.recipe(Timestamp::from_unix_ms(0)), 5_000_000), Ok(()));
    }
}
