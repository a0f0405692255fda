//! Python values to JSON bytes and back.
