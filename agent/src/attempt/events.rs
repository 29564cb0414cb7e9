//! The events of an attempt: its phases, its command, and in between what the log tells.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::PathBuf;

use rch_schemas::Timestamp;
use rch_schemas::document::{ArtifactProfile, EventBody};
use rch_schemas::wire::agent::Phase;

use super::documents::{DocumentError, events_header};
use super::ending::GivenUp;
use super::execute::Ran;
use super::run::Attempt;
use crate::results::{self, EventWriter, LogReading, Timeline, Tree};

/// Its name in a set.
const NAME: &str = "events.jsonl";

/// The file, which its attempt ends when it knows how it ended.
pub(super) type EventFile = EventWriter<BufWriter<File>>;

/// What happened outside of the log.
struct Frame {
    path: PathBuf,
    header: rch_schemas::document::EventsHeader,
    before: Vec<(Phase, Timestamp)>,
    after: Vec<(Phase, Timestamp)>,
    command: EventBody,
    ended: EventBody,
    started_at: Timestamp,
    ended_at: Timestamp,
    timeline: Timeline,
}

impl Attempt<'_> {
    /// Reads the log once; in the rich profile its events are written meanwhile.
    pub(super) async fn read_log(&self, tree: &Tree, ran: &Ran) -> Result<(LogReading, Option<EventFile>), GivenUp> {
        let (path, tree) = (self.directory.log(), tree.clone());
        let frame = (self.job.artifact_profile == ArtifactProfile::Rich).then(|| self.frame(ran));
        let read = move || -> Result<(LogReading, Option<EventFile>), DocumentError> {
            let unreadable = |source| DocumentError::Write { name: "build.log", source };
            let Some(frame) = frame else {
                return Ok((results::read_log(&path, &tree, |_, _| {}).map_err(unreadable)?, None));
            };
            let mut events = frame.open().map_err(|source| DocumentError::Write { name: NAME, source })?;
            let reading = results::read_log(&path, &tree, |offset, event| events.tell_logged(&frame.timeline, offset, event));
            let reading = reading.map_err(unreadable)?;
            frame.close(&mut events);
            Ok((reading, Some(events)))
        };
        let read = tokio::task::spawn_blocking(read).await;
        Ok(read.map_err(|error| GivenUp::internal(&error))??)
    }

    fn frame(&self, ran: &Ran) -> Frame {
        let at = |entered: crate::clock::Uptime| {
            let since = i64::try_from(entered.since(self.started).as_millis()).unwrap_or(i64::MAX);
            Timestamp::from_unix_ms(self.started_at.unix_ms().saturating_add(since))
        };
        let entered = self.life.entered().iter().map(|(phase, entered)| (*phase, at(*entered)));
        let (after, before) = entered.partition(|(phase, _)| *phase == Phase::Collect);
        Frame {
            path: self.directory.set().join(NAME),
            header: events_header(self.job),
            before,
            after,
            command: EventBody::CommandStarted { argv: ran.line.words() },
            ended: EventBody::CommandEnded { exit_code: ran.exit.code, signal: ran.exit.signal },
            started_at: ran.started_at,
            ended_at: ran.ended_at,
            timeline: ran.timeline.clone(),
        }
    }
}

impl Frame {
    fn open(&self) -> io::Result<EventFile> {
        let mut events = EventWriter::new(BufWriter::new(File::create(&self.path)?), &self.header);
        for (phase, at) in &self.before {
            events.tell(*at, EventBody::Phase { phase: *phase });
        }
        events.tell(self.started_at, self.command.clone());
        Ok(events)
    }

    fn close(&self, events: &mut EventFile) {
        events.tell(self.ended_at, self.ended.clone());
        for (phase, at) in &self.after {
            events.tell(*at, EventBody::Phase { phase: *phase });
        }
    }
}
