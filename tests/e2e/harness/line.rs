//! A bad line to a server: connections that break, stop half-way, dawdle, or answer rubbish.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use rch_local::Farm;

/// Bytes that are carried at once.
const PIECE_BYTES: usize = 4 * 1024;

/// What is wrong with one connection.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// It breaks when so many bytes of answers were carried.
    AnswerCut(usize),
    /// It breaks when so many bytes of requests were carried.
    RequestCut(usize),
    /// After so many bytes of answers the farm's side is closed in order, in the middle of whatever it is.
    HalfClosed(usize),
    /// Each piece waits for so long.
    Slow(Duration),
    /// Nobody is asked: this is the answer, whatever the question.
    Says(&'static str),
}

/// The line. New connections are refused when it is dropped.
#[derive(Debug)]
pub(crate) struct Line {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
    connections: Arc<AtomicUsize>,
}

impl Line {
    /// To the coordinator of this farm; `fault` says what is wrong with each connection, counted from 0.
    pub(crate) fn to(farm: &Farm, fault: impl Fn(usize) -> Fault + Send + 'static) -> Self {
        Self::to_url(farm.url(), fault)
    }

    /// The same to any server.
    pub(crate) fn to_url(url: &str, fault: impl Fn(usize) -> Fault + Send + 'static) -> Self {
        let farm: SocketAddr = url.strip_prefix("http://").unwrap().parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let line = Self { address: listener.local_addr().unwrap(), is_over: Arc::default(), connections: Arc::default() };
        let (is_over, connections) = (Arc::clone(&line.is_over), Arc::clone(&line.connections));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                let fault = fault(connections.fetch_add(1, Ordering::Relaxed));
                thread::spawn(move || carry(client, farm, fault));
            }
        });
        line
    }

    /// Where its near end is.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // Wakes the thread that waits for connections.
        let _ = TcpStream::connect(self.address);
    }
}

fn carry(mut client: TcpStream, farm: SocketAddr, fault: Fault) {
    if let Fault::Says(answer) = fault {
        // What was asked is read first: a connection closed with unread bytes is reset, and the answer with it.
        let _ = client.read(&mut [0; PIECE_BYTES]);
        let _ = client.write_all(answer.as_bytes());
        let _ = client.shutdown(Shutdown::Write);
        return;
    }
    // A farm that is away is a connection that is closed.
    let Ok(server) = TcpStream::connect(farm) else { return };
    let (far, near) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    let requests = match fault {
        Fault::RequestCut(bytes) => bytes,
        Fault::None | Fault::AnswerCut(_) | Fault::HalfClosed(_) | Fault::Slow(_) | Fault::Says(_) => usize::MAX,
    };
    let (answers, pause) = match fault {
        Fault::AnswerCut(bytes) | Fault::HalfClosed(bytes) => (bytes, Duration::ZERO),
        Fault::Slow(pause) => (usize::MAX, pause),
        Fault::None | Fault::RequestCut(_) | Fault::Says(_) => (usize::MAX, Duration::ZERO),
    };
    let up = thread::spawn(move || {
        copy(&near, &far, requests, Duration::ZERO);
        let _ = far.shutdown(Shutdown::Both);
    });
    copy(&server, &client, answers, pause);
    if matches!(fault, Fault::HalfClosed(_)) {
        let _ = client.shutdown(Shutdown::Write);
    } else {
        let _ = client.shutdown(Shutdown::Both);
    }
    let _ = server.shutdown(Shutdown::Both);
    let _ = up.join();
}

/// Carries bytes until one side ends, or `left` is used up.
fn copy(mut from: &TcpStream, mut to: &TcpStream, mut left: usize, pause: Duration) {
    let mut piece = [0; PIECE_BYTES];
    while left > 0 {
        let Ok(count @ 1..) = from.read(&mut piece) else { return };
        let count = count.min(left);
        if !pause.is_zero() {
            thread::sleep(pause);
        }
        if to.write_all(&piece[..count]).is_err() {
            return;
        }
        left -= count;
    }
}
