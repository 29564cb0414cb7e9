//! Streams an attempt's log while it grows.
//!
//! The file is the authority: pieces are read from it, kept by offset until the server has acknowledged them, and read and sent again when
//! it has not. Nothing of the log is kept in memory, and a server that is away stops nothing but this stream.

use std::collections::VecDeque;
use std::future::IntoFuture as _;
use std::io::SeekFrom;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::context::PublishError;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::publish::PublishAck;
use bytes::Bytes;
use rch_schemas::digest::Hasher;
use rch_schemas::wire::output::{OUTPUT_CHUNK_MAX, OutputHeader, OutputKind};
use rch_schemas::wire::subject;
use rch_schemas::{Attempt, JobId};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio::sync::watch;
use tokio::time::Instant;

use super::Link;

/// Unacknowledged pieces at once: 1 MiB on the way.
const IN_FLIGHT_MAX: usize = 16;
/// Smaller pieces wait this long for company; half of the 200 ms within which every byte is sent.
const COALESCE: Duration = Duration::from_millis(100);
/// An acknowledgement that takes longer is lost.
const ACK_TIMEOUT: Duration = Duration::from_secs(10);
/// The wait before pieces are sent again.
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// How far a log has grown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct LogProgress {
    /// Bytes in the file.
    pub(crate) bytes: u64,
    /// Whether no more will come.
    pub(crate) ended: bool,
}

/// A growing log.
#[derive(Debug)]
pub(crate) struct Log {
    /// Whose it is.
    pub(crate) job_id: JobId,
    /// Whose it is.
    pub(crate) attempt: Attempt,
    /// The file.
    pub(crate) path: PathBuf,
    /// How far it has grown.
    pub(crate) progress: watch::Receiver<LogProgress>,
}

/// One message that was sent: enough to make it again.
#[derive(Debug, Clone)]
struct Piece {
    header: OutputHeader,
    length: usize,
}

type Acknowledged = Pin<Box<dyn Future<Output = Result<PublishAck, PublishError>> + Send>>;

/// Sends the whole log and its end record; returns when the server has acknowledged all of it.
///
/// # Cancel safety
/// May be dropped at any time; what was not acknowledged is then in the file alone.
pub(crate) async fn stream_output(link: Link, log: Log) -> std::io::Result<()> {
    let file = File::open(&log.path).await?;
    let subject = subject::output(&link.worker, &log.job_id, log.attempt);
    let sender = Sender { link, subject, file };
    let mut cursor = Cursor::new(log.attempt);
    let mut progress = log.progress;
    let mut sender = sender;
    let mut window: VecDeque<(Piece, Option<Acknowledged>)> = VecDeque::new();
    loop {
        let grown = *progress.borrow_and_update();
        while window.len() < IN_FLIGHT_MAX
            && let Some(length) = cursor.next_length(grown)
        {
            let (piece, body) = sender.read(&mut cursor, length).await?;
            let sent = sender.send(&piece, body).await;
            window.push_back((piece, sent));
        }
        if window.is_empty() {
            if cursor.ended {
                return Ok(());
            }
            // Woken by growth, or by the clock for a small piece that has waited long enough.
            let _ = tokio::time::timeout(COALESCE, progress.changed()).await;
            if progress.has_changed().is_err() && !progress.borrow().ended {
                // The attempt was dropped in the middle; there will be no end.
                return Ok(());
            }
            continue;
        }
        if acknowledged(window.front_mut()).await {
            window.pop_front();
        } else {
            tokio::time::sleep(RETRY_DELAY).await;
            for (piece, sent) in &mut window {
                let body = sender.read_again(piece).await?;
                *sent = sender.send(piece, body).await;
            }
        }
    }
}

async fn acknowledged(front: Option<&mut (Piece, Option<Acknowledged>)>) -> bool {
    let Some((piece, Some(sent))) = front else { return false };
    match tokio::time::timeout(ACK_TIMEOUT, sent).await {
        Ok(Ok(_)) => true,
        Ok(Err(error)) => {
            tracing::debug!(offset = piece.header.offset, %error, "output not acknowledged");
            false
        }
        Err(_) => false,
    }
}

/// Where in the log the next message starts, and what it says about everything before.
struct Cursor {
    attempt: Attempt,
    sequence: u64,
    offset: u64,
    hasher: Hasher,
    ended: bool,
    last_sent: Option<Instant>,
}

impl Cursor {
    fn new(attempt: Attempt) -> Self {
        Self { attempt, sequence: 0, offset: 0, hasher: Hasher::new(), ended: false, last_sent: None }
    }

    /// The length of the message to be sent now: 0 for the end record; nothing while a small piece still waits for company.
    fn next_length(&self, grown: LogProgress) -> Option<usize> {
        let waiting = usize::try_from(grown.bytes - self.offset).unwrap_or(usize::MAX);
        let rested = self.last_sent.is_none_or(|sent| sent.elapsed() >= COALESCE);
        match waiting.min(OUTPUT_CHUNK_MAX) {
            0 if grown.ended && !self.ended => Some(0),
            0 => None,
            length if length == OUTPUT_CHUNK_MAX || grown.ended || rested => Some(length),
            _ => None,
        }
    }

    fn advance(&mut self, body: &[u8]) -> Piece {
        self.hasher.update(body);
        let kind = if body.is_empty() { OutputKind::End } else { OutputKind::Log };
        let running_sha256 = self.hasher.current();
        let header = OutputHeader { kind, attempt: self.attempt, sequence: self.sequence, offset: self.offset, running_sha256 };
        self.sequence += 1;
        self.offset += body.len() as u64;
        self.ended |= body.is_empty();
        self.last_sent = Some(Instant::now());
        Piece { header, length: body.len() }
    }
}

struct Sender {
    link: Link,
    subject: String,
    file: File,
}

impl Sender {
    async fn read(&mut self, cursor: &mut Cursor, length: usize) -> std::io::Result<(Piece, Bytes)> {
        let body = self.read_at(cursor.offset, length).await?;
        Ok((cursor.advance(&body), body))
    }

    async fn read_again(&mut self, piece: &Piece) -> std::io::Result<Bytes> {
        self.read_at(piece.header.offset, piece.length).await
    }

    async fn read_at(&mut self, offset: u64, length: usize) -> std::io::Result<Bytes> {
        self.file.seek(SeekFrom::Start(offset)).await?;
        let mut body = vec![0; length];
        self.file.read_exact(&mut body).await?;
        Ok(body.into())
    }

    /// Hands a message to the server; `None` when even that was not possible in time.
    async fn send(&self, piece: &Piece, body: Bytes) -> Option<Acknowledged> {
        let mut headers = HeaderMap::new();
        for (name, value) in piece.header.pairs() {
            headers.insert(name, value);
        }
        let message = PublishMessage::build().payload(body).headers(headers);
        let sent = tokio::time::timeout(ACK_TIMEOUT, self.link.jetstream.send_publish(self.subject.clone(), message)).await;
        match sent {
            Ok(Ok(acknowledgement)) => Some(acknowledgement.into_future()),
            Ok(Err(error)) => {
                tracing::debug!(subject = self.subject, %error, "output not sent");
                None
            }
            Err(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use rch_schemas::Sha256;

    use super::*;

    fn grown(bytes: u64, ended: bool) -> LogProgress {
        LogProgress { bytes, ended }
    }

    #[test]
    fn a_log_is_cut_into_full_pieces_and_a_rest_and_then_ends_once() {
        let mut cursor = Cursor::new(Attempt(1));
        let total = OUTPUT_CHUNK_MAX as u64 + 10;
        assert_eq!(cursor.next_length(grown(total, true)), Some(OUTPUT_CHUNK_MAX));
        cursor.advance(&vec![b'x'; OUTPUT_CHUNK_MAX]);
        assert_eq!(cursor.next_length(grown(total, true)), Some(10));
        cursor.advance(&[b'y'; 10]);
        assert_eq!(cursor.next_length(grown(total, true)), Some(0));
        let end = cursor.advance(&[]);
        assert_eq!((end.header.kind, end.header.sequence, end.header.offset), (OutputKind::End, 2, total));
        assert_eq!(cursor.next_length(grown(total, true)), None);
    }

    #[test]
    fn the_end_carries_the_digest_of_all_bytes() {
        let mut cursor = Cursor::new(Attempt(1));
        cursor.advance(b"one ");
        cursor.advance(b"two");
        assert_eq!(cursor.advance(&[]).header.running_sha256, Sha256::of("one two"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_small_piece_is_sent_at_once_the_first_time_and_then_waits_for_company() {
        let mut cursor = Cursor::new(Attempt(1));
        assert_eq!(cursor.next_length(grown(3, false)), Some(3));
        cursor.advance(b"abc");
        assert_eq!(cursor.next_length(grown(5, false)), None);
        tokio::time::advance(COALESCE).await;
        assert_eq!(cursor.next_length(grown(5, false)), Some(2));
    }
}
