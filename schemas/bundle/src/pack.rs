//! A listed tree as a bundle: one pass that reads every file once, in bounded memory.
//!
//! Two threads: one reads and hashes files and lays out the tar stream, the other cuts the stream and hashes chunks and whole. Between them
//! is a bounded pool of blocks. The stream is kept nowhere: [`Packed::read_chunk`] makes the bytes of one chunk again from the
//! tree, checks their digest, and names the file when one has changed since.
//!
//! A file that changes while it is read fails the pass; the pass is then made once more, and a second change is refused. Compression is not
//! part of it: only chunks that are sent are worth compressing.
//!
//! What one pass has found may be kept, and the next begins with it: see [`Earlier`].

mod earlier;
mod members;
mod packed;
mod reader;
mod stream;

use std::io;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;

pub use earlier::{Changes, Earlier, NotEarlier};
pub use packed::{Packed, ReadChunkError};
use rch_schemas::Reason;

use crate::tree::{LEAVE_OUT, Tree};
use earlier::Unchanged;
use members::{Changed, Members};
use reader::Target as _;
use stream::Beginning;

/// Bytes in one block between the threads: large enough that handing it over costs nothing.
const BLOCK_BYTES: usize = 512 * 1024;
/// Blocks on their way between the threads; with [`BLOCK_BYTES`] the 4 MiB that the pipeline holds.
const BLOCKS_IN_FLIGHT: usize = 8;
/// How many pointer files a refusal names.
const POINTERS_NAMED: usize = 5;

/// Why a listed tree cannot become a bundle.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// A file could not be read.
    #[error("{} cannot be read; make it readable, or {LEAVE_OUT}", path.display())]
    Unreadable {
        /// The file on this disk.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file was written, replaced or removed while it was read, twice.
    #[error("{path} changed while it was read, and again when it was read anew; wait until nothing writes to it, or {LEAVE_OUT}")]
    Changed {
        /// The path from the root.
        path: String,
    },
    /// Files whose content is elsewhere.
    #[error("{}, not {} content; run `git lfs pull`: {}", pointers(*count), if *count == 1 { "its" } else { "their" }, shown(paths, *count))]
    LfsPointers {
        /// The first of them.
        paths: Vec<String>,
        /// How many there are.
        count: usize,
    },
}

impl PackError {
    /// The code of the contract; `None` for local I/O.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::Unreadable { .. } => None,
            Self::Changed { .. } => Some(Reason::FileChanged),
            Self::LfsPointers { .. } => Some(Reason::LfsPointer),
        }
    }
}

impl From<Changed> for PackError {
    fn from(Changed { path }: Changed) -> Self {
        Self::Changed { path }
    }
}

fn pointers(count: usize) -> String {
    if count == 1 { "1 file is a Git LFS pointer".to_owned() } else { format!("{count} files are Git LFS pointers") }
}

fn shown(paths: &[String], count: usize) -> String {
    let more = if count > paths.len() { format!(" and {} more", count - paths.len()) } else { String::new() };
    format!("{}{more}", paths.join(", "))
}

/// Reads the tree once: digest, chunks, and the digest of every file.
///
/// Blocks its thread and uses one more. Files may have changed since the walk; what is read counts.
pub fn pack(tree: &Tree) -> Result<Packed, PackError> {
    pack_since(tree, None)
}

/// The same, but reads only what may differ from what `earlier` knows: nothing of a tree in which no file's stamp is another, and what
/// comes after the first change otherwise.
pub fn pack_since(tree: &Tree, earlier: Option<&Earlier>) -> Result<Packed, PackError> {
    let packed = once_more_if_changed(|| pass(tree.clone(), earlier))?;
    let pointers = packed.lfs_pointers();
    if pointers.is_empty() {
        return Ok(packed);
    }
    let paths = pointers.iter().take(POINTERS_NAMED).map(|&path| path.to_owned()).collect();
    Err(PackError::LfsPointers { paths, count: pointers.len() })
}

fn once_more_if_changed<T>(mut pass: impl FnMut() -> Result<T, PackError>) -> Result<T, PackError> {
    match pass() {
        Err(PackError::Changed { .. }) => pass(),
        other => other,
    }
}

fn pass(tree: Tree, earlier: Option<&Earlier>) -> Result<Packed, PackError> {
    let Some(earlier) = earlier else {
        return read_on(Members::new(tree, Vec::new()), Beginning::default());
    };
    let Unchanged { facts, any_read } = earlier.unchanged(&tree)?;
    let members = Members::new(tree, facts);
    if !earlier.is_all_of(&members) {
        let beginning = earlier.stream().beginning(members.end());
        return read_on(members, beginning);
    }
    let stream = earlier.stream().clone();
    Ok(if any_read { Packed::read(members, stream) } else { Packed::as_earlier(members, stream) })
}

/// Reads what comes after `beginning`: the rest of the members that are known, then all the others.
fn read_on(members: Members, beginning: Beginning) -> Result<Packed, PackError> {
    // At most one chunk: the known members end in the first that the beginning does not have.
    let between = members.read(&(beginning.end()..members.end()))?;
    let (full_tx, full_rx) = mpsc::sync_channel(BLOCKS_IN_FLIGHT);
    let (empty_tx, empty_rx) = mpsc::channel();
    let (stream, members) = thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut blocks = reader::Blocks::new(full_tx, empty_rx);
            blocks.write(&between);
            reader::read(members, blocks)
        });
        let stream = beginning.continued(&full_rx, &empty_tx);
        (stream, reader.join().expect("the reader does not panic"))
    });
    Ok(Packed::read(members?, stream))
}

#[cfg(test)]
mod tests;
