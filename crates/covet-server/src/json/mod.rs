//! JSON without Python: escaping, numbers, scanning.
