//! The reading half of the pipeline: files in, tar stream out, a digest for each file on the way.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::mpsc;

use rch_schemas::Sha256;
use rch_schemas::digest::Hasher;
use rustix::fs::{FileType, Mode, OFlags, Stat, fstat};

use super::members::Members;
use super::{BLOCK_BYTES, PackError};
use crate::stamp::Stamp;
use crate::tar::{self, Kind};

/// What was learnt of one file by reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fact {
    pub(super) sha256: Sha256,
    pub(super) stamp: Stamp,
    /// Whether the content is a Git LFS pointer.
    pub(super) is_pointer: bool,
}

/// The first line of a pointer file; the specification allows no pointer of 1,024 bytes or more.
const LFS_FIRST_LINE: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";
const LFS_BYTES_MAX: u64 = 1_023;
/// Bytes read at a time when nothing but a digest is wanted.
const SCRATCH_BYTES: usize = 128 * 1024;

/// A filled buffer.
pub(super) struct Block {
    buffer: Vec<u8>,
    length: usize,
}

impl Block {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[..self.length]
    }

    pub(super) fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }
}

/// Fills blocks and hands them on; used buffers come back.
pub(super) struct Blocks {
    full: mpsc::SyncSender<Block>,
    empty: mpsc::Receiver<Vec<u8>>,
    current: Block,
}

impl Blocks {
    pub(super) fn new(full: mpsc::SyncSender<Block>, empty: mpsc::Receiver<Vec<u8>>) -> Self {
        Self { full, empty, current: Block { buffer: vec![0; BLOCK_BYTES], length: 0 } }
    }

    fn finish(self) {
        self.full.send(self.current).expect("the cutter takes every block");
    }
}

/// Where what is read goes: into the stream, or nowhere.
pub(super) trait Target {
    fn write(&mut self, bytes: &[u8]);

    /// Where the next bytes of a file may be read to; never empty.
    fn room(&mut self) -> &mut [u8];

    /// The first `length` bytes of the room were filled.
    fn filled(&mut self, length: usize);
}

impl Target for Blocks {
    fn write(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = self.room();
            let (now, later) = bytes.split_at(bytes.len().min(room.len()));
            room[..now.len()].copy_from_slice(now);
            self.filled(now.len());
            bytes = later;
        }
    }

    fn room(&mut self) -> &mut [u8] {
        if self.current.length == self.current.buffer.len() {
            let buffer = self.empty.try_recv().unwrap_or_else(|_| vec![0; BLOCK_BYTES]);
            let full = std::mem::replace(&mut self.current, Block { buffer, length: 0 });
            // The cutter outlives the reader: it ends when this sender is dropped.
            self.full.send(full).expect("the cutter takes every block");
        }
        &mut self.current.buffer[self.current.length..]
    }

    fn filled(&mut self, length: usize) {
        self.current.length += length;
    }
}

/// Room for a file of which only the digest is wanted.
pub(super) struct Scratch(Vec<u8>);

impl Default for Scratch {
    fn default() -> Self {
        Self(vec![0; SCRATCH_BYTES])
    }
}

impl Target for Scratch {
    fn write(&mut self, _: &[u8]) {}

    fn room(&mut self) -> &mut [u8] {
        &mut self.0
    }

    fn filled(&mut self, _: usize) {}
}

/// Lays out the members that are not known yet; sizes and execute bits in the tree become those that were read.
pub(super) fn read(members: Members, mut blocks: Blocks) -> Result<Members, PackError> {
    let Members { mut tree, mut facts, .. } = members;
    for entry in tree.entries.iter_mut().skip(facts.len()) {
        match &entry.kind {
            Kind::Directory | Kind::Symlink { .. } => {
                blocks.write(&tar::header(&entry.path, &entry.kind));
                facts.push(None);
            }
            Kind::File { .. } => {
                let disk = tree.root.join(&entry.disk);
                let (kind, fact) = read_file(&disk, &entry.path, &mut blocks)?;
                entry.kind = kind;
                facts.push(Some(fact));
            }
        }
    }
    blocks.write(&[0; tar::TRAILER_BYTES]);
    blocks.finish();
    Ok(Members::new(tree, facts))
}

/// Reads the file at `disk`, which is at `path` of the tree, into `target` as a member: what it is, and what was learnt of it.
pub(super) fn read_file(disk: &Path, path: &str, target: &mut impl Target) -> Result<(Kind, Fact), PackError> {
    let changed = || PackError::Changed { path: path.to_owned() };
    let unreadable = |source| PackError::Unreadable { path: disk.to_owned(), source };
    let mut file = open(disk).map_err(|source| if is_replaced(&source) { changed() } else { unreadable(source) })?;
    let before = fstat(&file).map_err(|error| unreadable(error.into()))?;
    let size = Stamp::of(&before).size;
    if FileType::from_raw_mode(before.st_mode) != FileType::RegularFile || size > tar::FILE_BYTES_MAX {
        return Err(changed());
    }
    append(&mut file, &before, path, target).map_err(|error| match error {
        Interrupted::Changed => changed(),
        Interrupted::Unreadable(source) => unreadable(source),
    })
}

/// Why a file that was opened cannot be read to its end.
enum Interrupted {
    Changed,
    Unreadable(io::Error),
}

impl From<io::Error> for Interrupted {
    fn from(source: io::Error) -> Self {
        Self::Unreadable(source)
    }
}

/// Appends the member for `file`, which was as `before` says when it was opened.
fn append(file: &mut File, before: &Stat, path: &str, target: &mut impl Target) -> Result<(Kind, Fact), Interrupted> {
    let stamp = Stamp::of(before);
    let kind = Kind::File { size: stamp.size, executable: Mode::from_raw_mode(before.st_mode).contains(Mode::XUSR) };
    target.write(&tar::header(path, &kind));
    let mut hasher = Hasher::new();
    let mut first_line = (stamp.size <= LFS_BYTES_MAX).then_some(LFS_FIRST_LINE);
    let mut left = stamp.size;
    while left > 0 {
        let room = target.room();
        let limit = usize::try_from(left).unwrap_or(usize::MAX).min(room.len());
        match file.read(&mut room[..limit]) {
            Ok(0) => return Err(Interrupted::Changed),
            Ok(length) => {
                let bytes = &room[..length];
                hasher.update(bytes);
                first_line = first_line.and_then(|line| rest_of_line(line, bytes));
                target.filled(length);
                left -= length as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    if Stamp::of(&fstat(&*file).map_err(io::Error::from)?) != stamp {
        return Err(Interrupted::Changed);
    }
    target.write(&[0; tar::BLOCK_BYTES][..tar::padding(stamp.size)]);
    Ok((kind, Fact { sha256: hasher.finish(), stamp, is_pointer: first_line == Some(b"") }))
}

/// What is left of `line` when a file goes on with `bytes`; `None` when they are not of it.
fn rest_of_line<'a>(line: &'a [u8], bytes: &[u8]) -> Option<&'a [u8]> {
    let (now, later) = line.split_at(line.len().min(bytes.len()));
    bytes.starts_with(now).then_some(later)
}

/// Opens a file that was listed as one: a link in its place is not followed, a FIFO does not block.
pub(super) fn open(disk: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(disk)
}

/// Whether opening failed because the file is gone, or something else has its name.
fn is_replaced(error: &io::Error) -> bool {
    let symlink_in_place = error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error());
    symlink_in_place || matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::fs;
    use std::time::SystemTime;

    use super::*;

    /// What comes of reading a file of four bytes when `meddle` happens after it was opened.
    fn read_while(meddle: impl FnOnce(&Path)) -> Result<(Kind, Fact), Interrupted> {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a");
        fs::write(&path, "four").unwrap();
        let mut file = open(&path).unwrap();
        let before = fstat(&file).unwrap();
        meddle(&path);
        let (full_tx, _full_rx) = mpsc::sync_channel(1);
        let (_empty_tx, empty_rx) = mpsc::channel();
        append(&mut file, &before, "a", &mut Blocks::new(full_tx, empty_rx))
    }

    #[test]
    fn a_file_nobody_touches_is_read() {
        assert!(matches!(read_while(|_| ()), Ok((_, fact)) if fact.sha256 == Sha256::of("four")));
    }

    #[test]
    fn a_file_that_shrinks_grows_or_is_rewritten_while_read_has_changed() {
        let touch = |path: &Path| File::options().write(true).open(path).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        assert!(matches!(read_while(|path| fs::write(path, "fo").unwrap()), Err(Interrupted::Changed)));
        assert!(matches!(read_while(|path| fs::write(path, "four and more").unwrap()), Err(Interrupted::Changed)));
        assert!(matches!(read_while(touch), Err(Interrupted::Changed)));
    }
}
