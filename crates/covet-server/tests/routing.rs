//! What the router answers, as tables.

use covet_server::routing::{Conflict, Match, Params, Pattern, Router, RouterBuilder, url_for};

/// A route is its own name: methods, a space, the pattern.
fn router(table: &[&'static str]) -> Router<&'static str> {
    let mut builder = RouterBuilder::new();
    for &route in table {
        add(&mut builder, route, "app.py").expect("no conflict");
    }
    builder.build()
}

fn add(
    builder: &mut RouterBuilder<&'static str>,
    route: &'static str,
    origin: &str,
) -> Result<(), Conflict> {
    let (methods, pattern) = route.split_once(' ').expect("methods and a pattern");
    let methods: Vec<&str> = methods.split(',').collect();
    builder.add(
        &methods,
        Pattern::parse(pattern).expect("a good pattern"),
        route,
        origin,
    )
}

/// The answer in words: the route and its parameters, or what was said instead.
fn answer(router: &Router<&'static str>, request: &str) -> String {
    let (method, path) = request.split_once(' ').expect("a method and a path");
    let mut params = Params::new();
    match router.find(method.as_bytes(), path.as_bytes(), &mut params) {
        Match::Found { route, head_as_get } => {
            let params: Vec<String> = params
                .iter()
                .map(|param| format!(" [{}]", param.escape_debug()))
                .collect();
            format!(
                "{route}{}{}",
                params.concat(),
                if head_as_get { " as GET" } else { "" }
            )
        }
        Match::MethodNotAllowed { allow } => format!("405 {allow}"),
        Match::Options { allow } => format!("204 {allow}"),
        Match::NotFound => "404".to_owned(),
        Match::BadPath => "400".to_owned(),
    }
}

fn check(table: &[&'static str], requests: &[(&str, &str)]) {
    let router = router(table);
    for (request, expected) in requests {
        assert_eq!(
            answer(&router, request),
            *expected,
            "{request} of {table:?}"
        );
    }
}

#[test]
fn no_routes_match_nothing() {
    check(
        &[],
        &[
            ("GET /", "404"),
            ("GET /..", "400"),
            ("OPTIONS /", "404"),
            ("GET *", "400"),
        ],
    );
}

#[test]
fn literals_are_compared_as_decoded_text() {
    check(
        &["GET /", "GET /admin", "GET /a b/é", "GET /100%"],
        &[
            ("GET /", "GET /"),
            ("GET /admin", "GET /admin"),
            ("GET /%61dmin", "GET /admin"),
            ("GET /%61%64%6D%69%6e", "GET /admin"),
            ("GET /%2561dmin", "404"),
            ("GET /Admin", "404"),
            ("GET /admi", "404"),
            ("GET /admins", "404"),
            ("GET /a%20b/%C3%A9", "GET /a b/é"),
            ("GET /a%20b%2F%C3%A9", "404"),
            ("GET /100%25", "GET /100%"),
            ("GET /100%", "400"),
            ("GET ", "400"),
            ("GET admin", "400"),
        ],
    );
}

#[test]
fn a_trailing_slash_makes_another_path() {
    check(
        &["GET /a", "GET /b/", "GET /c/{id}", "GET /d/{id}/"],
        &[
            ("GET /a", "GET /a"),
            ("GET /a/", "404"),
            ("GET /b", "404"),
            ("GET /b/", "GET /b/"),
            ("GET /b//", "404"),
            ("GET //a", "404"),
            ("GET /c/", "404"),
            ("GET /c/1", "GET /c/{id} [1]"),
            ("GET /c/1/", "404"),
            ("GET /d/1", "404"),
            ("GET /d/1/", "GET /d/{id}/ [1]"),
            ("GET /d//", "404"),
        ],
    );
}

#[test]
fn a_parameter_takes_one_decoded_segment() {
    check(
        &["GET /x/{a}", "GET /y/{a}/{b}"],
        &[
            ("GET /x/a%2Fb", "GET /x/{a} [a/b]"),
            ("GET /x/..%2Fb", "GET /x/{a} [../b]"),
            ("GET /x/%00", "GET /x/{a} [\\0]"),
            ("GET /x/%25", "GET /x/{a} [%]"),
            ("GET /x/...", "GET /x/{a} [...]"),
            ("GET /x/..", "400"),
            ("GET /x/%2e%2E", "400"),
            ("GET /x/.", "400"),
            ("GET /nothing/../here", "400"),
            ("GET /x/%ff", "400"),
            ("GET /x/%E2%82%AC", "GET /x/{a} [€]"),
            ("GET /y/1/2", "GET /y/{a}/{b} [1] [2]"),
            ("GET /y/1/", "404"),
            ("GET /y//2", "404"),
        ],
    );
}

#[test]
fn literal_uuid_int_float_plain_rest_in_this_order() {
    check(
        &[
            "GET /{rest:path}",
            "GET /{id}",
            "GET /{id:float}",
            "GET /{id:int}",
            "GET /{id:uuid}",
            "GET /7",
        ],
        &[
            ("GET /7", "GET /7"),
            ("GET /8", "GET /{id:int} [8]"),
            ("GET /-8", "GET /{id:int} [-8]"),
            ("GET /%38", "GET /{id:int} [8]"),
            ("GET /8.5", "GET /{id:float} [8.5]"),
            ("GET /1e3", "GET /{id:float} [1e3]"),
            ("GET /nan", "GET /{id} [nan]"),
            (
                "GET /67e55044-10b1-426f-9247-bb680e5fe0c8",
                "GET /{id:uuid} [67e55044-10b1-426f-9247-bb680e5fe0c8]",
            ),
            ("GET /eight", "GET /{id} [eight]"),
            ("GET /8/9", "GET /{rest:path} [8/9]"),
            ("GET /8/", "GET /{rest:path} [8/]"),
            ("GET /", "GET /{rest:path} []"),
        ],
    );
    check(
        &["GET /{id:int}"],
        &[("GET /8.5", "404"), ("POST /8.5", "404"), ("GET /x", "404")],
    );
}

#[test]
fn the_rest_may_be_empty_but_not_the_slash_before_it() {
    check(
        &["GET /files/{rest:path}"],
        &[
            ("GET /files", "404"),
            ("GET /files/", "GET /files/{rest:path} []"),
            ("GET /files/a", "GET /files/{rest:path} [a]"),
            ("GET /files/a/b/", "GET /files/{rest:path} [a/b/]"),
            ("GET /files//", "GET /files/{rest:path} [/]"),
            ("GET /files//a//b", "GET /files/{rest:path} [/a//b]"),
            ("GET /files/%61/%C3%A9", "GET /files/{rest:path} [a/é]"),
            ("GET /files/a%2Fb", "GET /files/{rest:path} [a/b]"),
        ],
    );
    check(
        &["GET /files/", "GET /files/{rest:path}"],
        &[("GET /files/", "GET /files/")],
    );
}

#[test]
fn the_rest_holds_no_dots_that_an_escaped_slash_hid() {
    check(
        &["GET /files/{rest:path}", "GET /files/{name}/{part}/x"],
        &[
            ("GET /files/..%2Fsecret", "404"),
            ("GET /files/a/..%2Fsecret", "404"),
            ("GET /files/a/b%2F%2e%2e/c", "404"),
            ("GET /files/a%2F.%2Fb", "404"),
            ("GET /files/a/../b", "400"),
            (
                "GET /files/..%2Fa/b/x",
                "GET /files/{name}/{part}/x [../a] [b]",
            ),
            ("GET /files/..a%2Fb..", "GET /files/{rest:path} [..a/b..]"),
        ],
    );
    check(
        &["GET /{a}/{rest:path}"],
        &[("GET /..%2Fa/b", "GET /{a}/{rest:path} [../a] [b]")],
    );
}

#[test]
fn the_search_goes_back_over_all_ranks() {
    check(
        &[
            "GET /users/me/posts",
            "GET /users/{id:int}/posts",
            "GET /users/{name}/photos",
            "GET /{kind}/{name}/likes",
            "GET /users/{rest:path}",
            "GET /{all:path}",
        ],
        &[
            ("GET /users/me/posts", "GET /users/me/posts"),
            ("GET /users/7/posts", "GET /users/{id:int}/posts [7]"),
            ("GET /users/me/photos", "GET /users/{name}/photos [me]"),
            ("GET /users/7/photos", "GET /users/{name}/photos [7]"),
            // The catch-all below the literal goes before the parameter beside the literal.
            ("GET /users/7/likes", "GET /users/{rest:path} [7/likes]"),
            ("GET /shops/7/likes", "GET /{kind}/{name}/likes [shops] [7]"),
            (
                "GET /users/me/posts/1",
                "GET /users/{rest:path} [me/posts/1]",
            ),
            ("GET /users", "GET /{all:path} [users]"),
            ("GET /", "GET /{all:path} []"),
            ("GET /shops/7", "GET /{all:path} [shops/7]"),
        ],
    );
}

#[test]
fn a_pattern_without_the_method_hides_no_other() {
    check(
        &[
            "GET /{id}",
            "POST /new",
            "DELETE /{id:int}",
            "PURGE /{rest:path}",
        ],
        &[
            ("GET /new", "GET /{id} [new]"),
            ("POST /new", "POST /new"),
            ("POST /old", "405 GET, HEAD, OPTIONS, PURGE"),
            ("GET /7", "GET /{id} [7]"),
            ("DELETE /7", "DELETE /{id:int} [7]"),
            ("PURGE /7", "PURGE /{rest:path} [7]"),
            ("PUT /7", "405 GET, HEAD, DELETE, OPTIONS, PURGE"),
            ("PUT /new", "405 GET, HEAD, POST, OPTIONS, PURGE"),
            ("OPTIONS /new", "204 GET, HEAD, POST, OPTIONS, PURGE"),
            ("GET /a/b", "405 OPTIONS, PURGE"),
            ("HEAD /new", "GET /{id} [new] as GET"),
            ("get /new", "405 GET, HEAD, POST, OPTIONS, PURGE"),
        ],
    );
}

#[test]
fn head_options_and_405_are_answered() {
    check(
        &[
            "GET /a",
            "POST,PUT /a",
            "GET /b",
            "HEAD /b",
            "OPTIONS,GET /c",
            "POST /d",
            "ZAP,LINK,QUERY,OPTIONS,DELETE,PATCH,PUT,POST,HEAD,GET /e",
        ],
        &[
            ("HEAD /a", "GET /a as GET"),
            ("OPTIONS /a", "204 GET, HEAD, POST, PUT, OPTIONS"),
            ("DELETE /a", "405 GET, HEAD, POST, PUT, OPTIONS"),
            ("HEAD /b", "HEAD /b"),
            ("POST /b", "405 GET, HEAD, OPTIONS"),
            ("OPTIONS /c", "OPTIONS,GET /c"),
            ("HEAD /c", "OPTIONS,GET /c as GET"),
            ("HEAD /d", "405 POST, OPTIONS"),
            ("GET /d", "405 POST, OPTIONS"),
            (
                "BREW /e",
                "405 GET, HEAD, POST, PUT, PATCH, DELETE, QUERY, OPTIONS, LINK, ZAP",
            ),
            ("OPTIONS /nowhere", "404"),
            ("OPTIONS /..", "400"),
        ],
    );
}

#[test]
fn any_method_gives_way_to_a_named_one() {
    check(
        &["* /a", "GET /a", "* /b", "* /{rest:path}", "POST /c"],
        &[
            ("GET /a", "GET /a"),
            ("HEAD /a", "GET /a as GET"),
            ("POST /a", "* /a"),
            ("OPTIONS /a", "* /a"),
            ("HEAD /b", "* /b"),
            ("brew /b", "* /b"),
            ("GET /c", "* /{rest:path} [c]"),
            ("POST /c", "POST /c"),
        ],
    );
}

#[test]
fn a_request_leaves_nothing_for_the_next() {
    let router = router(&["GET /{a}/{rest:path}", "GET /x"]);
    let mut params = Params::new();
    let mut find = |path: &str| {
        let found = router.find(b"GET", path.as_bytes(), &mut params);
        (found, params.iter().map(str::to_owned).collect::<Vec<_>>())
    };
    let found = |route| Match::Found {
        route,
        head_as_get: false,
    };
    for _ in 0..2 {
        let rest = vec!["a".to_owned(), "b/c".to_owned()];
        assert_eq!(find("/a/b/c"), (found(&"GET /{a}/{rest:path}"), rest));
        assert_eq!(find("/x"), (found(&"GET /x"), vec![]));
        assert_eq!(find("/a/b%2F../c"), (Match::NotFound, vec![]));
        assert_eq!(find("/a/b/%FF"), (Match::BadPath, vec![]));
    }
}

#[test]
fn names_belong_to_the_route() {
    check(
        &["GET /{a}/{b}", "POST /{x}/{y}"],
        &[
            ("GET /1/2", "GET /{a}/{b} [1] [2]"),
            ("POST /1/2", "POST /{x}/{y} [1] [2]"),
        ],
    );
}

#[test]
fn equal_rank_and_method_is_a_conflict() {
    for (first, second, method) in [
        ("GET /a", "GET /a", Some("GET")),
        ("GET /a", "POST,GET /a", Some("GET")),
        ("GET /{a}", "GET /{b}", Some("GET")),
        ("GET /{a}", "GET /{b:str}", Some("GET")),
        ("GET /{a:int}/x", "GET /{b:int}/x", Some("GET")),
        ("GET /{a:path}", "GET /{b:path}", Some("GET")),
        ("* /a", "* /a", Some("*")),
        ("HEAD /a", "HEAD /a", Some("HEAD")),
        ("GET /a", "POST /a", None),
        ("GET /a", "HEAD /a", None),
        ("GET /a", "* /a", None),
        ("* /a", "GET /a", None),
        ("GET /a", "GET /a/", None),
        ("GET /{a}", "GET /{a}/", None),
        ("GET /{a}", "GET /{a:path}", None),
        ("GET /{a:int}", "GET /{b:float}", None),
        ("GET /{a:int}", "GET /{b}", None),
        ("GET /{a}/x", "GET /y/{b}", None),
    ] {
        let mut builder = RouterBuilder::new();
        add(&mut builder, first, "one.py:1").expect("the first");
        let found = match add(&mut builder, second, "two.py:2") {
            Ok(()) => None,
            Err(Conflict::SameRoute(pair)) => Some(pair.method),
            Err(other) => panic!("{other}"),
        };
        assert_eq!(found.as_deref(), method, "{first} and {second}");
    }
}

#[test]
fn a_refused_route_leaves_the_builder_as_it_was() {
    let mut builder = RouterBuilder::new();
    add(&mut builder, "GET /a", "one.py:1").expect("the first");
    assert!(add(&mut builder, "POST,GET /a", "two.py:2").is_err());
    assert!(add(&mut builder, "get /b", "two.py:3").is_err());
    let router = builder.build();
    assert_eq!(answer(&router, "POST /a"), "405 GET, HEAD, OPTIONS");
    assert_eq!(answer(&router, "GET /b"), "404");
}

#[test]
fn a_thousand_routes_answer_each_their_own() {
    let mut builder = RouterBuilder::new();
    for i in 0..1000 {
        let text = format!("/api/v{}/resource-{i}/{{id:int}}/part", i % 7);
        let pattern = Pattern::parse(&text).expect("a good pattern");
        builder
            .add(&["GET"], pattern, i, "app.py")
            .expect("no conflict");
    }
    let router = builder.build();
    let mut params = Params::new();
    for i in 0..1000 {
        let path = format!("/api/v{}/resource-{i}/{i}/part", i % 7);
        let found = router.find(b"GET", path.as_bytes(), &mut params);
        assert_eq!(
            found,
            Match::Found {
                route: &i,
                head_as_get: false
            }
        );
        assert_eq!(params.get(0), Some(i.to_string().as_str()));
        assert_eq!((params.len(), params.get(1)), (1, None));
        let path = format!("/api/v{}/resource-{i}/{i}/part", (i + 1) % 7);
        assert_eq!(
            router.find(b"GET", path.as_bytes(), &mut params),
            Match::NotFound
        );
        assert!(params.is_empty());
    }
}

#[test]
fn urls_are_escaped_and_lead_back() {
    for (pattern, values, expected) in [
        ("/", &[] as &[(&str, &str)], "/"),
        ("/a b/é/", &[], "/a%20b/%C3%A9/"),
        ("/{a}/x/{b}", &[("b", "2"), ("a", "1")], "/1/x/2"),
        ("/{a}", &[("a", "a/b?c#d%")], "/a%2Fb%3Fc%23d%25"),
        ("/{a}", &[("a", "../x")], "/..%2Fx"),
        ("/{a}", &[("a", "\0é")], "/%00%C3%A9"),
        ("/{a:float}", &[("a", "1e+7")], "/1e%2B7"),
        ("/f/{rest:path}", &[("rest", "")], "/f/"),
        ("/f/{rest:path}", &[("rest", "a b/c//d/")], "/f/a%20b/c//d/"),
    ] {
        let parsed = Pattern::parse(pattern).expect("a good pattern");
        let names: Vec<String> = parsed
            .params()
            .iter()
            .map(|param| param.name.clone())
            .collect();
        let url = url_for(&parsed, values).expect("a URL");
        assert_eq!(url, expected);
        let mut builder = RouterBuilder::new();
        builder
            .add(&["GET"], parsed, (), "app.py")
            .expect("no conflict");
        let mut params = Params::new();
        let found = builder.build();
        let found = found.find(b"GET", url.as_bytes(), &mut params);
        assert_eq!(
            found,
            Match::Found {
                route: &(),
                head_as_get: false
            },
            "{url}"
        );
        for (name, text) in names.iter().zip(&params) {
            assert!(
                values.contains(&(name.as_str(), text)),
                "{name}={text:?} in {url}"
            );
        }
    }
}
