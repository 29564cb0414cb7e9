//! How an [`Earlier`] lies in a file: our own bytes, since reading ten thousand members must not cost more than asking for their stamps.
//!
//! A line that names the form, the body, and the SHA-256 of both. Numbers are little-endian; a text or list is led by its length in 32
//! bits. It is a cache, not part of the contract: another form gets another line, and a file with an unknown line is no cache.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;

use rch_schemas::Sha256;
use rch_schemas::document::RecipeChunk;

use super::{Earlier, Member};
use crate::chunk::{CHUNK_BYTES_MAX, CHUNKING};
use crate::pack::reader::Fact;
use crate::pack::stream::Stream;
use crate::stamp::{Instant, Stamp};
use crate::tar::{self, Kind};

/// The number changes with the form, and with the form of a saved hasher.
const FORM: &str = "rch earlier 1";
const DIGEST_BYTES: usize = 32;

const FILE: u8 = 0;
const DIRECTORY: u8 = 1;
const SYMLINK: u8 = 2;
const EXECUTABLE: u8 = 0x10;
const POINTER: u8 = 0x20;
const SETTLED: u8 = 0x40;

/// The bytes are not what [`Earlier::encode`] writes, whole and of this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("these are not the bytes of an earlier pass, as this version keeps them")]
pub struct NotEarlier;

impl Earlier {
    /// The bytes to keep.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(160 * self.members.len() + 200 * self.stream.chunks.len());
        out.extend_from_slice(line().as_bytes());
        put_bytes(&mut out, self.root.as_os_str().as_bytes());
        put_length(&mut out, self.members.len());
        for member in &self.members {
            put_member(&mut out, member);
        }
        put_length(&mut out, self.stream.chunks.len());
        for (chunk, state) in self.stream.chunks.iter().zip(&self.stream.states) {
            out.extend_from_slice(chunk.sha256.as_bytes());
            out.extend(chunk.size.to_le_bytes());
            out.extend_from_slice(state);
        }
        out.extend_from_slice(self.stream.sha256.as_bytes());
        out.extend(self.stream.size.to_le_bytes());
        let digest = Sha256::of(&out);
        out.extend_from_slice(digest.as_bytes());
        out
    }

    /// What was kept.
    pub fn decode(bytes: &[u8]) -> Result<Self, NotEarlier> {
        let (body, digest) = bytes.split_at_checked(bytes.len().saturating_sub(DIGEST_BYTES)).ok_or(NotEarlier)?;
        if Sha256::of(body).as_bytes() != digest {
            return Err(NotEarlier);
        }
        let mut input = Input(body.strip_prefix(line().as_bytes()).ok_or(NotEarlier)?);
        let earlier = input.earlier().filter(|_| input.0.is_empty()).ok_or(NotEarlier)?;
        if earlier.is_consistent() { Ok(earlier) } else { Err(NotEarlier) }
    }

    /// What every later step relies on: members and chunks are as long as the stream.
    fn is_consistent(&self) -> bool {
        let members: u64 = self.members.iter().map(|member| tar::member_bytes(&member.path, &member.kind)).sum();
        let chunks: u64 = self.stream.chunks.iter().map(|chunk| u64::from(chunk.size)).sum();
        let sizes = self.stream.chunks.iter().all(|chunk| chunk.size > 0 && chunk.size as usize <= CHUNK_BYTES_MAX);
        sizes && chunks == self.stream.size && members + tar::TRAILER_BYTES as u64 == self.stream.size
    }
}

fn line() -> String {
    format!("{FORM} {CHUNKING}\n")
}

fn put_length(out: &mut Vec<u8>, length: usize) {
    out.extend(u32::try_from(length).expect("a tree has fewer than 2^32 members, and a name fewer bytes").to_le_bytes());
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_length(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// What a member is, in its first byte.
fn flags(member: &Member) -> u8 {
    let flag = |set: bool, flag: u8| if set { flag } else { 0 };
    let kind = match &member.kind {
        Kind::File { executable, .. } => FILE | flag(*executable, EXECUTABLE),
        Kind::Directory => DIRECTORY,
        Kind::Symlink { .. } => SYMLINK,
    };
    kind | flag(member.fact.is_some_and(|fact| fact.is_pointer), POINTER) | flag(member.settled, SETTLED)
}

fn put_member(out: &mut Vec<u8>, member: &Member) {
    out.push(flags(member));
    put_bytes(out, member.path.as_bytes());
    if let Kind::Symlink { target } = &member.kind {
        put_bytes(out, target.as_bytes());
    }
    if let Some(Fact { sha256, stamp, .. }) = &member.fact {
        for Instant { seconds, nanoseconds } in [stamp.modified, stamp.changed] {
            out.extend(seconds.to_le_bytes());
            out.extend(nanoseconds.to_le_bytes());
        }
        out.extend(stamp.size.to_le_bytes());
        out.extend(stamp.inode.to_le_bytes());
        out.extend_from_slice(sha256.as_bytes());
    }
}

/// What is left to read. `None` is always the same error: the bytes are not ours.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn earlier(&mut self) -> Option<Earlier> {
        let root = PathBuf::from(OsString::from_vec(self.bytes()?.to_vec()));
        // Lists grow as they are read: a wrong length finds no bytes before it finds no memory.
        let members = (0..self.length()?).map(|_| self.member()).collect::<Option<Vec<_>>>()?;
        let (mut chunks, mut states) = (Vec::new(), Vec::new());
        for _ in 0..self.length()? {
            chunks.push(RecipeChunk { sha256: self.sha256()?, size: u32::from_le_bytes(self.array()?) });
            states.push(self.array()?);
        }
        let stream = Stream { chunks, states, sha256: self.sha256()?, size: u64::from_le_bytes(self.array()?) };
        Some(Earlier { root, members, stream })
    }

    fn member(&mut self) -> Option<Member> {
        let [first] = *self.0.first_chunk()?;
        // A bit that means nothing here is none of ours.
        self.member_as_is().filter(|member| flags(member) == first)
    }

    fn member_as_is(&mut self) -> Option<Member> {
        let [flags] = self.array()?;
        let path = self.text()?;
        let settled = flags & SETTLED != 0;
        let kind = match flags & 0x0f {
            FILE => {
                let [modified, changed] = [self.instant()?, self.instant()?];
                let size = u64::from_le_bytes(self.array()?);
                let stamp = Stamp { size, modified, changed, inode: u64::from_le_bytes(self.array()?) };
                let fact = Some(Fact { sha256: self.sha256()?, stamp, is_pointer: flags & POINTER != 0 });
                let kind = Kind::File { size, executable: flags & EXECUTABLE != 0 };
                return (size <= tar::FILE_BYTES_MAX).then_some(Member { path, kind, fact, settled });
            }
            DIRECTORY => Kind::Directory,
            SYMLINK => Kind::Symlink { target: self.text()? },
            _ => return None,
        };
        Some(Member { path, kind, fact: None, settled })
    }

    fn instant(&mut self) -> Option<Instant> {
        Some(Instant { seconds: i64::from_le_bytes(self.array()?), nanoseconds: i64::from_le_bytes(self.array()?) })
    }

    fn sha256(&mut self) -> Option<Sha256> {
        self.array().map(Sha256::from_bytes)
    }

    fn text(&mut self) -> Option<String> {
        std::str::from_utf8(self.bytes()?).ok().map(str::to_owned)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.length()?;
        let (bytes, after) = self.0.split_at_checked(length)?;
        self.0 = after;
        Some(bytes)
    }

    fn length(&mut self) -> Option<usize> {
        usize::try_from(u32::from_le_bytes(self.array()?)).ok()
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, after) = self.0.split_first_chunk::<N>()?;
        self.0 = after;
        Some(*array)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::fs;

    use proptest::prelude::*;
    use rch_schemas::Timestamp;

    use super::*;
    use crate::pack::{pack, pack_since};
    use crate::tree::{Options, Tree, walk};

    /// A small tree, and what is kept of it.
    fn sample() -> (tempfile::TempDir, Tree, Vec<u8>) {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("d")).unwrap();
        fs::write(root.path().join("d/a"), "text").unwrap();
        fs::write(root.path().join("z"), vec![9; 300_000]).unwrap();
        std::os::unix::fs::symlink("d/a", root.path().join("l")).unwrap();
        let tree = walk(root.path(), &Options::default()).unwrap();
        let bytes = pack(&tree).unwrap().remember(Timestamp::from_unix_ms(i64::MAX)).unwrap().encode();
        (root, tree, bytes)
    }

    #[test]
    fn what_was_cut_short_changed_or_made_by_another_version_is_refused() {
        let (_root, _, bytes) = sample();
        assert!(Earlier::decode(&bytes).is_ok());
        for length in [0, 1, 31, 32, 33, 100, bytes.len() - 1] {
            assert_eq!(Earlier::decode(&bytes[..length]), Err(NotEarlier), "{length}");
        }
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert_eq!(Earlier::decode(&changed), Err(NotEarlier), "{at}");
        }
        assert_eq!(Earlier::decode(&sealed(bytes[..bytes.len() - 32].to_vec(), |body| body[0] = b'R')), Err(NotEarlier));
        assert_eq!(Earlier::decode(&sealed(bytes[..bytes.len() - 32].to_vec(), |body| body.push(0))), Err(NotEarlier));
    }

    #[test]
    fn a_flag_that_means_nothing_where_it_stands_is_refused() {
        let (_root, tree, bytes) = sample();
        let body = bytes[..bytes.len() - DIGEST_BYTES].to_vec();
        // The first member is the directory `d`: after the line, the root with its length, and the count.
        let first = line().len() + 4 + tree.root().as_os_str().len() + 4;
        assert_eq!(body[first] & 0x0f, DIRECTORY);
        assert!(Earlier::decode(&sealed(body.clone(), |_| ())).is_ok());
        for flag in [0x80, EXECUTABLE, POINTER] {
            assert_eq!(Earlier::decode(&sealed(body.clone(), |body| body[first] |= flag)), Err(NotEarlier), "{flag:#x}");
        }
    }

    /// The bytes as `change` makes them, with the digest that belongs to them.
    fn sealed(mut body: Vec<u8>, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        change(&mut body);
        let digest = Sha256::of(&body);
        body.extend_from_slice(digest.as_bytes());
        body
    }

    proptest! {
        #[test]
        fn no_bytes_however_well_sealed_make_it_panic(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), cut in any::<prop::sample::Index>()) {
            let (_root, tree, bytes) = sample();
            let body = &bytes[..bytes.len() - DIGEST_BYTES];
            let changed = sealed(body.to_vec(), |body| {
                for (at, byte) in &changes {
                    let at = at.index(body.len());
                    body[at] = *byte;
                }
            });
            if let Ok(earlier) = Earlier::decode(&changed) {
                let _ = pack_since(&tree, Some(&earlier)).map(|packed| packed.read_chunk(0));
            }
            prop_assert_eq!(Earlier::decode(&sealed(body[..cut.index(body.len())].to_vec(), |_| ())), Err(NotEarlier));
        }
    }
}
