//! Hands the interpreter's version to `cfg`: `runtime` reads objects whose layout depends on it.

fn main() {
    pyo3_build_config::use_pyo3_cfgs();
}
