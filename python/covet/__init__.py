"""A web server and framework for Python whose engine is Rust."""
