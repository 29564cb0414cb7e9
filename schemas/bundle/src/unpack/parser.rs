//! Cuts the bytes of an archive into members and content. Holds one header at a time, writes nothing.

use super::error::{MemberError, UnpackError};
use super::member::{Member, Raw, decode};
use crate::tar::{self, BLOCK_BYTES, Kind};

/// What the bytes so far have shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event<'a> {
    /// A member begins: its name and kind are valid, and it comes after the one before.
    Member { path: String, kind: Kind },
    /// Content of the file that began last.
    Content(&'a [u8]),
    /// All content of the member has come.
    MemberEnd,
}

#[derive(Debug)]
enum State {
    /// A header is coming; what of it is here.
    Header(Vec<u8>),
    /// The body of a PAX header is coming, padding included; the blocks so far and their whole length.
    Pax { blocks: Vec<u8>, length: usize },
    /// Content and then padding are coming.
    Content { left: u64, padding: usize },
    /// One block of the end was there; what of the other is here.
    Closing(usize),
    /// The end was there.
    Closed,
}

/// The state between two pieces of input.
#[derive(Debug)]
pub(super) struct Parser {
    state: State,
    /// The PAX header and its body that belong to the next header.
    pax: Vec<u8>,
    previous: Option<String>,
}

impl Parser {
    pub(super) fn new() -> Self {
        Self { state: State::Header(Vec::with_capacity(BLOCK_BYTES)), pax: Vec::new(), previous: None }
    }

    /// The next event in `bytes`, from which it takes what it needed; `None` when more bytes are needed.
    pub(super) fn next<'a>(&mut self, bytes: &mut &'a [u8]) -> Result<Option<Event<'a>>, UnpackError> {
        loop {
            match &mut self.state {
                State::Content { left: 0, padding: 0 } => {
                    self.state = State::Header(Vec::with_capacity(BLOCK_BYTES));
                    return Ok(Some(Event::MemberEnd));
                }
                _ if bytes.is_empty() => return Ok(None),
                State::Content { left: 0, padding } => {
                    let zeros = take(bytes, *padding);
                    *padding -= zeros.len();
                    if zeros.iter().any(|byte| *byte != 0) {
                        return Err(self.refuse(MemberError::NotCanonical));
                    }
                }
                State::Content { left, .. } => {
                    let content = take(bytes, usize::try_from(*left).unwrap_or(usize::MAX));
                    *left -= content.len() as u64;
                    return Ok(Some(Event::Content(content)));
                }
                State::Header(block) => {
                    block.extend_from_slice(take(bytes, BLOCK_BYTES - block.len()));
                    if let Some(block) = block.as_array::<BLOCK_BYTES>().copied()
                        && let Some(event) = self.header(&block)?
                    {
                        return Ok(Some(event));
                    }
                }
                State::Pax { blocks, length } => {
                    blocks.extend_from_slice(take(bytes, *length - blocks.len()));
                    if blocks.len() == *length {
                        self.pax.append(blocks);
                        self.state = State::Header(Vec::with_capacity(BLOCK_BYTES));
                    }
                }
                State::Closing(seen) => {
                    let zeros = take(bytes, BLOCK_BYTES - *seen);
                    *seen += zeros.len();
                    if zeros.iter().any(|byte| *byte != 0) {
                        return Err(UnpackError::Truncated);
                    }
                    if *seen == BLOCK_BYTES {
                        self.state = State::Closed;
                    }
                }
                State::Closed => return Err(UnpackError::Trailing),
            }
        }
    }

    /// No more bytes will come.
    pub(super) fn finish(&self) -> Result<(), UnpackError> {
        match self.state {
            State::Closed => Ok(()),
            State::Header(_) | State::Pax { .. } | State::Content { .. } | State::Closing(_) => Err(UnpackError::Truncated),
        }
    }

    fn header<'a>(&mut self, block: &[u8; BLOCK_BYTES]) -> Result<Option<Event<'a>>, UnpackError> {
        if *block == [0; BLOCK_BYTES] {
            if !self.pax.is_empty() {
                return Err(self.refuse(MemberError::Pax));
            }
            self.state = State::Closing(0);
            return Ok(None);
        }
        let raw = Raw::read(block).map_err(|reason| self.refuse(reason))?;
        if let Some(length) = raw.pax_length().map_err(|reason| self.refuse(reason))? {
            if !self.pax.is_empty() {
                return Err(self.refuse(MemberError::Pax));
            }
            self.pax.extend_from_slice(block);
            self.state = State::Pax { blocks: Vec::with_capacity(length), length };
            return Ok(None);
        }
        let Member { path, kind } = decode(&self.pax, &raw).map_err(|(path, reason)| UnpackError::Member { path, reason })?;
        self.pax.extend_from_slice(block);
        if std::mem::take(&mut self.pax) != tar::header(&path, &kind) {
            return Err(UnpackError::member(&path, MemberError::NotCanonical));
        }
        if let Some(previous) = self.previous.take_if(|previous| previous.as_bytes() >= path.as_bytes()) {
            return Err(UnpackError::member(&path, MemberError::Order { previous }));
        }
        self.previous = Some(path.clone());
        let left = kind.content_bytes();
        self.state = State::Content { left, padding: tar::padding(left) };
        Ok(Some(Event::Member { path, kind }))
    }

    /// An error at the member that was last begun, for want of a name of its own.
    fn refuse(&self, reason: MemberError) -> UnpackError {
        let path = self.previous.as_ref().map_or_else(|| "the first member".to_owned(), |previous| format!("after {previous}"));
        UnpackError::Member { path, reason }
    }
}

/// The first `count` bytes, or as many as there are.
fn take<'a>(bytes: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (now, later) = bytes.split_at(count.min(bytes.len()));
    *bytes = later;
    now
}
