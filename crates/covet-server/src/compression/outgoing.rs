//! From a route's options and a request to the encoded answer.
//!
//! [`Offered`] is made of the head and kept until there is an answer, [`Planned`] of that answer as
//! the handler gave it; conditions and ranges of files are settled in between.

use std::mem;
use std::rc::Rc;

use super::acceptance::Acceptance;
use super::coding::Coding;
use super::eligible::Eligible;
use super::encoded::{Aside, Encoded, whole};
use super::fields::{vary, weaken};
use crate::http1::Head;
use crate::response::{Payload, Response};

/// A body up to this size is encoded at once and has a length; a larger one is encoded while it
/// is sent.
const WHOLE: usize = 64 * 1024;

/// How a route's answers are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compress {
    /// Bytes from which on a body is worth it.
    pub minimum_size: u64,
}

/// What may become of the answer to one request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offered {
    minimum: u64,
    /// What the client likes best of what there is.
    coding: Option<Coding>,
    /// Whether it must not be sent the answer as it is.
    only: bool,
}

/// What becomes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Planned {
    /// Its status as the handler gave it.
    status: u16,
    /// Whether it differs from client to client.
    varies: bool,
    coding: Option<Coding>,
}

impl Offered {
    /// For the request with this head, to a route with these options.
    pub(crate) fn of(options: Compress, head: &Head, bytes: &[u8]) -> Self {
        let said = Acceptance::of(head.values(bytes, "accept-encoding"), Coding::NAMES);
        let coding = said.preferred().next().map(|at| Coding::ALL[at]);
        Self {
            minimum: options.minimum_size,
            coding,
            only: said.refuses_identity(),
        }
    }

    /// What becomes of `response`, which the handler gave.
    pub(crate) fn plan(self, response: &Response) -> Planned {
        let is_asked = match Eligible::of(response, self.minimum) {
            Eligible::Yes => true,
            Eligible::IfAsked => self.only && self.coding.is_some(),
            // A 304 stands for an answer that may have been encoded (RFC 9110 section 15.4.5).
            Eligible::Never => response.status == 304,
        };
        Planned {
            status: response.status,
            varies: is_asked,
            coding: self.coding.filter(|_| is_asked),
        }
    }
}

impl Planned {
    /// Whether the answer is sent in a coding, unless conditions or ranges make it another one.
    pub(crate) fn encodes(self) -> bool {
        self.coding.is_some()
    }

    /// Carry it out on the same answer, which is settled now. `aside`: for work that takes long.
    pub(crate) fn apply(
        self,
        mut response: Response,
        aside: &Rc<impl Aside + 'static>,
    ) -> Response {
        if !self.varies {
            return response;
        }
        if let Some(coding) = self.coding {
            if response.status == 304 {
                weaken(&mut response.fields);
            } else if response.status == self.status {
                response = encode(response, coding, aside);
            }
        }
        vary(&mut response.fields);
        response
    }
}

/// `response` in `coding`; as it is where there is no memory for it.
fn encode(mut response: Response, coding: Coding, aside: &Rc<impl Aside + 'static>) -> Response {
    let body = mem::take(&mut response.body);
    let in_memory = !matches!(body, Payload::File(_) | Payload::Stream(_));
    response.body = if in_memory && body.as_slice().len() <= WHOLE {
        let Ok(encoded) = whole(body.as_slice(), coding, &**aside) else {
            response.body = body;
            return response;
        };
        Payload::Buffer(encoded)
    } else {
        let aside = Rc::clone(aside) as Rc<dyn Aside>;
        Payload::Stream(Box::new(Encoded::new(body, coding, aside)))
    };
    weaken(&mut response.fields);
    response.add_field("content-encoding", coding.name());
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::{HeadLimits, HeadParser};

    struct Here;

    impl Aside for Here {
        fn aside(&self, work: &mut dyn FnMut()) {
            work();
        }
    }

    fn offered(accept: Option<&str>) -> Offered {
        let field = accept.map_or(String::new(), |it| format!("accept-encoding: {it}\r\n"));
        let bytes = format!("GET / HTTP/1.1\r\nhost: a\r\n{field}\r\n");
        let (mut parser, mut head) = (HeadParser::new(), Head::new());
        let parsed = parser.parse(bytes.as_bytes(), &mut head, &HeadLimits::default());
        assert_eq!(parsed, Ok(true));
        Offered::of(Compress { minimum_size: 500 }, &head, bytes.as_bytes())
    }

    fn answer(length: usize, content_type: &'static str) -> Response {
        let mut body = crate::buffers::Buffer::take();
        body.resize(length, b'a');
        Response::new(200, Some(content_type.as_bytes()), Payload::Buffer(body))
    }

    /// Content-Encoding and Vary of an answer.
    fn said(accept: Option<&str>, response: Response) -> (Option<&'static str>, bool) {
        let sent = offered(accept)
            .plan(&response)
            .apply(response, &Rc::new(Here));
        let coding = Coding::NAMES.into_iter().find(|name| {
            let line = format!("content-encoding: {name}\r\n");
            String::from_utf8_lossy(&sent.fields).contains(&line)
        });
        (coding, sent.has_field("vary"))
    }

    #[test]
    fn what_is_accepted_is_sent() {
        for (accept, coding) in [
            (None, None),
            (Some(""), None),
            (Some("identity"), None),
            (Some("deflate, compress"), None),
            (Some("gzip"), Some("gzip")),
            (Some("x-gzip"), Some("gzip")),
            (Some("GZIP"), Some("gzip")),
            (Some("gzip, deflate, br"), Some("br")),
            (Some("gzip, deflate, br, zstd"), Some("zstd")),
            (Some("br;q=1.0, gzip;q=0.8, *;q=0.1"), Some("br")),
            (Some("gzip;q=1, br;q=0.9, zstd;q=0.9"), Some("gzip")),
            (Some("*"), Some("zstd")),
            (Some("zstd;q=0, *"), Some("br")),
            (Some("*;q=0"), None),
            (Some("gzip;q=0"), None),
            (Some("identity;q=0"), None),
            (Some("identity;q=0, gzip;q=0.1"), Some("gzip")),
            (Some("identity, gzip;q=0.5"), None),
            (Some("gzip;q=1.5"), None),
        ] {
            assert_eq!(
                said(accept, answer(500, "text/plain")),
                (coding, true),
                "{accept:?}"
            );
        }
    }

    #[test]
    fn what_is_not_worth_it_stays_unless_its_client_refuses_that() {
        for (accept, length, content_type, expected) in [
            ("gzip", 499, "text/plain", (None, false)),
            ("gzip", 9_000, "image/png", (None, false)),
            (
                "gzip, identity;q=0",
                499,
                "text/plain",
                (Some("gzip"), true),
            ),
            ("gzip, *;q=0", 9_000, "image/png", (Some("gzip"), true)),
            ("identity;q=0", 499, "text/plain", (None, false)),
            ("gzip, identity;q=0", 0, "text/plain", (None, false)),
        ] {
            let found = said(Some(accept), answer(length, content_type));
            assert_eq!(found, expected, "{accept} {length} {content_type}");
        }
    }

    #[test]
    fn what_the_fields_say_of_the_bytes_stays_true() {
        let tagged = |status| {
            let mut response = answer(600, "text/plain").with_field("etag", "\"x\"");
            response.status = status;
            response.with_field("accept-ranges", "bytes")
        };
        let fields = |accept, response: Response| {
            let sent = offered(accept)
                .plan(&response)
                .apply(response, &Rc::new(Here));
            String::from_utf8_lossy(&sent.fields).into_owned()
        };
        assert_eq!(
            fields(Some("gzip"), tagged(200)),
            "etag: W/\"x\"\r\ncontent-encoding: gzip\r\nvary: accept-encoding\r\n"
        );
        assert_eq!(
            fields(None, tagged(200)),
            "etag: \"x\"\r\naccept-ranges: bytes\r\nvary: accept-encoding\r\n"
        );
        assert_eq!(
            fields(Some("gzip"), tagged(304)),
            "etag: W/\"x\"\r\nvary: accept-encoding\r\n"
        );
        assert_eq!(
            fields(Some("gzip"), tagged(206)),
            "etag: \"x\"\r\naccept-ranges: bytes\r\n"
        );
    }

    #[test]
    fn a_settled_answer_is_another_one() {
        let given = answer(600, "text/plain").with_field("etag", "\"x\"");
        let planned = offered(Some("gzip")).plan(&given);
        let mut settled = answer(600, "text/plain").with_field("etag", "\"x\"");
        settled.status = 206;
        let sent = planned.apply(settled, &Rc::new(Here));
        assert_eq!(sent.fields, b"etag: \"x\"\r\nvary: accept-encoding\r\n");
        assert_eq!(sent.body.length(), 600);
    }
}
