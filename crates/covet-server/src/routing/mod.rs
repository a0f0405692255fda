//! Routing: patterns, the segment tree, the router.
