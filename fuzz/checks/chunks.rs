//! What must hold for any bytes given to the body decoder.
//!
//! One outcome however they are split and whether data goes past the decoder or through it, the
//! same body as a plain re-reading of the framing, and no limit passed.

use covet_server::http1::{BodyDecoder, BodyLimits, Framing, Refusal, Step};

/// How a body ended: its bytes, the bytes consumed, and whether it was complete.
type Outcome = Result<(Vec<u8>, usize, bool), Refusal>;

/// Panics if `data` breaks a promise of the body decoder.
pub(crate) fn check(data: &[u8]) {
    // Small enough for random bytes to reach them.
    let limits = BodyLimits {
        max_body: Some(300),
        extensions: 24,
        trailers: 64,
        trailer_fields: 3,
    };
    let (first, rest) = data.split_first().unwrap_or((&0, &[]));
    let framing = match first {
        0..=9 => Framing::Length(u64::from(*first)),
        _ => Framing::Chunked,
    };
    let whole = decode(framing, rest, rest.len().max(1), false, &limits);
    assert_eq!(
        decode(framing, rest, 1, false, &limits),
        whole,
        "byte by byte"
    );
    assert_eq!(
        decode(framing, rest, rest.len().max(1), true, &limits),
        whole,
        "past it"
    );
    assert_eq!(
        decode(framing, rest, 3, true, &limits),
        whole,
        "past it by threes"
    );
    let Ok((body, consumed, done)) = whole else {
        return;
    };
    assert!(body.len() <= 300 && consumed <= rest.len());
    assert!(
        done || consumed == rest.len(),
        "nothing is left while more is needed"
    );
    if done && framing == Framing::Chunked {
        assert_eq!(reread(&rest[..consumed]), body);
    }
}

/// Feeds `data` in pieces; with `direct`, data bytes are not shown to the decoder.
fn decode(
    framing: Framing,
    data: &[u8],
    piece: usize,
    direct: bool,
    limits: &BodyLimits,
) -> Outcome {
    BodyDecoder::check(framing, limits)?;
    let mut decoder = BodyDecoder::new(framing);
    let mut body = Vec::new();
    let mut at = 0;
    let mut end = 0;
    loop {
        let past = (decoder.direct() as usize).min(data.len() - at);
        if direct && past > 0 {
            body.extend_from_slice(&data[at..at + past]);
            decoder.took(past as u64);
            at += past;
            end = end.max(at);
        }
        match decoder.decode(&data[at..end], limits)? {
            Step::Data { skip, len } => {
                assert!(len > 0);
                body.extend_from_slice(&data[at + skip..at + skip + len]);
                at += skip + len;
            }
            Step::NeedMore { skip } => {
                at += skip;
                assert_eq!(at, end, "all framing is consumed");
                if end == data.len() {
                    assert!(!decoder.is_done());
                    break;
                }
                end = data.len().min(end + piece);
            }
            Step::Done { skip } => {
                at += skip;
                break;
            }
        }
        assert_eq!(decoder.total(), body.len() as u64);
    }
    Ok((body, at, decoder.is_done()))
}

/// Reads a complete, valid chunked body in the plainest way.
fn reread(mut data: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let line_end = data
            .iter()
            .position(|&octet| octet == b'\r')
            .expect("a size line");
        let line = std::str::from_utf8(&data[..line_end]).unwrap_or_else(|error| {
            std::str::from_utf8(&data[..error.valid_up_to()]).expect("valid up to there")
        });
        let digits = line.split([';', ' ', '\t']).next().unwrap_or_default();
        let size = usize::from_str_radix(digits, 16).expect("a hexadecimal size");
        data = &data[line_end + 2..];
        if size == 0 {
            return body;
        }
        body.extend_from_slice(&data[..size]);
        assert_eq!(&data[size..size + 2], b"\r\n");
        data = &data[size + 2..];
    }
}
