//! The canonical tar: the same tree gives the same bytes on every machine, forever.
//!
//! Members come sorted by path bytes, each parent before its children, and end with two zero blocks. A member is one ustar header, its
//! content, and zeros to the next 512 bytes: mtime, uid, gid 0; no names; mode 0755 for directories and executables, 0644 otherwise;
//! a directory's name ends in `/`. A name or link target that is not ASCII, or is longer than the header's 100 bytes, goes before it in a PAX
//! header (`path`, then `linkpath`); the ustar field then holds its first 100 bytes with every non-ASCII byte as `_`. Nothing
//! else is ever written, so a reader may encode what it read again and compare.
//!
//! The encoder is our own: these bytes are the contract, and a library may change its padding between releases. A library reads them in
//! the tests.

use std::borrow::Cow;

/// The unit of a tar, in bytes.
pub const BLOCK_BYTES: usize = 512;
/// The end of the archive: two zero blocks.
pub const TRAILER_BYTES: usize = 2 * BLOCK_BYTES;
/// The largest file: what eleven octal digits can say, 8 GiB - 1 byte.
pub const FILE_BYTES_MAX: u64 = 0o777_7777_7777;

const NAME_BYTES: usize = 100;
const PAX_NAME: &str = "PaxHeader";

/// What a member of the archive is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File {
        /// Bytes of content.
        size: u64,
        /// Whether its owner may execute it; the only permission kept.
        executable: bool,
    },
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink {
        /// Where it points, relative to the directory it stands in.
        target: String,
    },
}

impl Kind {
    /// Bytes of content that follow the header.
    pub fn content_bytes(&self) -> u64 {
        match self {
            Self::File { size, .. } => *size,
            Self::Directory | Self::Symlink { .. } => 0,
        }
    }
}

/// The header blocks of one member, its PAX header included.
///
/// The caller has checked that a file is at most [`FILE_BYTES_MAX`].
pub fn header(path: &str, kind: &Kind) -> Vec<u8> {
    let (name, target) = (name(path, kind), target(kind));
    let mut pax = pax_records(&name, target);
    let mut bytes = Vec::with_capacity(BLOCK_BYTES);
    if !pax.is_empty() {
        bytes.extend(block(&Fields { name: PAX_NAME, target: "", mode: 0o644, size: pax.len() as u64, type_flag: b'x' }));
        pax.resize(pax.len().next_multiple_of(BLOCK_BYTES), 0);
        bytes.extend(pax);
    }
    let (mode, type_flag) = match kind {
        Kind::File { executable: true, .. } => (0o755, b'0'),
        Kind::File { executable: false, .. } => (0o644, b'0'),
        Kind::Directory => (0o755, b'5'),
        Kind::Symlink { .. } => (0o644, b'2'),
    };
    bytes.extend(block(&Fields { name: &name, target, mode, size: kind.content_bytes(), type_flag }));
    bytes
}

/// Zeros between a content of `size` bytes and the next member.
pub fn padding(size: u64) -> usize {
    let rest = usize::try_from(size % BLOCK_BYTES as u64).expect("less than 512");
    if rest == 0 { 0 } else { BLOCK_BYTES - rest }
}

/// Bytes of a whole member: header, content, padding.
pub fn member_bytes(path: &str, kind: &Kind) -> u64 {
    let content = kind.content_bytes();
    header_bytes(path, kind) as u64 + content + padding(content) as u64
}

/// Bytes of [`header`], without making it.
fn header_bytes(path: &str, kind: &Kind) -> usize {
    let slash = usize::from(*kind == Kind::Directory);
    if path.is_ascii() && path.len() + slash <= NAME_BYTES && fits(target(kind)) {
        return BLOCK_BYTES;
    }
    match pax_records(&name(path, kind), target(kind)).len() {
        0 => BLOCK_BYTES,
        length => 2 * BLOCK_BYTES + length.next_multiple_of(BLOCK_BYTES),
    }
}

/// The member's name as the header has it.
fn name<'a>(path: &'a str, kind: &Kind) -> Cow<'a, str> {
    match kind {
        Kind::Directory => Cow::Owned(format!("{path}/")),
        Kind::File { .. } | Kind::Symlink { .. } => Cow::Borrowed(path),
    }
}

fn target(kind: &Kind) -> &str {
    match kind {
        Kind::Symlink { target } => target,
        Kind::File { .. } | Kind::Directory => "",
    }
}

/// What does not fit into the header's own fields.
fn pax_records(name: &str, target: &str) -> Vec<u8> {
    let mut records = Vec::new();
    if !fits(name) {
        records.extend(pax_record("path", name));
    }
    if !fits(target) {
        records.extend(pax_record("linkpath", target));
    }
    records
}

struct Fields<'a> {
    name: &'a str,
    target: &'a str,
    mode: u64,
    size: u64,
    type_flag: u8,
}

fn block(fields: &Fields<'_>) -> [u8; BLOCK_BYTES] {
    let mut block = [0; BLOCK_BYTES];
    text(&mut block[0..100], fields.name);
    octal(&mut block[100..108], fields.mode);
    octal(&mut block[108..116], 0); // uid
    octal(&mut block[116..124], 0); // gid
    octal(&mut block[124..136], fields.size);
    octal(&mut block[136..148], 0); // mtime
    block[156] = fields.type_flag;
    text(&mut block[157..257], fields.target);
    block[257..265].copy_from_slice(b"ustar\x0000");
    octal(&mut block[329..337], 0); // device major
    octal(&mut block[337..345], 0); // device minor
    let sum = checksum(&block);
    octal(&mut block[148..156], sum);
    block
}

/// The sum of a header's bytes, its own field counted as spaces.
pub(crate) fn checksum(block: &[u8; BLOCK_BYTES]) -> u64 {
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>();
    sum(&block[..148]) + 8 * u64::from(b' ') + sum(&block[156..])
}

/// Zero-padded octal digits and a closing NUL, filling the field.
fn octal(field: &mut [u8], value: u64) {
    let (nul, digits) = field.split_last_mut().expect("a field has more than its NUL");
    *nul = 0;
    let mut left = value;
    for digit in digits.iter_mut().rev() {
        *digit = b"01234567"[(left & 7) as usize];
        left >>= 3;
    }
    assert!(left == 0, "a number was checked to fit its header field");
}

fn text(field: &mut [u8], value: &str) {
    for (slot, byte) in field.iter_mut().zip(value.bytes()) {
        *slot = if byte.is_ascii() { byte } else { b'_' };
    }
}

fn fits(value: &str) -> bool {
    value.len() <= NAME_BYTES && value.is_ascii()
}

/// `<length> <key>=<value>\n`, where the length counts its own digits too.
fn pax_record(key: &str, value: &str) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    format!("{length} {key}={value}\n").into_bytes()
}

#[cfg(test)]
mod tests;
