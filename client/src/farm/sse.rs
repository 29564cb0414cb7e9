//! Server-sent events out of a byte stream, each bounded.

/// The longest event, in bytes: a run of a thousand jobs fits.
const EVENT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SseEvent {
    /// The id that resumes the stream after this event.
    pub(crate) id: Option<String>,
    /// The data, its lines joined by line feeds.
    pub(crate) data: String,
}

/// An event that never ends, or is no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SseError {
    /// Longer than any event of the contract.
    #[error("an event longer than {EVENT_BYTES_MAX} bytes")]
    TooLong,
    /// Not UTF-8.
    #[error("an event that is not UTF-8")]
    NotText,
}

/// The state between two pieces of the stream.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    line: Vec<u8>,
    id: Option<String>,
    data: Option<String>,
    after_return: bool,
}

impl Parser {
    /// Takes the next bytes and hands every complete event to `found`. Comments, which keep the connection alive, are skipped.
    pub(crate) fn push(&mut self, bytes: &[u8], mut found: impl FnMut(SseEvent)) -> Result<(), SseError> {
        for byte in bytes {
            let follows_return = std::mem::replace(&mut self.after_return, *byte == b'\r');
            match byte {
                b'\n' if follows_return => {}
                b'\n' | b'\r' => {
                    if let Some(event) = self.end_line()? {
                        found(event);
                    }
                }
                _ if self.line.len() + self.data.as_ref().map_or(0, String::len) >= EVENT_BYTES_MAX => return Err(SseError::TooLong),
                _ => self.line.push(*byte),
            }
        }
        Ok(())
    }

    fn end_line(&mut self) -> Result<Option<SseEvent>, SseError> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            let id = self.id.take();
            return Ok(self.data.take().map(|data| SseEvent { id, data }));
        }
        let line = String::from_utf8(line).map_err(|_| SseError::NotText)?;
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            "id" => self.id = Some(value.to_owned()),
            // `event` and `retry`: the data says what it is, and we choose our own pauses.
            _ => {}
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(pieces: &[&[u8]]) -> Vec<SseEvent> {
        let (mut parser, mut events) = (Parser::default(), Vec::new());
        for piece in pieces {
            parser.push(piece, |event| events.push(event)).expect("a valid stream");
        }
        events
    }

    fn event(id: Option<&str>, data: &str) -> SseEvent {
        SseEvent { id: id.map(str::to_owned), data: data.to_owned() }
    }

    #[test]
    fn events_are_the_same_wherever_the_stream_is_cut() {
        let stream =
            b": hello\n\nid: 12.0\ndata: {\"a\":1}\n\nevent: log\nid:1:5\ndata: one\ndata: two\r\n\r\n:keep-alive\n\ndata: not complete";
        let expected = [event(Some("12.0"), "{\"a\":1}"), event(Some("1:5"), "one\ntwo")];
        assert_eq!(events(&[stream]), expected);
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(events(&bytes), expected);
    }

    #[test]
    fn an_event_without_end_is_given_up_and_one_that_is_no_text_too() {
        let mut parser = Parser::default();
        let piece = vec![b'x'; 1024 * 1024];
        let failed = (0..20).find_map(|_| parser.push(&piece, |_| ()).err());
        assert_eq!(failed, Some(SseError::TooLong));
        assert_eq!(Parser::default().push(b"data: \xff\n", |_| ()), Err(SseError::NotText));
    }
}
