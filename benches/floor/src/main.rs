//! The floor: a bare Tokio and httparse server, the yardstick of every bench.
//!
//! One thread, no routing, no limits, one constant answer. It keeps connections alive, answers
//! pipelined requests with one write, skips request bodies by Content-Length and sends a Date
//! that is formatted once a second. It must stay as fast as such a server honestly is: a ratio
//! against a slow floor would flatter.
//!
//! Usage: `floor PORT text|json|closing|stream|upload [FILE]`, where FILE holds the body of the answer.
//! `closing` is `json` with one answer for each connection; `stream` and `upload` are in `large`.

mod large;

use std::{cell::RefCell, rc::Rc, time::Duration};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const BUFFER: usize = 16 * 1024;

fn answer(kind: &str, file: &str) -> Vec<u8> {
    let (content_type, body) = match kind {
        "text" => ("text/plain; charset=utf-8", "Hello, World!"),
        _ => ("application/json", file),
    };
    let date = httpdate::fmt_http_date(std::time::SystemTime::now());
    let length = body.len();
    let last = if kind == "closing" {
        "connection: close\r\n"
    } else {
        ""
    };
    format!("HTTP/1.1 200 OK\r\ndate: {date}\r\ncontent-type: {content_type}\r\n{last}content-length: {length}\r\n\r\n{body}").into_bytes()
}

/// Bytes of the first request in `input` with its body, or `None` while it is incomplete.
fn request_length(input: &[u8]) -> std::io::Result<Option<usize>> {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut fields);
    let httparse::Status::Complete(head) = request.parse(input).map_err(std::io::Error::other)?
    else {
        return Ok(None);
    };
    let length = request
        .headers
        .iter()
        .find(|field| field.name.eq_ignore_ascii_case("content-length"));
    let body = length
        .and_then(|field| std::str::from_utf8(field.value).ok()?.parse().ok())
        .unwrap_or(0);
    Ok(Some(head + body).filter(|&total| total <= input.len()))
}

async fn connection(
    mut stream: TcpStream,
    answer: Rc<RefCell<Vec<u8>>>,
    closing: bool,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut input, mut filled) = (vec![0; BUFFER], 0);
    let mut output = Vec::with_capacity(1024);
    loop {
        let read = stream.read(&mut input[filled..]).await?;
        if read == 0 {
            return Ok(());
        }
        filled += read;
        let mut done = 0;
        while let Some(length) = request_length(&input[done..filled])? {
            output.extend_from_slice(&answer.borrow());
            done += length;
            if done == filled {
                break;
            }
        }
        input.copy_within(done..filled, 0);
        filled -= done;
        if !output.is_empty() {
            stream.write_all(&output).await?;
            output.clear();
            if closing {
                return Ok(());
            }
        }
    }
}

async fn serve(port: u16, kind: &str, file: String) -> std::io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let parts = Rc::new(large::chunks(&file));
    let shared = Rc::new(RefCell::new(answer(kind, &file)));
    let constant = Rc::new(answer(kind, &file));
    let (keeper, current) = (kind.to_owned(), shared.clone());
    tokio::task::spawn_local(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            *current.borrow_mut() = answer(&keeper, &file);
        }
    });
    let closing = kind == "closing";
    loop {
        let (stream, _) = listener.accept().await?;
        match kind {
            "stream" => tokio::task::spawn_local(large::stream(stream, parts.clone())),
            "upload" => tokio::task::spawn_local(large::upload(stream, constant.clone())),
            _ => tokio::task::spawn_local(connection(stream, shared.clone(), closing)),
        };
    }
}

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (Some(port), kind) = (
        arguments.first().and_then(|port| port.parse().ok()),
        arguments.get(1),
    ) else {
        return Err(std::io::Error::other(
            "usage: floor PORT text|json|closing|stream|upload [FILE]",
        ));
    };
    let hello = || Ok(r#"{"hello":"world"}"#.to_owned());
    let file = arguments
        .get(2)
        .map_or_else(hello, std::fs::read_to_string)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    tokio::task::LocalSet::new().block_on(
        &runtime,
        serve(port, kind.map_or("text", String::as_str), file),
    )
}
