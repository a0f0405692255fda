//! The engine without Python: constant answers, all limits armed. `cargo run --example constant PORT`
use std::os::fd::OwnedFd;

use covet_server::counters::Counters;
use covet_server::handler::{Answer, Handler, Request, Route, Service};
use covet_server::response::{JSON, Payload, Response, TEXT};
use covet_server::routing::{Pattern, RouterBuilder};
use covet_server::server::Server;
use covet_server::settings::Settings;

struct Constant;

impl Handler for Constant {
    fn call(&self, request: &Request<'_>) -> Answer {
        Answer::Now(match request.route.id {
            0 => Response::new(200, Some(TEXT), Payload::Static(b"Hello, World!")),
            _ => Response::new(200, Some(JSON), Payload::Static(br#"{"hello":"world"}"#)),
        })
    }
}

fn main() -> std::io::Result<()> {
    let port = std::env::args()
        .nth(1)
        .and_then(|port| port.parse().ok())
        .unwrap_or(8000);
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], port)).into())?;
    socket.listen(2048)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(tokio::runtime::LocalOptions::default())?;
    runtime.block_on(async {
        let mut builder = RouterBuilder::new();
        for (id, path) in ["/text", "/json"].into_iter().enumerate() {
            let route = Route {
                id,
                max_body: Some(2 << 20),
                timeout: None,
                cancel_on_disconnect: true,
                takes_body: false,
                compressed_body: false,
                compress: None,
                gate: None,
                files: None,
            };
            let pattern = Pattern::parse(path).map_err(std::io::Error::other)?;
            builder
                .add(&["GET"], pattern, route, path)
                .map_err(std::io::Error::other)?;
        }
        let service = Service {
            router: builder.build(),
            handler: Box::new(Constant),
        };
        let server = Server::new(Settings::default(), service, None, Counters::default());
        server.listen(OwnedFd::from(socket))?;
        server.finished().await;
        Ok(())
    })
}
