//! What must hold for any bytes given to the head parser.
//!
//! One outcome however they are split, spans inside the buffer, and never more lenient than
//! `httparse`: what is taken here, it reads in the same way.

use covet_server::http1::{Head, HeadLimits, HeadParser, Refusal, TargetForm, Version};

/// Panics if `data` breaks a promise of the head parser.
pub(crate) fn check(data: &[u8]) {
    // Small enough for random bytes to reach them.
    let limits = HeadLimits {
        target: 64,
        head: 512,
        fields: 12,
    };
    let mut head = Head::new();
    let whole = HeadParser::new().parse(data, &mut head, &limits);
    let mut dripped = Head::new();
    let outcome = drip(data, &mut dripped, &limits);
    assert_eq!(outcome, whole, "byte by byte");
    if whole == Ok(true) {
        assert_eq!(format!("{dripped:?}"), format!("{head:?}"));
        agree(data, &head);
        // What follows the head does not matter.
        let again = HeadParser::new().parse(&data[..head.len], &mut dripped, &limits);
        assert_eq!(again, Ok(true));
    }
}

fn drip(data: &[u8], head: &mut Head, limits: &HeadLimits) -> Result<bool, Refusal> {
    let mut parser = HeadParser::new();
    for end in 0..data.len() {
        if parser.parse(&data[..end], head, limits)? {
            return Ok(true);
        }
    }
    parser.parse(data, head, limits)
}

/// `httparse` must take the same head and see the same parts.
fn agree(data: &[u8], head: &Head) {
    let mut fields = [httparse::EMPTY_HEADER; 16];
    let mut other = httparse::Request::new(&mut fields);
    let parsed = other
        .parse(data)
        .expect("httparse takes what is taken here");
    assert_eq!(parsed, httparse::Status::Complete(head.len));
    assert_eq!(
        other.method.map(str::as_bytes),
        Some(head.method_name.of(data))
    );
    assert_eq!(
        other.version,
        Some(u8::from(head.version == Version::Http11))
    );
    assert_eq!(other.headers.len(), head.fields.len());
    for (theirs, ours) in other.headers.iter().zip(&head.fields) {
        assert_eq!(theirs.name.as_bytes(), ours.name.of(data));
        assert_eq!(theirs.value, ours.value.of(data));
    }
    let target = other.path.expect("a complete request has a target");
    let path = head.path.of(data);
    let query = head.query.map(|query| query.of(data));
    match head.form {
        TargetForm::Origin => {
            let expected = target
                .split_once('?')
                .map_or((target, None), |(path, query)| {
                    (path, Some(query.as_bytes()))
                });
            assert_eq!((path, query), (expected.0.as_bytes(), expected.1));
        }
        TargetForm::Asterisk => assert_eq!((target, path), ("*", &b"*"[..])),
        TargetForm::Absolute => {
            let authority = head.authority.expect("an absolute target has one").of(data);
            let scheme = target.find("//").expect("a scheme ends so") + 2;
            assert!(target.as_bytes()[scheme..].starts_with(authority) && path[0] == b'/');
        }
        TargetForm::Authority => panic!("CONNECT is refused"),
    }
}
