//! Routes by method: the builder that collects them and the router that answers.
//!
//! Owns methods, `Allow`, the fallback of HEAD to GET, and conflicts between routes. Which paths
//! match is the tree's.

use std::borrow::Cow;

use super::conflict::SameRoute;
use super::methods::{self, GET, HEAD, MethodId, Methods, OPTIONS};
use super::tree::{Draft, LeafId, Tree};
use super::{Conflict, Params, Pattern};

/// What a router says to a method and a path.
#[derive(Debug, PartialEq, Eq)]
pub enum Match<'r, T> {
    /// A route answers; the parameters are in `Params`.
    Found {
        /// The value that was added with the route.
        route: &'r T,
        /// The request is HEAD and the route was declared for GET: the body is not sent.
        head_as_get: bool,
    },
    /// 405: the path has routes, none for the method.
    MethodNotAllowed {
        /// The value of `Allow`: the methods of every pattern that matches the path.
        allow: Cow<'r, str>,
    },
    /// The answer to OPTIONS where no route declares it: 204 with `Allow`.
    Options {
        /// The value of `Allow`, as for `MethodNotAllowed`.
        allow: Cow<'r, str>,
    },
    /// 404: no pattern matches the path.
    NotFound,
    /// 400: the path has a `.` or `..` segment, encoded or not, is not UTF-8 once decoded, or is
    /// no path.
    BadPath,
}

/// Finds the route of a request. Made by [`RouterBuilder`]; never changes.
#[derive(Debug)]
pub struct Router<T> {
    tree: Tree,
    leaves: Box<[Leaf]>,
    methods: Methods,
    routes: Box<[T]>,
}

/// The routes of one shape, by method.
#[derive(Debug)]
struct Leaf {
    /// In the order of `Allow`, HEAD among them where GET is.
    entries: Box<[Entry]>,
    /// The route of every other method.
    any: Option<u32>,
    /// The value of `Allow` when no other leaf matches; OPTIONS is always in it.
    allow: Box<str>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    method: MethodId,
    head_as_get: bool,
    route: u32,
}

impl<T> Router<T> {
    /// Finds the route for `method` on `raw_path`, the path as it was sent, without its query.
    ///
    /// The best pattern that has the method wins: a pattern without it does not hide one of a
    /// lower rank. At one pattern a route for the method goes before one for `"*"`, and for HEAD
    /// a route for GET goes before one for `"*"`.
    pub fn find<'r>(&'r self, method: &[u8], raw_path: &[u8], params: &mut Params) -> Match<'r, T> {
        if params.split(raw_path, self.tree.depth()).is_err() {
            return Match::BadPath;
        }
        let method = self.methods.id(method);
        let mut missed: Option<LeafId> = None;
        let mut several = false;
        let found = self.tree.search(params, |leaf: LeafId| {
            let found = self.leaves[leaf as usize].entry(method);
            if found.is_none() {
                several |= missed.replace(leaf).is_some();
            }
            found
        });
        if let Some((route, head_as_get)) = found {
            let route = &self.routes[route as usize];
            return Match::Found { route, head_as_get };
        }
        let Some(missed) = missed else {
            return Match::NotFound;
        };
        let allow = if several {
            Cow::Owned(self.union(params))
        } else {
            Cow::Borrowed(&*self.leaves[missed as usize].allow)
        };
        if method == Some(OPTIONS) {
            Match::Options { allow }
        } else {
            Match::MethodNotAllowed { allow }
        }
    }

    /// Whether some route names `method`, or it is one that every router knows.
    #[must_use]
    pub fn knows(&self, method: &[u8]) -> bool {
        self.methods.id(method).is_some()
    }

    /// The value of `Allow` over all patterns that match the path in `params`.
    fn union(&self, params: &mut Params) -> String {
        let mut ids = vec![OPTIONS];
        self.tree.search(params, |leaf: LeafId| -> Option<()> {
            ids.extend(
                self.leaves[leaf as usize]
                    .entries
                    .iter()
                    .map(|entry| entry.method),
            );
            None
        });
        ids.sort_unstable();
        ids.dedup();
        self.methods.allow(&ids)
    }
}

impl Leaf {
    /// The route for `method`, and whether it is GET's for HEAD.
    fn entry(&self, method: Option<MethodId>) -> Option<(u32, bool)> {
        let entry = method.and_then(|id| self.entries.iter().find(|entry| entry.method == id));
        match entry {
            Some(entry) => Some((entry.route, entry.head_as_get)),
            None => self.any.map(|route| (route, false)),
        }
    }
}

/// Collects routes.
#[derive(Debug)]
pub struct RouterBuilder<T> {
    draft: Draft,
    leaves: Vec<DraftLeaf>,
    /// What each value was added with, for messages.
    places: Vec<Place>,
    routes: Vec<T>,
}

/// By method, `"*"` included, the route of one shape.
type DraftLeaf = Vec<(String, u32)>;

#[derive(Debug)]
struct Place {
    pattern: Pattern,
    origin: String,
}

impl<T> Default for RouterBuilder<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> RouterBuilder<T> {
    /// No routes.
    #[must_use]
    pub fn new() -> Self {
        Self {
            draft: Draft::new(),
            leaves: Vec::new(),
            places: Vec::new(),
            routes: Vec::new(),
        }
    }

    /// Adds a route for `methods`, names in capitals or `["*"]` for any. `origin` says where it
    /// is written (`"shop.py:12"`) and appears in messages only.
    ///
    /// # Errors
    /// [`Conflict`] when another route of equal rank answers one of the methods on the same
    /// paths, or when `methods` are none. The builder stays as it was.
    pub fn add(
        &mut self,
        methods: &[&str],
        pattern: Pattern,
        value: T,
        origin: &str,
    ) -> Result<(), Conflict> {
        if !(methods == ["*"] || are_names(methods)) {
            return Err(Conflict::Methods {
                methods: methods.iter().map(|&name| name.to_owned()).collect(),
                pattern: pattern.to_string(),
                origin: origin.to_owned(),
            });
        }
        let leaf = self.draft.leaf(&pattern) as usize;
        if leaf == self.leaves.len() {
            self.leaves.push(DraftLeaf::new());
        }
        let taken = self.leaves[leaf]
            .iter()
            .find(|(name, _)| methods.contains(&name.as_str()));
        if let Some((method, first)) = taken {
            let first = &self.places[*first as usize];
            return Err(Conflict::SameRoute(Box::new(SameRoute {
                method: method.clone(),
                first_pattern: first.pattern.to_string(),
                first_origin: first.origin.clone(),
                second_pattern: pattern.to_string(),
                second_origin: origin.to_owned(),
            })));
        }
        let route = self.routes.len() as u32;
        for (i, name) in methods.iter().enumerate() {
            if !methods[..i].contains(name) {
                self.leaves[leaf].push(((*name).to_owned(), route));
            }
        }
        self.places.push(Place {
            pattern,
            origin: origin.to_owned(),
        });
        self.routes.push(value);
        Ok(())
    }

    /// The finished router.
    #[must_use]
    pub fn build(self) -> Router<T> {
        let names = self.leaves.iter().flatten().map(|(name, _)| name.as_str());
        let methods = Methods::new(names.filter(|name| *name != "*"));
        let leaves = self
            .leaves
            .iter()
            .map(|leaf| build_leaf(leaf, &methods))
            .collect();
        let routes = self.routes.into_boxed_slice();
        Router {
            tree: self.draft.build(),
            leaves,
            methods,
            routes,
        }
    }
}

fn are_names(methods: &[&str]) -> bool {
    !methods.is_empty()
        && methods
            .iter()
            .all(|name| *name != "*" && methods::is_method(name))
}

fn build_leaf(draft: &DraftLeaf, methods: &Methods) -> Leaf {
    let mut any = None;
    let mut entries = Vec::with_capacity(draft.len() + 1);
    for (name, route) in draft {
        match methods.id(name.as_bytes()) {
            Some(method) => entries.push(Entry {
                method,
                head_as_get: false,
                route: *route,
            }),
            None => any = Some(*route),
        }
    }
    let of = |id| {
        entries
            .iter()
            .find(|entry: &&Entry| entry.method == id)
            .copied()
    };
    if let (Some(get), None) = (of(GET), of(HEAD)) {
        entries.push(Entry {
            method: HEAD,
            head_as_get: true,
            route: get.route,
        });
    }
    entries.sort_unstable_by_key(|entry| entry.method);
    let mut ids: Vec<MethodId> = entries.iter().map(|entry| entry.method).collect();
    ids.push(OPTIONS);
    ids.sort_unstable();
    ids.dedup();
    let allow = methods.allow(&ids).into_boxed_str();
    Leaf {
        entries: entries.into_boxed_slice(),
        any,
        allow,
    }
}
