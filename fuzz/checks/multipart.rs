//! What must hold for any bytes given to the multipart parser.
//!
//! The same parts, data and end however the bytes are split; never more than the limits say; the
//! parts of a body that was taken, written out again, are taken in the same way.

use covet_server::multipart::{Error, Limits, Parser, PartHead, Step};

/// The boundary of every input.
pub(crate) const BOUNDARY: &[u8] = b"b-1";

/// Small enough for random bytes to reach them.
const LIMITS: Limits = Limits {
    parts: 4,
    files: 2,
    fields: 3,
    head: 120,
    field_size: 24,
    all_fields: 40,
};

type Parts = Vec<(PartHead, Vec<u8>)>;

/// Panics if `data` breaks a promise of the multipart parser.
pub(crate) fn check(data: &[u8]) {
    let whole = read(data, data.len().max(1));
    for size in [1, 2, 7] {
        assert_eq!(read(data, size), whole, "in pieces of {size}");
    }
    let Ok(parts) = whole else { return };
    assert!(parts.len() <= LIMITS.parts);
    assert!(parts.iter().filter(|(head, _)| head.is_file()).count() <= LIMITS.files);
    let fields = parts.iter().filter(|(head, _)| !head.is_file());
    assert!(
        fields
            .clone()
            .all(|(_, data)| data.len() as u64 <= LIMITS.field_size)
    );
    assert!(fields.map(|(_, data)| data.len() as u64).sum::<u64>() <= LIMITS.all_fields);
    assert_eq!(read(&written(&parts), usize::MAX), Ok(parts));
}

fn written(parts: &Parts) -> Vec<u8> {
    let mut out = Vec::new();
    for (head, data) in parts {
        out.extend(
            [
                b"--",
                BOUNDARY,
                b"\r\n",
                &head.bytes,
                b"\r\n",
                data,
                b"\r\n",
            ]
            .concat(),
        );
    }
    out.extend([b"--", BOUNDARY, b"--\r\n"].concat());
    out
}

fn read(data: &[u8], size: usize) -> Result<Parts, Error> {
    let mut parser = Parser::new(BOUNDARY, LIMITS);
    let mut parts = Parts::new();
    let mut open = false;
    let mut kept = Vec::new();
    for piece in data.chunks(size) {
        kept.extend_from_slice(piece);
        loop {
            let used = match parser.step(&kept)? {
                Step::NeedMore { skip } => {
                    kept.drain(..skip);
                    assert!(
                        kept.len() <= LIMITS.head + BOUNDARY.len() + 8,
                        "kept too much"
                    );
                    break;
                }
                Step::Part { skip, head } => {
                    assert!(!std::mem::replace(&mut open, true));
                    parts.push((*head, Vec::new()));
                    skip
                }
                Step::Data { len } => {
                    assert!(open && len > 0);
                    let (_, data) = parts.last_mut().expect("a part is open");
                    data.extend_from_slice(&kept[..len]);
                    len
                }
                Step::PartEnd { skip } => {
                    assert!(std::mem::replace(&mut open, false));
                    skip
                }
                Step::End { skip } => {
                    assert!(!open);
                    skip
                }
            };
            kept.drain(..used);
        }
    }
    parser.finish()?;
    assert!(!open);
    Ok(parts)
}
