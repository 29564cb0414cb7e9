//! What one header says, before anything of it is believed.
//!
//! Reading is lenient where the comparison with the canonical encoding is strict anyway; what has a name of its own (a hard link, a sparse
//! file) is refused by that name.

use super::error::MemberError;
use crate::name;
use crate::tar::{self, BLOCK_BYTES, Kind};

/// The longest body of a PAX header: two records of the longest path and what is around them.
const PAX_BYTES_MAX: u64 = 2 * (name::PATH_BYTES_MAX as u64 + 32);

/// A member as its headers describe it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) path: String,
    pub(super) kind: Kind,
}

/// The fields of one header block that are not fixed.
#[derive(Debug)]
pub(super) struct Raw<'a> {
    name: &'a [u8],
    target: &'a [u8],
    mode: u64,
    size: u64,
    type_flag: u8,
}

impl<'a> Raw<'a> {
    pub(super) fn read(block: &'a [u8; BLOCK_BYTES]) -> Result<Self, MemberError> {
        if octal(&block[148..156]) != Some(tar::checksum(block)) {
            return Err(MemberError::Checksum);
        }
        let raw = Self {
            name: text(&block[0..100]),
            target: text(&block[157..257]),
            mode: octal(&block[100..108]).ok_or(MemberError::Field("mode"))?,
            size: octal(&block[124..136]).ok_or(MemberError::Field("size"))?,
            type_flag: block[156],
        };
        // Twelve digits without a NUL say more than the eleven that we write.
        if raw.size > tar::FILE_BYTES_MAX {
            return Err(MemberError::Field("size"));
        }
        match raw.type_flag {
            b'0' | b'2' | b'5' | b'x' => Ok(raw),
            b'1' => Err(MemberError::HardLink),
            b'3' | b'4' | b'6' => Err(MemberError::Device),
            b'S' => Err(MemberError::Sparse),
            other => Err(MemberError::UnknownType(char::from(other))),
        }
    }

    /// Bytes of the body with its padding, when this is a PAX header.
    pub(super) fn pax_length(&self) -> Result<Option<usize>, MemberError> {
        if self.type_flag != b'x' {
            return Ok(None);
        }
        if self.size == 0 || self.size > PAX_BYTES_MAX {
            return Err(MemberError::Pax);
        }
        let length = usize::try_from(self.size).map_err(|_| MemberError::Pax)?;
        Ok(Some(length.next_multiple_of(BLOCK_BYTES)))
    }
}

/// The member that `raw` describes together with `pax`, the PAX header before it with its body (empty when there is none).
///
/// # Errors
/// The reason, with the name as far as it could be read.
pub(super) fn decode(pax: &[u8], raw: &Raw<'_>) -> Result<Member, (String, MemberError)> {
    let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let records = records(pax, raw.size).map_err(|reason| (lossy(raw.name), reason))?;
    let full_name = records.path.unwrap_or(raw.name);
    let refuse = |reason| (lossy(full_name), reason);
    let path = std::str::from_utf8(full_name).map_err(|_| refuse(MemberError::Field("name")))?;
    let path = if raw.type_flag == b'5' { path.strip_suffix('/').unwrap_or(path) } else { path };
    name::check(path).map_err(|rule| refuse(rule.into()))?;
    let kind = match raw.type_flag {
        b'5' => Kind::Directory,
        b'2' => {
            let target = std::str::from_utf8(records.target.unwrap_or(raw.target)).map_err(|_| refuse(MemberError::Field("linkname")))?;
            let valid = target.len() <= name::PATH_BYTES_MAX && !target.chars().any(char::is_control);
            if !valid {
                return Err(refuse(MemberError::Field("linkname")));
            }
            Kind::Symlink { target: target.to_owned() }
        }
        _ => Kind::File { size: raw.size, executable: raw.mode & 0o100 != 0 },
    };
    Ok(Member { path: path.to_owned(), kind })
}

#[derive(Default)]
struct Records<'a> {
    path: Option<&'a [u8]>,
    target: Option<&'a [u8]>,
}

/// The records of a PAX header (its own block first) that stands before a header saying `size`.
fn records(pax: &[u8], size: u64) -> Result<Records<'_>, MemberError> {
    let mut records = Records::default();
    let Some((block, body)) = pax.split_first_chunk::<BLOCK_BYTES>() else {
        return Ok(records);
    };
    let length = usize::try_from(Raw::read(block)?.size).map_err(|_| MemberError::Pax)?;
    let mut rest = body.get(..length).ok_or(MemberError::Pax)?;
    while !rest.is_empty() {
        let (key, value, after) = record(rest).ok_or(MemberError::Pax)?;
        match key {
            "path" => records.path = Some(value),
            "linkpath" => records.target = Some(value),
            "size" if value != size.to_string().as_bytes() => {
                return Err(MemberError::SizeDisagrees { pax: String::from_utf8_lossy(value).into_owned(), header: size });
            }
            sparse if sparse.starts_with("GNU.sparse") => return Err(MemberError::Sparse),
            other => return Err(MemberError::UnknownRecord(other.to_owned())),
        }
        rest = after;
    }
    Ok(records)
}

/// `<length> <key>=<value>\n` at the start of `bytes`: key, value, and what comes after.
fn record(bytes: &[u8]) -> Option<(&str, &[u8], &[u8])> {
    let space = bytes.iter().position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(&bytes[..space]).ok()?.parse().ok()?;
    let (record, after) = bytes.split_at_checked(length)?;
    let body = record.get(space + 1..)?.strip_suffix(b"\n")?;
    let equals = body.iter().position(|byte| *byte == b'=')?;
    Some((std::str::from_utf8(&body[..equals]).ok()?, &body[equals + 1..], after))
}

/// A field up to its first NUL.
fn text(field: &[u8]) -> &[u8] {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    &field[..end]
}

/// Octal digits, then NULs or spaces; nothing at all is 0, as other writers leave fields of PAX headers.
fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text(field)).ok()?.trim_matches(' ');
    if text.is_empty() { Some(0) } else { u64::from_str_radix(text, 8).ok() }
}
