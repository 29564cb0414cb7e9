//! Just enough HTTP to ask a server on this machine how it is: one request without a body, one answer, no TLS. Everything more belongs to `rch`.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Loopback answers at once or not at all.
const PATIENCE: Duration = Duration::from_secs(5);

/// Status and body of `GET http://ADDRESS/PATH`. HTTP 1.0, so that the body ends where the connection does.
pub(crate) fn get(url: &str, path: &str) -> io::Result<(u16, String)> {
    ask("GET", url, path)
}

/// The same for `POST`.
pub(crate) fn post(url: &str, path: &str) -> io::Result<(u16, String)> {
    ask("POST", url, path)
}

fn ask(method: &str, url: &str, path: &str) -> io::Result<(u16, String)> {
    let address = url.strip_prefix("http://").unwrap_or(url);
    let mut connection = TcpStream::connect(address)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.set_write_timeout(Some(PATIENCE))?;
    write!(connection, "{method} {path} HTTP/1.0\r\nHost: {address}\r\nContent-Length: 0\r\n\r\n")?;
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer)?;
    parse(&String::from_utf8_lossy(&answer)).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "expected an HTTP response"))
}

fn parse(answer: &str) -> Option<(u16, String)> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?;
    Some((status.parse().ok()?, body.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_status_and_a_body() {
        let answer = "HTTP/1.0 503 Service Unavailable\r\ncontent-type: text/plain\r\n\r\nnot yet";
        assert_eq!(parse(answer), Some((503, "not yet".to_owned())));
        assert_eq!(parse("220 mail ready\r\n\r\n"), None);
    }
}
