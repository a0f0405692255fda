//! The texts that the author of a route reads.

use covet_server::routing::{Converter, ParamSpec, Pattern, RouterBuilder, url_for};

#[test]
fn a_bad_pattern_says_what_to_write() {
    for (pattern, expected) in [
        ("", r#"path "": it does not start with "/"; write "/""#),
        (
            "users/{id}",
            r#"path "users/{id}": it does not start with "/"; write "/users/{id}""#,
        ),
        (
            "/a//b",
            r#"path "/a//b": "//" makes an empty segment that nothing matches; write one "/""#,
        ),
        (
            "/a/../b",
            r#"path "/a/../b": requests with a ".." segment are refused, so it never matches; write the path it stands for"#,
        ),
        (
            "/search?q={q}",
            r#"path "/search?q={q}": '?' ends a path, so it never matches; write the path alone and declare query parameters in the handler"#,
        ),
        (
            "/a\tb",
            r#"path "/a\tb": it holds the control character '\t'; remove it"#,
        ),
        (
            "/caf%C3%A9",
            r#"path "/caf%C3%A9": requests are decoded before they are matched, so "%C3" never matches; write the character itself"#,
        ),
        (
            "/{id",
            r#"path "/{id": a brace in "{id" has no partner; a parameter is a whole segment such as "{id}" or "{id:int}""#,
        ),
        (
            "/{{id}}",
            r#"path "/{{id}}": a brace in "{{id}}" has no partner; a parameter is a whole segment such as "{id}" or "{id:int}""#,
        ),
        (
            "/{name}.json",
            r#"path "/{name}.json": "{name}.json" has more than a parameter; a parameter is a whole segment, so write "{name}" and take its text apart in the handler"#,
        ),
        (
            "/{a}{b}",
            r#"path "/{a}{b}": "{a}{b}" has more than a parameter; a parameter is a whole segment, so write "{name}" and take its text apart in the handler"#,
        ),
        (
            "/{}",
            r#"path "/{}": "" is not a Python identifier; name the parameter with letters, digits and "_", no digit first"#,
        ),
        (
            "/{shop-id}",
            r#"path "/{shop-id}": "shop-id" is not a Python identifier; name the parameter with letters, digits and "_", no digit first"#,
        ),
        (
            "/{class}",
            r#"path "/{class}": "class" is a keyword of Python; write "{class_}""#,
        ),
        (
            "/{id}/x/{id:int}",
            r#"path "/{id}/x/{id:int}": two parameters are called "id"; rename one of them"#,
        ),
        (
            "/{id:integer}",
            r#"path "/{id:integer}": there is no converter "integer" for "id"; choose from uuid, int, float, str, path"#,
        ),
        (
            "/{id:}",
            r#"path "/{id:}": there is no converter "" for "id"; choose from uuid, int, float, str, path"#,
        ),
        (
            "/{rest:path}/x",
            r#"path "/{rest:path}/x": "{rest:path}" takes the rest of the path, so nothing may follow it; move it to the end or write "{rest}""#,
        ),
    ] {
        let error = Pattern::parse(pattern).expect_err(pattern);
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.pattern(), pattern);
    }
}

#[test]
fn a_pattern_has_at_most_256_segments() {
    for (segments, good) in [(255, true), (256, true), (257, false)] {
        let pattern = "/a".repeat(segments);
        assert_eq!(Pattern::parse(&pattern).is_ok(), good, "{segments}");
    }
    let error = Pattern::parse(&"/a".repeat(257))
        .expect_err("too long")
        .to_string();
    let expected = r#": 257 segments are more than 256; end it with a "{rest:path}" parameter"#;
    assert!(error.ends_with(expected), "{error}");
}

#[test]
fn a_good_pattern_tells_its_parameters() {
    let param = |name: &str, converter| ParamSpec {
        name: name.to_owned(),
        converter,
    };
    for (text, expected) in [
        ("/", vec![]),
        ("/a/", vec![]),
        ("/:id/<id>/50%/a b", vec![]),
        ("/{id}", vec![param("id", Converter::Str)]),
        ("/{größe:str}", vec![param("größe", Converter::Str)]),
        (
            "/{_a1:int}/x/{b:float}/{c:uuid}/{match:path}",
            vec![
                param("_a1", Converter::Int),
                param("b", Converter::Float),
                param("c", Converter::Uuid),
                param("match", Converter::Path),
            ],
        ),
    ] {
        let pattern: Pattern = text.parse().expect("a good pattern");
        assert_eq!(pattern.params(), expected);
        assert_eq!(
            (pattern.as_str(), pattern.to_string()),
            (text, text.to_owned())
        );
    }
}

/// What the second of two routes is told.
fn refusal(first: (&[&str], &str), second: (&[&str], &str)) -> String {
    let mut builder = RouterBuilder::new();
    let pattern = |text| Pattern::parse(text).expect("a good pattern");
    builder
        .add(first.0, pattern(first.1), (), "shop.py:12")
        .expect("the first");
    builder
        .add(second.0, pattern(second.1), (), "admin.py:3")
        .expect_err("a refusal")
        .to_string()
}

#[test]
fn a_conflict_names_both_places() {
    assert_eq!(
        refusal((&["GET"], "/{a}"), (&["POST", "GET"], "/{b}")),
        r#"GET "/{b}" (admin.py:3) is already answered by "/{a}" (shop.py:12): both match the same paths with equal rank; parameter names do not tell paths apart, so change a literal, a converter or the method of one"#
    );
    assert_eq!(
        refusal((&["*"], "/a"), (&["*"], "/a")),
        r#"any method of "/a" (admin.py:3) is already answered by "/a" (shop.py:12): both match the same paths with equal rank; remove one, or change its path or method"#
    );
}

#[test]
fn methods_are_names_in_capitals_or_a_star() {
    for (methods, shown) in [
        (&[] as &[&str], "[]"),
        (&["get"], r#"["get"]"#),
        (&["GET", "*"], r#"["GET", "*"]"#),
        (&["A B"], r#"["A B"]"#),
        (&["X\r\nY"], r#"["X\r\nY"]"#),
    ] {
        assert_eq!(
            refusal((&["GET"], "/a"), (methods, "/b")),
            format!(
                "methods {shown} of path \"/b\" (admin.py:3) are not methods; write names in \
                 capitals such as \"GET\", or \"*\" alone for any"
            )
        );
    }
}

#[test]
fn a_url_that_cannot_be_written_says_why() {
    for (pattern, values, expected) in [
        (
            "/{a}",
            &[] as &[(&str, &str)],
            r#"path "/{a}": no value for parameter "a"; give one"#,
        ),
        (
            "/{a}",
            &[("a", "1"), ("b", "2")],
            r#"path "/{a}": it has no parameter "b"; leave the value out"#,
        ),
        (
            "/{a}",
            &[("a", "")],
            r#""" is no value for path parameter "a": give a text other than "", "." and "..""#,
        ),
        (
            "/{a}",
            &[("a", "..")],
            r#"".." is no value for path parameter "a": give a text other than "", "." and "..""#,
        ),
        (
            "/{a:int}",
            &[("a", "1.5")],
            r#""1.5" is no value for path parameter "a": give an integer of at most 4300 digits"#,
        ),
        (
            "/{a:float}",
            &[("a", "inf")],
            r#""inf" is no value for path parameter "a": give a finite number"#,
        ),
        (
            "/{a:uuid}",
            &[("a", "7")],
            r#""7" is no value for path parameter "a": give a UUID with hyphens"#,
        ),
        (
            "/{a:path}",
            &[("a", "x/../y")],
            r#""x/../y" is no value for path parameter "a": give a path without "." and ".." segments"#,
        ),
    ] {
        let pattern = Pattern::parse(pattern).expect("a good pattern");
        assert_eq!(
            url_for(&pattern, values).expect_err("an error").to_string(),
            expected
        );
    }
}
