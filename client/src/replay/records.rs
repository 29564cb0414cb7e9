//! The records of a ledger, one a line, from a farm or from a file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use reqwest::Response;
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;

use super::error::ReplayError;
use crate::farm::{Backoff, FarmClient, FarmError};

/// Read from a file at once.
const PIECE_BYTES: usize = 64 * 1024;
/// The longest line: a record closes at 512 KiB and one command more, so nothing longer is one.
const LINE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// An answer that breaks off is asked for again from where it broke, so often without a record in between.
const TRIES_MAX: u32 = 4;

/// Records in order, each exactly as it lies in the ledger.
#[derive(Debug)]
pub(crate) struct Records {
    input: Input,
    /// What was read and not yet given out.
    buffer: Vec<u8>,
    /// How much of it has no end of a line.
    searched: usize,
}

#[derive(Debug)]
enum Input {
    File { file: File, path: PathBuf },
    Farm(Answer),
}

/// The farm's answer, as far as it was read.
#[derive(Debug)]
struct Answer {
    client: Arc<FarmClient>,
    response: Response,
    /// The record that comes next.
    next: u64,
    /// The last that the farm has.
    last: u64,
    backoff: Backoff,
}

impl Records {
    /// All records of a farm.
    pub(crate) async fn of_farm(client: Arc<FarmClient>) -> Result<Self, FarmError> {
        let (response, last) = client.ledger(1).await?;
        Ok(Self::of(Input::Farm(Answer { client, response, next: 1, last, backoff: Backoff::default() })))
    }

    /// Those of a file.
    pub(crate) async fn of_file(path: &Path) -> Result<Self, ReplayError> {
        let path = path.to_owned();
        match File::open(&path).await {
            Ok(file) => Ok(Self::of(Input::File { file, path })),
            Err(source) => Err(ReplayError::Read { path, source }),
        }
    }

    fn of(input: Input) -> Self {
        Self { input, buffer: Vec::new(), searched: 0 }
    }

    /// What is read, for people.
    pub(crate) fn place(&self) -> String {
        match &self.input {
            Input::File { path, .. } => path.display().to_string(),
            Input::Farm(answer) => format!("the ledger of {}", answer.client.url()),
        }
    }

    /// The next record; `None` after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>, ReplayError> {
        loop {
            if let Some(record) = self.line() {
                if let Input::Farm(answer) = &mut self.input {
                    answer.next += 1;
                    answer.backoff.reset();
                }
                return Ok(Some(record));
            }
            if self.buffer.len() > LINE_BYTES_MAX {
                let found = format!("it has a line of more than {LINE_BYTES_MAX} bytes");
                return Err(ReplayError::NoLedger { place: self.place(), found });
            }
            if !self.fill().await? {
                // A file that somebody wrote may end without the end of a line.
                let rest = std::mem::take(&mut self.buffer);
                return Ok((!rest.is_empty()).then_some(rest));
            }
        }
    }

    /// The first whole line of the buffer.
    fn line(&mut self) -> Option<Vec<u8>> {
        let Some(end) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') else {
            self.searched = self.buffer.len();
            return None;
        };
        let rest = self.buffer.split_off(self.searched + end + 1);
        let mut line = std::mem::replace(&mut self.buffer, rest);
        line.pop();
        self.searched = 0;
        Some(line)
    }

    /// Reads some more; false at the end.
    async fn fill(&mut self) -> Result<bool, ReplayError> {
        match &mut self.input {
            Input::File { file, path } => {
                let mut piece = vec![0; PIECE_BYTES];
                let read = file.read(&mut piece).await.map_err(|source| ReplayError::Read { path: path.clone(), source })?;
                self.buffer.extend_from_slice(&piece[..read]);
                Ok(read > 0)
            }
            Input::Farm(answer) => match answer.client.chunk(&mut answer.response).await {
                Ok(Some(piece)) => {
                    self.buffer.extend_from_slice(&piece);
                    Ok(true)
                }
                Ok(None) if answer.next > answer.last => Ok(false),
                Ok(None) => self.ask_again(None).await,
                Err(error) => self.ask_again(Some(error)).await,
            },
        }
    }

    /// The answer broke off: the rest is asked for, from the first record that did not come whole.
    async fn ask_again(&mut self, mut error: Option<FarmError>) -> Result<bool, ReplayError> {
        self.buffer.clear();
        self.searched = 0;
        let Input::Farm(answer) = &mut self.input else { return Ok(false) };
        loop {
            if let Some(error) = error.take_if(|error| !error.is_passing() || answer.backoff.tries() >= TRIES_MAX) {
                return Err(error.into());
            }
            if answer.backoff.tries() >= TRIES_MAX {
                let (expected, found) = (format!("records up to {}", answer.last), format!("nothing after record {}", answer.next - 1));
                let url = answer.response.url().to_string();
                return Err(FarmError::Answer { url, status: answer.response.status().as_u16(), expected, found }.into());
            }
            let asked = error.as_ref().and_then(FarmError::retry_after);
            tokio::time::sleep(answer.backoff.next(asked)).await;
            match answer.client.ledger(answer.next).await {
                Ok((response, last)) => {
                    (answer.response, answer.last) = (response, last);
                    return Ok(true);
                }
                Err(again) => error = Some(again),
            }
        }
    }
}
