//! What holds for any patterns and any path; the fuzz target `pattern` runs the same check.
//!
//! An input is a raw path, a line break, and one pattern a line.

use covet_server::routing::{Match, Params, Pattern, Router, RouterBuilder, url_for};

/// Adds every line of `input` after the first that is a pattern, and looks the first up in a
/// router of each and in one of all.
///
/// # Panics
/// When the router contradicts itself.
pub fn check(input: &[u8]) {
    let mut lines = input.split(|byte| *byte == b'\n');
    let path = lines.next().unwrap_or_default();
    let mut all = RouterBuilder::new();
    let mut matching = Vec::new();
    let texts = lines.filter_map(|line| std::str::from_utf8(line).ok());
    for (i, pattern) in texts
        .filter_map(|text| Pattern::parse(text).ok())
        .enumerate()
    {
        let Ok(()) = all.add(&["GET"], pattern.clone(), i, "here") else {
            continue;
        };
        if matches_alone(&pattern, path) {
            matching.push(i);
        }
    }
    let mut params = Params::new();
    let router = all.build();
    match router.find(b"GET", path, &mut params) {
        Match::Found {
            route,
            head_as_get: false,
        } => assert!(matching.contains(route)),
        Match::NotFound | Match::BadPath => assert!(matching.is_empty() && params.is_empty()),
        other => panic!("GET was answered by {other:?}"),
    }
    if let Match::MethodNotAllowed { allow } = router.find(b"POST", path, &mut params) {
        assert!(!matching.is_empty());
        assert_eq!(allow, "GET, HEAD, OPTIONS");
    }
}

/// Whether `pattern` matches `path`; if so, the URL of the found parameters leads to the same.
fn matches_alone(pattern: &Pattern, path: &[u8]) -> bool {
    let mut builder = RouterBuilder::new();
    builder
        .add(&["GET"], pattern.clone(), (), "here")
        .expect("no other route");
    let router = builder.build();
    let Some(found) = find(&router, path) else {
        return false;
    };
    assert_eq!(found.len(), pattern.params().len());
    let mut values = Vec::new();
    for (param, text) in pattern.params().iter().zip(&found) {
        assert!(param.converter.accepts(text), "{param:?} {text:?}");
        values.push((param.name.as_str(), text.as_str()));
    }
    let url = url_for(pattern, &values).expect("found values can be written");
    assert_eq!(find(&router, url.as_bytes()), Some(found), "{url}");
    true
}

fn find(router: &Router<()>, path: &[u8]) -> Option<Vec<String>> {
    let mut params = Params::new();
    let found = matches!(router.find(b"GET", path, &mut params), Match::Found { .. });
    found.then(|| params.iter().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use std::path::Path;

    #[test]
    fn the_corpus_holds() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/pattern");
        let files = std::fs::read_dir(corpus).expect("the corpus is committed");
        let mut count = 0;
        for file in files {
            let path = file.expect("a directory entry").path();
            super::check(&std::fs::read(&path).expect("a readable file"));
            count += 1;
        }
        assert!(count >= 20, "{count} files");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn pieces_in_any_order_hold(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..40)) {
            super::check(pieces.concat().as_bytes());
        }

        #[test]
        fn any_bytes_hold(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            super::check(&bytes);
        }
    }

    /// What patterns and paths are made of.
    const PIECES: &[&str] = &[
        "/",
        "/",
        "/",
        "\n/",
        "\n/",
        "a",
        "b",
        "1",
        "-",
        ".",
        "..",
        "e5",
        "%2F",
        "%2f",
        "%61",
        "%2e",
        "%00",
        "%C3",
        "%A9",
        "%C3%A9",
        "%",
        "{x}",
        "{y}",
        "{x:int}",
        "{y:float}",
        "{z:uuid}",
        "{r:path}",
        "{s:str}",
        "{",
        "}",
        ":",
        "é",
        "?",
        "67e55044-10b1-426f-9247-bb680e5fe0c8",
    ];
}
