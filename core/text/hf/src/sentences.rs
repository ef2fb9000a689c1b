//! NLTK's English Punkt parameters, from the crate `punkt_n`. Only its tables: its inference differs from NLTK's,
//! so core/text/sentences.cc has its own.

use std::sync::OnceLock;

use punkt_n::TrainingData;

use crate::abi::{self, guard_value};

fn english() -> &'static TrainingData {
    static DATA: OnceLock<TrainingData> = OnceLock::new();
    DATA.get_or_init(TrainingData::english)
}

unsafe fn str_of<'a>(data: *const u8, size: usize) -> &'a str {
    std::str::from_utf8(abi::bytes(data, size)).unwrap_or("")
}

#[no_mangle]
pub unsafe extern "C" fn plumbline_hf_punkt_is_abbreviation(kind: *const u8, size: usize) -> i32 {
    guard_value(0, || english().contains_abbrev(str_of(kind, size)) as i32)
}

#[no_mangle]
pub unsafe extern "C" fn plumbline_hf_punkt_is_sentence_starter(kind: *const u8, size: usize) -> i32 {
    guard_value(0, || english().contains_sentence_starter(str_of(kind, size)) as i32)
}

#[no_mangle]
pub unsafe extern "C" fn plumbline_hf_punkt_is_collocation(
    left: *const u8,
    left_size: usize,
    right: *const u8,
    right_size: usize,
) -> i32 {
    guard_value(0, || {
        english().contains_collocation(str_of(left, left_size), str_of(right, right_size)) as i32
    })
}

#[no_mangle]
pub unsafe extern "C" fn plumbline_hf_punkt_ortho_context(kind: *const u8, size: usize) -> u8 {
    guard_value(0, || english().get_orthographic_context(str_of(kind, size)))
}
