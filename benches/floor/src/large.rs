//! The floor of large bodies: an answer in chunks, and an upload that goes to a file. It knows no
//! routes, no forms and no limits; one connection at a time is all that it looks at.

use std::fs::{File, remove_file};
use std::io::{Error, Result, Write as _};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Bytes of a chunk that is sent.
const CHUNK: usize = 64 * 1024;
/// Bytes that are read from the socket and written to the file at once.
const PIECE: usize = 256 * 1024;

/// The bytes of a chunked answer, cut where they are written.
pub(crate) fn chunks(body: &str) -> Vec<Vec<u8>> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let framed = body.as_bytes().chunks(CHUNK).map(|chunk| {
        let size = format!("{:x}\r\n", chunk.len());
        [size.as_bytes(), chunk, b"\r\n"].concat()
    });
    let mut parts = vec![head.as_bytes().to_vec()];
    parts.extend(framed);
    parts.push(b"0\r\n\r\n".to_vec());
    parts
}

/// Read a head; the bytes of it and of what came with it.
async fn head(stream: &mut TcpStream, input: &mut [u8]) -> Result<Option<(usize, usize, usize)>> {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut input[filled..]).await?;
        if read == 0 {
            return Ok(None);
        }
        filled += read;
        let mut fields = [httparse::EMPTY_HEADER; 64];
        let mut request = httparse::Request::new(&mut fields);
        let parsed = request.parse(&input[..filled]).map_err(Error::other)?;
        if let httparse::Status::Complete(head) = parsed {
            let length = request
                .headers
                .iter()
                .find(|field| field.name.eq_ignore_ascii_case("content-length"))
                .and_then(|field| std::str::from_utf8(field.value).ok()?.parse().ok());
            return Ok(Some((head, filled, length.unwrap_or(0))));
        }
    }
}

/// Answer every request of a connection with the same chunks.
pub(crate) async fn stream(mut stream: TcpStream, parts: Rc<Vec<Vec<u8>>>) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut input = vec![0; 16 * 1024];
    while head(&mut stream, &mut input).await?.is_some() {
        for part in parts.iter() {
            stream.write_all(part).await?;
        }
    }
    Ok(())
}

/// Write the body of every request of a connection to a file of its own, which has no name left.
pub(crate) async fn upload(mut stream: TcpStream, answer: Rc<Vec<u8>>) -> Result<()> {
    static FILES: AtomicU64 = AtomicU64::new(0);
    stream.set_nodelay(true)?;
    let mut input = vec![0; PIECE];
    while let Some((head, filled, length)) = head(&mut stream, &mut input).await? {
        let number = FILES.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("floor-{}-{number}", std::process::id()));
        let mut file = File::create(&path)?;
        remove_file(&path)?;
        file.write_all(&input[head..filled])?;
        let mut left = length.saturating_sub(filled - head);
        while left > 0 {
            let read = stream.read(&mut input[..left.min(PIECE)]).await?;
            if read == 0 {
                return Ok(());
            }
            file.write_all(&input[..read])?;
            left -= read;
        }
        stream.write_all(&answer).await?;
    }
    Ok(())
}
