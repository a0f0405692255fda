//! A hyper server that says, in fields of its answer, what it understood of each request.
//!
//! Prints its port. It must decide nothing that hyper does not decide.

use std::convert::Infallible;
use std::fmt::Write as _;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        let _ = write!(text, "{octet:02x}");
        text
    })
}

async fn echo(request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, hyper::Error> {
    let method = hex(request.method().as_str().as_bytes());
    let target = hex(request.uri().to_string().as_bytes());
    let body = request.into_body().collect().await?.to_bytes();
    let answer = Response::builder()
        .header("x-method", method)
        .header("x-target", target)
        .header("x-length", body.len())
        .header("x-body", hex(&body[..body.len().min(128)]))
        .body(Empty::new());
    Ok(answer.expect("the fields hold hexadecimal digits"))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<Infallible, std::io::Error> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    loop {
        let (stream, _) = listener.accept().await?;
        let connection = http1::Builder::new()
            .half_close(true)
            .serve_connection(TokioIo::new(stream), service_fn(echo));
        tokio::spawn(async move {
            let _ = connection.await;
        });
    }
}
