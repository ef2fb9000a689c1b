//! The crate `tokenizers`: load, encode, decode, and what a single token stands for.

use std::collections::HashMap;
use std::sync::OnceLock;

use tokenizers::Tokenizer;

use crate::abi::{self, guard, guard_value, Buffer, Failure};

const BYTE_LEVEL: i32 = 0;
const BYTE_FALLBACK: i32 = 1;
const OTHER: i32 = 2;

/// `plumbline_hf_tokenizer`.
pub struct Handle {
    tokenizer: Tokenizer,
    vocab_size: u32,
    kind: i32,
    /// Literal replacements that the decoder makes in every piece ("▁" to " ").
    replacements: Vec<(String, String)>,
}

/// GPT-2's printable alphabet back to bytes: the bytes that are printable Latin-1 stand for themselves, the
/// others are numbered upwards from U+0100.
fn byte_of_char() -> &'static HashMap<char, u8> {
    static TABLE: OnceLock<HashMap<char, u8>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut next = 256u32;
        (0u8..=255)
            .map(|byte| {
                let printable = matches!(byte, 0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF);
                let code = if printable { byte as u32 } else { next };
                if !printable {
                    next += 1;
                }
                (char::from_u32(code).expect("below U+0200"), byte)
            })
            .collect()
    })
}

/// The byte of a token "<0xNN>".
fn byte_token(piece: &str) -> Option<u8> {
    let digits = piece.strip_prefix("<0x")?.strip_suffix('>')?;
    if digits.len() != 2 {
        return None;
    }
    u8::from_str_radix(digits, 16).ok()
}

/// Flattens the decoder's JSON into what matters here.
fn inspect_decoder(
    decoder: &serde_json::Value,
    kinds: &mut Vec<String>,
    replacements: &mut Vec<(String, String)>,
) {
    let kind = decoder["type"].as_str().unwrap_or("");
    kinds.push(kind.to_string());
    match kind {
        "Sequence" => {
            for inner in decoder["decoders"].as_array().into_iter().flatten() {
                inspect_decoder(inner, kinds, replacements);
            }
        }
        "Replace" => {
            if let (Some(from), Some(to)) =
                (decoder["pattern"]["String"].as_str(), decoder["content"].as_str())
            {
                replacements.push((from.to_string(), to.to_string()));
            }
        }
        "Metaspace" => {
            let from = decoder["replacement"].as_str().unwrap_or("\u{2581}");
            replacements.push((from.to_string(), " ".to_string()));
        }
        "BPEDecoder" => {
            let from = decoder["suffix"].as_str().unwrap_or("</w>");
            replacements.push((from.to_string(), " ".to_string()));
        }
        _ => {}
    }
}

impl Handle {
    fn load(json: &[u8]) -> Result<Handle, Failure> {
        let mut tokenizer = Tokenizer::from_bytes(json).map_err(Failure::invalid)?;
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(Failure::invalid)?;
        let vocab_size = tokenizer.get_vocab(true).into_values().max().map_or(0, |id| id + 1);
        let (mut kinds, mut replacements) = (Vec::new(), Vec::new());
        if let Some(decoder) = tokenizer.get_decoder() {
            let value = serde_json::to_value(decoder).map_err(Failure::invalid)?;
            inspect_decoder(&value, &mut kinds, &mut replacements);
        }
        kinds.retain(|kind| kind != "Sequence");
        let kind = if kinds == ["ByteLevel"] {
            BYTE_LEVEL
        } else if kinds.iter().any(|kind| kind == "ByteFallback") {
            BYTE_FALLBACK
        } else {
            OTHER
        };
        Ok(Handle { tokenizer, vocab_size, kind, replacements })
    }

    fn token_bytes(&self, id: u32) -> Option<Vec<u8>> {
        let piece = self.tokenizer.id_to_token(id)?;
        if self.kind == BYTE_LEVEL {
            // As the ByteLevel decoder: a piece with a character outside the alphabet (an added token) is itself.
            let table = byte_of_char();
            let bytes: Option<Vec<u8>> = piece.chars().map(|c| table.get(&c).copied()).collect();
            return Some(bytes.unwrap_or_else(|| piece.into_bytes()));
        }
        if self.tokenizer.get_added_vocabulary().get_added_tokens_decoder().contains_key(&id) {
            return Some(piece.into_bytes());
        }
        if self.kind == BYTE_FALLBACK {
            if let Some(byte) = byte_token(&piece) {
                return Some(vec![byte]);
            }
        }
        let mut text = piece;
        for (from, to) in &self.replacements {
            text = text.replace(from, to);
        }
        Some(text.into_bytes())
    }

    fn flags(&self, id: u32) -> i32 {
        let Some(piece) = self.tokenizer.id_to_token(id) else {
            return 0;
        };
        let special = self.tokenizer.get_added_vocabulary().is_special_token(&piece);
        let byte = self.kind == BYTE_FALLBACK && byte_token(&piece).is_some();
        1 | (special as i32) << 1 | (byte as i32) << 2
    }
}

#[no_mangle]
pub unsafe extern "C" fn plumbline_hf_tokenizer_new(
    json: *const u8,
    json_size: usize,
    out: *mut *mut Handle,
) -> Buffer {
    guard(|| {
        let handle = Handle::load(abi::bytes(json, json_size))?;
        *out = Box::into_raw(Box::new(handle));
        Ok(Vec::new())
    })
}

#[no_mangle]
pub unsafe extern "C" fn plumbline_hf_tokenizer_free(handle: *mut Handle) {
    guard_value((), || {
        if !handle.is_null() {
            drop(Box::from_raw(handle));
        }
    })
}

#[no_mangle]
pub unsafe extern "C" fn plumbline_hf_tokenizer_vocab_size(handle: *const Handle) -> u32 {
    (*handle).vocab_size
}

#[no_mangle]
pub unsafe extern "C" fn plumbline_hf_tokenizer_decoder_kind(handle: *const Handle) -> i32 {
    (*handle).kind
}

#[no_mangle]
pub unsafe extern "C" fn plumbline_hf_tokenizer_encode(
    handle: *const Handle,
    text: *const u8,
    text_size: usize,
    add_special_tokens: i32,
) -> Buffer {
    guard(|| {
        let text = abi::text(text, text_size);
        let encoding = (*handle)
            .tokenizer
            .encode_fast(text.as_ref(), add_special_tokens != 0)
            .map_err(Failure::invalid)?;
        Ok(encoding.get_ids().iter().flat_map(|id| (*id as i32).to_ne_bytes()).collect())
    })
}

#[no_mangle]
pub unsafe extern "C" fn plumbline_hf_tokenizer_decode(
    handle: *const Handle,
    ids: *const u32,
    id_count: usize,
    skip_special_tokens: i32,
) -> Buffer {
    guard(|| {
        let ids = if id_count == 0 { &[] } else { std::slice::from_raw_parts(ids, id_count) };
        let text = (*handle).tokenizer.decode(ids, skip_special_tokens != 0).map_err(Failure::invalid)?;
        Ok(text.into_bytes())
    })
}

#[no_mangle]
pub unsafe extern "C" fn plumbline_hf_tokenizer_token_bytes(handle: *const Handle, id: u32) -> Buffer {
    guard(|| {
        (*handle)
            .token_bytes(id)
            .ok_or_else(|| Failure { status: abi::UNKNOWN, message: format!("no token has the id {id}") })
    })
}

#[no_mangle]
pub unsafe extern "C" fn plumbline_hf_tokenizer_token_id(
    handle: *const Handle,
    token: *const u8,
    size: usize,
) -> i64 {
    guard_value(-1, || (*handle).tokenizer.token_to_id(&abi::text(token, size)).map_or(-1, i64::from))
}

#[no_mangle]
pub unsafe extern "C" fn plumbline_hf_tokenizer_token_flags(handle: *const Handle, id: u32) -> i32 {
    guard_value(0, || (*handle).flags(id))
}
