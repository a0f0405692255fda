//! Media types of files by their names, and names that promise never to change.
//!
//! Knows no file: a name is all that it looks at.

/// The media type of a file called `name`, a charset with it where it is text: text is UTF-8 here.
#[must_use]
pub fn content_type(name: &str) -> &'static str {
    let extension = extension(name);
    if extension.eq_ignore_ascii_case("mjs") || extension.eq_ignore_ascii_case("cjs") {
        return "text/javascript; charset=utf-8"; // RFC 9239
    }
    if extension.eq_ignore_ascii_case("map") {
        return "application/json"; // a source map, ECMA-426
    }
    if extension.eq_ignore_ascii_case("ts") {
        return "video/mp2t";
    }
    let Some(known) = mime_guess::from_ext(extension).first_raw() else {
        return "application/octet-stream";
    };
    match known {
        "text/html" => "text/html; charset=utf-8",
        "text/css" => "text/css; charset=utf-8",
        "text/javascript" | "application/javascript" => "text/javascript; charset=utf-8",
        "text/plain" => "text/plain; charset=utf-8",
        "text/markdown" => "text/markdown; charset=utf-8",
        "text/csv" => "text/csv; charset=utf-8",
        "text/tab-separated-values" => "text/tab-separated-values; charset=utf-8",
        "text/vtt" => "text/vtt; charset=utf-8",
        "text/calendar" => "text/calendar; charset=utf-8",
        "text/cache-manifest" => "text/cache-manifest; charset=utf-8",
        // XML says its encoding itself, and a charset here would overrule it (RFC 7303).
        other => other,
    }
}

/// Whether a file of this type is worth keeping compressed.
pub(super) fn is_compressible(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.starts_with("text/")
        || essence.ends_with("+json")
        || essence.ends_with("+xml")
        || matches!(
            essence,
            "application/json"
                | "application/xml"
                | "application/wasm"
                | "application/rtf"
                | "application/pdf"
                | "application/octet-stream"
                | "application/vnd.ms-fontobject"
                | "application/x-sh"
                | "font/ttf"
                | "font/otf"
                | "font/collection"
                | "image/bmp"
                | "image/x-icon"
        )
}

/// Whether the name looks like that of a resource and not like a page of an application: its
/// extension is that of a known type other than HTML.
pub(super) fn is_resource(name: &str) -> bool {
    let extension = extension(name);
    let is_page = ["html", "htm", "xhtml", ""]
        .iter()
        .any(|page| extension.eq_ignore_ascii_case(page));
    !is_page && content_type(name) != "application/octet-stream"
}

/// Whether the name holds a digest of the content, as bundlers make it: `app.3f2a9c1b.js`,
/// `index-BqD5k2lX.css`, `chunk-4QVXUY5Z.js`. A date or a version is none.
pub(super) fn holds_digest(name: &str) -> bool {
    let Some((stem, extension)) = name.rsplit_once('.') else {
        return false;
    };
    let is_code = ["js", "mjs", "css", "map", "wasm"].contains(&extension);
    let mut pieces = stem.split(['.', '-']);
    let _name = pieces.next();
    pieces.any(|piece| {
        let has = |is: fn(&u8) -> bool| piece.as_bytes().iter().any(is);
        let all = |is: fn(&u8) -> bool| piece.as_bytes().iter().all(is);
        let hexadecimal = piece.len() >= 8
            && all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            && has(u8::is_ascii_digit)
            && has(u8::is_ascii_lowercase);
        let base64 = piece.len() == 8
            && all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
            && has(u8::is_ascii_digit)
            && has(u8::is_ascii_lowercase)
            && has(u8::is_ascii_uppercase);
        let base32 = is_code
            && piece.len() == 8
            && all(|byte| matches!(byte, b'2'..=b'7' | b'A'..=b'Z'))
            && has(u8::is_ascii_digit)
            && has(u8::is_ascii_uppercase);
        hexadecimal || base64 || base32
    })
}

fn extension(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, extension)| extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types() {
        for (name, expected) in [
            ("index.html", "text/html; charset=utf-8"),
            ("A.HTML", "text/html; charset=utf-8"),
            ("app.js", "text/javascript; charset=utf-8"),
            ("app.mjs", "text/javascript; charset=utf-8"),
            ("app.js.map", "application/json"),
            ("app.css", "text/css; charset=utf-8"),
            ("a.txt", "text/plain; charset=utf-8"),
            ("README.md", "text/markdown; charset=utf-8"),
            ("a.csv", "text/csv; charset=utf-8"),
            ("a.json", "application/json"),
            ("a.svg", "image/svg+xml"),
            ("a.xml", "text/xml"),
            ("a.wasm", "application/wasm"),
            ("a.webmanifest", "application/manifest+json"),
            ("a.woff2", "font/woff2"),
            ("a.avif", "image/avif"),
            ("a.ts", "video/mp2t"),
            ("a.gz", "application/gzip"),
            ("Makefile", "application/octet-stream"),
            ("a.unknown", "application/octet-stream"),
        ] {
            assert_eq!(content_type(name), expected, "{name}");
        }
    }

    #[test]
    fn digests() {
        for (name, expected) in [
            ("app.3f2a9c1b.js", true),
            ("main.1a2b3c4d5e6f7a8b9c0d.chunk.css", true),
            ("index-BqD5k2lX.js", true),
            ("index-BqD5k2lX.js.map", true),
            ("chunk-4QVXUY5Z.js", true),
            ("logo-a1B2c3D4.svg", true),
            ("3f2a9c1b.js", false),
            ("report-20240131.pdf", false),
            ("app.12345678.js", false),
            ("app.deadbeef.js", false),
            ("photo-IMG12345.jpg", false),
            ("app-1.2.3.js", false),
            ("jquery-3.7.1.min.js", false),
            ("app.js", false),
            ("app", false),
        ] {
            assert_eq!(holds_digest(name), expected, "{name}");
        }
    }

    #[test]
    fn resources_and_pages() {
        for (name, expected) in [
            ("app.js", true),
            ("logo.png", true),
            ("users", false),
            ("john.doe", false),
            ("about.html", false),
            ("", false),
        ] {
            assert_eq!(is_resource(name), expected, "{name}");
        }
    }
}
