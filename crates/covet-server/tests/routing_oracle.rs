//! The router against two references: a search over all patterns written as its rule reads, and
//! matchit on what both support.

use covet_server::routing::{Converter, Match, Params, Pattern, Router, RouterBuilder};
use proptest::prelude::*;

/// Methods of the routes and requests that are made up.
const METHODS: [&str; 5] = ["GET", "HEAD", "POST", "OPTIONS", "*"];

/// One segment of a made-up pattern: literal text, or a converter whose parameter is named later.
#[derive(Debug, Clone)]
enum Piece {
    Literal(&'static str),
    Param(Converter),
}

#[derive(Debug, Clone)]
struct Route {
    method: &'static str,
    pieces: Vec<Piece>,
}

impl Route {
    fn text(&self) -> String {
        let piece = |(i, piece): (usize, &Piece)| match piece {
            Piece::Literal(text) => format!("/{text}"),
            Piece::Param(converter) => format!("/{{p{i}:{converter}}}"),
        };
        self.pieces.iter().enumerate().map(piece).collect()
    }

    /// The rank of each segment, and each parameter's text, if the path matches.
    fn matches(&self, path: &[&str]) -> Option<(Vec<usize>, Vec<String>)> {
        let (mut ranks, mut params) = (Vec::new(), Vec::new());
        for (i, piece) in self.pieces.iter().enumerate() {
            let segment = *path.get(i)?;
            match piece {
                Piece::Literal(text) if *text == segment => ranks.push(0),
                Piece::Param(Converter::Path) => {
                    params.push(path[i..].join("/"));
                    ranks.push(5);
                    return Some((ranks, params));
                }
                Piece::Param(converter) if converter.accepts(segment) => {
                    params.push(segment.to_owned());
                    let order = [
                        Converter::Uuid,
                        Converter::Int,
                        Converter::Float,
                        Converter::Str,
                    ];
                    ranks.push(1 + order.iter().position(|one| one == converter)?);
                }
                _ => return None,
            }
        }
        (path.len() == self.pieces.len()).then_some((ranks, params))
    }

    /// How well the route answers `method` at one pattern, best first, and whether as GET.
    fn serves(&self, method: &str) -> Option<(usize, bool)> {
        if self.method == method {
            Some((0, false))
        } else if self.method == "GET" && method == "HEAD" {
            Some((1, true))
        } else {
            (self.method == "*").then_some((2, false))
        }
    }
}

/// What the rule says: of all routes that match and serve, the best by rank, then by method.
fn by_the_rule(routes: &[Route], method: &str, path: &[&str]) -> String {
    let matching = || {
        let of = |(i, route): (usize, &Route)| {
            route
                .matches(path)
                .map(|(ranks, params)| (ranks, params, i, routes[i].clone()))
        };
        routes.iter().enumerate().filter_map(of)
    };
    let serving = matching().filter_map(|(ranks, params, i, route)| {
        let (order, as_get) = route.serves(method)?;
        Some((ranks, order, i, params, as_get))
    });
    if let Some((_, _, i, params, as_get)) = serving.min() {
        return format!("route {i} {params:?} {as_get}");
    }
    let mut allow: Vec<&str> = matching().map(|(.., route)| route.method).collect();
    if allow.is_empty() {
        return "not found".to_owned();
    }
    allow.push("OPTIONS");
    if allow.contains(&"GET") {
        allow.push("HEAD");
    }
    let listed: Vec<&str> = METHODS
        .into_iter()
        .filter(|name| allow.contains(name))
        .collect();
    let kind = if method == "OPTIONS" {
        "options"
    } else {
        "not allowed"
    };
    format!("{kind} {}", listed.join(", "))
}

fn by_the_router(router: &Router<usize>, method: &str, path: &str) -> String {
    let mut params = Params::new();
    match router.find(method.as_bytes(), path.as_bytes(), &mut params) {
        Match::Found { route, head_as_get } => {
            let params: Vec<&str> = params.iter().collect();
            format!("route {route} {params:?} {head_as_get}")
        }
        Match::MethodNotAllowed { allow } => format!("not allowed {allow}"),
        Match::Options { allow } => format!("options {allow}"),
        Match::NotFound => "not found".to_owned(),
        Match::BadPath => "bad path".to_owned(),
    }
}

/// Adds what does not conflict; the rest is dropped from `routes` too.
fn build(routes: &mut Vec<Route>) -> Router<usize> {
    let mut builder = RouterBuilder::new();
    let mut kept = 0;
    routes.retain(|route| {
        let pattern = Pattern::parse(&route.text()).expect("a good pattern");
        let added = builder.add(&[route.method], pattern, kept, "here").is_ok();
        kept += usize::from(added);
        added
    });
    builder.build()
}

fn converter() -> impl Strategy<Value = Piece> {
    use Converter::{Float, Int, Str, Uuid};
    prop::sample::select(vec![Uuid, Int, Float, Str, Str]).prop_map(Piece::Param)
}

fn literal() -> impl Strategy<Value = Piece> {
    prop::sample::select(vec!["a", "b", "1", "1.5", "é"]).prop_map(Piece::Literal)
}

fn route() -> impl Strategy<Value = Route> {
    let inner = prop::collection::vec(prop_oneof![literal(), converter()], 0..4);
    let last = prop_oneof![
        4 => literal(),
        4 => converter(),
        1 => Just(Piece::Literal("")),
        1 => Just(Piece::Param(Converter::Path)),
    ];
    (prop::sample::select(METHODS.to_vec()), inner, last).prop_map(|(method, mut pieces, last)| {
        pieces.push(last);
        Route { method, pieces }
    })
}

/// The segments of a request's path, decoded.
fn path() -> impl Strategy<Value = Vec<&'static str>> {
    let uuid = "67e55044-10b1-426f-9247-bb680e5fe0c8";
    let segments = vec!["a", "b", "1", "1.5", "é", "2", "2e3", "zz", uuid, ""];
    prop::collection::vec(prop::sample::select(segments), 1..6)
}

/// A path as a client may write it: every byte that `escape` picks is escaped.
fn write(path: &[&str], escape: &dyn Fn(u8) -> bool) -> String {
    let mut raw = String::new();
    for segment in path {
        raw.push('/');
        for byte in segment.bytes() {
            if escape(byte) {
                raw = format!("{raw}%{byte:02x}");
            } else {
                raw.push(char::from(byte));
            }
        }
    }
    raw
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..Default::default() })]

    #[test]
    fn the_router_keeps_the_rule(
        mut routes in prop::collection::vec(route(), 0..40),
        paths in prop::collection::vec((prop::sample::select(METHODS.to_vec()), path()), 16),
    ) {
        let router = build(&mut routes);
        for (method, path) in paths {
            let expected = by_the_rule(&routes, method, &path);
            for raw in [write(&path, &|byte| !byte.is_ascii()), write(&path, &|_| true)] {
                let answer = by_the_router(&router, method, &raw);
                prop_assert_eq!(answer, &*expected, "{} {} of {:?}", method, raw, routes);
            }
        }
    }

    #[test]
    fn matchit_agrees_on_what_both_support(
        routes in prop::collection::vec(route(), 0..30),
        paths in prop::collection::vec(path(), 16),
    ) {
        let mut other = matchit::Router::new();
        let mut builder = RouterBuilder::new();
        for (i, route) in routes.iter().enumerate() {
            let plain = |text: String| text.replace(":str}", "}");
            let text = plain(route.text());
            if text.contains(":int}") || text.contains(":float}") || text.contains(":uuid}") {
                continue;
            }
            let rest = format!("{{p{}:path}}", route.pieces.len() - 1);
            let theirs = text.replace(&rest, "{*rest}");
            if other.insert(theirs, i).is_ok() {
                let pattern = Pattern::parse(&text).expect("a good pattern");
                builder.add(&["GET"], pattern, i, "here").expect("matchit saw no conflict");
            }
        }
        let router = builder.build();
        for path in paths {
            let raw = write(&path, &|byte| !byte.is_ascii());
            let decoded = format!("/{}", path.join("/"));
            let ours = by_the_router(&router, "GET", &raw);
            // Only here may the two differ: matchit gives no catch-all an empty rest.
            if ours.ends_with("\"\"] false") {
                continue;
            }
            let theirs = match other.at(&decoded) {
                Ok(found) => {
                    let params: Vec<&str> = found.params.iter().map(|(_, text)| text).collect();
                    format!("route {} {params:?} false", found.value)
                }
                Err(_) => "not found".to_owned(),
            };
            prop_assert_eq!(ours, theirs, "{} of {:?}", raw, routes);
        }
    }
}
