//! Properties of whole connections: pipelined valid requests come through in any pieces.

use proptest::prelude::*;

use crate::echo::serve;

/// One valid request with the body that its answer must echo.
fn request() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    let body = prop::collection::vec(any::<u8>(), 0..300);
    let sizes = prop::collection::vec(1_usize..40, 1..8);
    let extension = prop::sample::select(&["", ";", ";a=b", " ;x=\"y z\"", "\t;\u{e9}"][..]);
    let trailers = prop::sample::select(&["", "X:\r\n", "Cookie: a=b\r\nY: z \r\n"][..]);
    (body, sizes, extension, trailers, any::<bool>()).prop_map(
        |(body, sizes, extension, trailers, chunked)| {
            let mut bytes = b"POST /p?q HTTP/1.1\r\nHost: a\r\n".to_vec();
            if !chunked {
                bytes.extend(format!("Content-Length: {}\r\n\r\n", body.len()).bytes());
                bytes.extend_from_slice(&body);
                return (bytes, body);
            }
            bytes.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
            let mut rest = &body[..];
            for size in sizes.iter().cycle() {
                let (chunk, after) = rest.split_at(rest.len().min(*size));
                bytes.extend(format!("{:x}{extension}\r\n", chunk.len()).bytes());
                if chunk.is_empty() {
                    break;
                }
                bytes.extend_from_slice(chunk);
                bytes.extend_from_slice(b"\r\n");
                rest = after;
            }
            bytes.extend_from_slice(trailers.as_bytes());
            bytes.extend_from_slice(b"\r\n");
            (bytes, body)
        },
    )
}

proptest! {
    #[test]
    fn pipelined_requests_in_any_pieces(
        requests in prop::collection::vec(request(), 1..5),
        pieces in prop::collection::vec(1_usize..60, 1..6),
    ) {
        let bytes = requests.iter().flat_map(|(bytes, _)| bytes.iter().copied());
        let bytes: Vec<u8> = bytes.collect();
        let mut rest = &bytes[..];
        let mut split = Vec::new();
        for piece in pieces.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (first, after) = rest.split_at(rest.len().min(*piece));
            split.push(first);
            rest = after;
        }
        let outcome = serve(split);
        let bodies: Vec<_> = requests.iter().map(|(_, body)| body.clone()).collect();
        prop_assert_eq!(&outcome.bodies, &bodies);
        prop_assert_eq!(&outcome, &serve([&bytes[..]]));
    }
}
