//! Plumbline's bridge to the Rust text crates, as one static library behind a plain C ABI.
//!
//! `plumbline_hf.h` is the contract; every entry point goes through [`guard`], so that no panic ever
//! crosses into C++.

mod abi;
mod jinja_methods;
mod language;
mod python_value;
mod regex_replace;
mod sentences;
mod template;
mod tokenizer;
