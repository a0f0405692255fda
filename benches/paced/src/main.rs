//! An open-loop load: requests at a fixed rate, each timed from the moment at which it was due.
//!
//! A request that is due while every connection is busy waits, and its wait counts: a server that stalls cannot hide
//! it. Between requests that are less than 50 us apart it polls without sleeping, so it wants a core of its own.
//!
//! Usage: `paced ADDRESS PATH RATE CONNECTIONS SECONDS` prints one JSON object. The first second is left out.

use std::collections::VecDeque;
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::event::{Timespec, epoll};

const WARM_UP: Duration = Duration::from_secs(1);
const SPIN: Duration = Duration::from_micros(50);
/// Answers that are still awaited when the time is up get so long.
const PATIENCE: Duration = Duration::from_secs(5);

/// One keep-alive connection with at most one request on its way.
struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
    due: Instant,
}

/// What was measured, in nanoseconds.
#[derive(Default)]
struct Tally {
    latencies: Vec<u64>,
    failed: usize,
}

/// Status and length of an answer, once its head is complete.
fn answer(received: &[u8]) -> Result<Option<(u16, usize)>> {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut fields);
    let httparse::Status::Complete(head) = response.parse(received).map_err(Error::other)? else {
        return Ok(None);
    };
    let length = response
        .headers
        .iter()
        .find(|field| field.name.eq_ignore_ascii_case("content-length"));
    let body: usize = length
        .and_then(|field| std::str::from_utf8(field.value).ok()?.parse().ok())
        .ok_or_else(|| Error::other("an answer without Content-Length"))?;
    Ok(Some((response.code.unwrap_or(0), head + body)))
}

impl Connection {
    fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            received: Vec::with_capacity(4096),
            due: Instant::now(),
        })
    }

    fn send(&mut self, request: &[u8], due: Instant) -> Result<()> {
        self.due = due;
        self.stream.write_all(request)
    }

    /// Reads what is there; the status once the answer is whole.
    fn receive(&mut self) -> Result<Option<u16>> {
        let mut part = [0; 16 * 1024];
        match self.stream.read(&mut part) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => self.received.extend_from_slice(&part[..read]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        }
        let whole = answer(&self.received)?.filter(|&(_, length)| self.received.len() >= length);
        if whole.is_some() {
            self.received.clear();
        }
        Ok(whole.map(|(status, _)| status))
    }
}

/// How long to wait for answers: until the next request is due, without sleeping where that is soon.
fn pause(until: Duration) -> Timespec {
    let nanoseconds = if until < SPIN { 0 } else { until.as_nanos() };
    let seconds = i64::try_from(nanoseconds / 1_000_000_000).unwrap_or(1);
    Timespec {
        tv_sec: seconds,
        tv_nsec: i64::try_from(nanoseconds % 1_000_000_000).unwrap_or(0),
    }
}

fn run(address: &str, path: &str, rate: f64, connections: usize, seconds: f64) -> Result<Tally> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n").into_bytes();
    let poll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let mut open = Vec::with_capacity(connections);
    for index in 0..connections {
        let connection = Connection::open(address)?;
        epoll::add(
            &poll,
            &connection.stream,
            epoll::EventData::new_u64(index as u64),
            epoll::EventFlags::IN,
        )?;
        open.push(connection);
    }
    let mut idle: VecDeque<usize> = (0..connections).collect();
    let mut tally = Tally::default();
    let mut events = Vec::with_capacity(connections);
    let start = Instant::now();
    let total = (rate * (seconds + WARM_UP.as_secs_f64())) as u64;
    let due_at = |number: u64| start + Duration::from_secs_f64(number as f64 / rate);
    let end = due_at(total) + PATIENCE;
    let mut sent = 0;
    while sent < total || idle.len() < connections {
        let now = Instant::now();
        if now > end {
            tally.failed += connections - idle.len() + usize::try_from(total - sent).unwrap_or(0);
            break;
        }
        while sent < total && due_at(sent) <= now {
            let Some(index) = idle.pop_front() else { break };
            open[index].send(&request, due_at(sent))?;
            sent += 1;
        }
        let waiting = sent == total || idle.is_empty();
        let wait = if waiting {
            Duration::from_millis(100)
        } else {
            due_at(sent).saturating_duration_since(Instant::now())
        };
        events.clear();
        epoll::wait(
            &poll,
            rustix::buffer::spare_capacity(&mut events),
            Some(&pause(wait)),
        )?;
        for event in &events {
            let index = event.data.u64() as usize;
            if let Some(status) = open[index].receive()? {
                idle.push_back(index);
                if open[index].due >= start + WARM_UP {
                    tally
                        .latencies
                        .push(open[index].due.elapsed().as_nanos() as u64);
                    tally.failed += usize::from(status != 200);
                }
            }
        }
    }
    Ok(tally)
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let usage = || Error::other("usage: paced ADDRESS PATH RATE CONNECTIONS SECONDS");
    let [address, path, rate, connections, seconds] = arguments.as_slice() else {
        return Err(usage());
    };
    let (Ok(rate), Ok(connections), Ok(seconds)) =
        (rate.parse(), connections.parse(), seconds.parse())
    else {
        return Err(usage());
    };
    let mut tally = run(address, path, rate, connections, seconds)?;
    tally.latencies.sort_unstable();
    let count = tally.latencies.len();
    if count == 0 {
        return Err(Error::other("no request was answered"));
    }
    let quantile =
        |share: f64| tally.latencies[((count as f64 * share) as usize).min(count - 1)] as f64 / 1e3;
    println!(
        r#"{{"rps": {:.1}, "p50_us": {:.1}, "p99_us": {:.1}, "p99_9_us": {:.1}, "failed": {}}}"#,
        count as f64 / seconds,
        quantile(0.5),
        quantile(0.99),
        quantile(0.999),
        tally.failed
    );
    Ok(())
}
