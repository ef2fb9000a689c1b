//! Buffers, borrowed text and the panic guard: the vocabulary of every entry point.

use std::borrow::Cow;
use std::panic::{catch_unwind, AssertUnwindSafe};

pub const OK: i32 = 0;
pub const INVALID: i32 = 1;
pub const EXHAUSTED: i32 = 2;
pub const UNKNOWN: i32 = 3;
pub const INTERNAL: i32 = 4;

/// `plumbline_hf_buffer`: a status and the bytes of a `Vec<u8>` that C++ now owns.
#[repr(C)]
pub struct Buffer {
    status: i32,
    data: *mut u8,
    size: usize,
    capacity: usize,
}

impl Buffer {
    pub fn new(status: i32, bytes: Vec<u8>) -> Buffer {
        let mut bytes = std::mem::ManuallyDrop::new(bytes);
        Buffer { status, data: bytes.as_mut_ptr(), size: bytes.len(), capacity: bytes.capacity() }
    }
}

pub struct Failure {
    pub status: i32,
    pub message: String,
}

impl Failure {
    pub fn invalid(message: impl ToString) -> Failure {
        Failure { status: INVALID, message: message.to_string() }
    }
}

/// Runs `body`; its error or panic becomes the buffer's status and message.
pub fn guard(body: impl FnOnce() -> Result<Vec<u8>, Failure>) -> Buffer {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(bytes)) => Buffer::new(OK, bytes),
        Ok(Err(failure)) => Buffer::new(failure.status, failure.message.into_bytes()),
        Err(panic) => Buffer::new(INTERNAL, panic_message(&*panic).into_bytes()),
    }
}

/// The same for entry points that return a plain value: `fallback` on a panic.
pub fn guard_value<T>(fallback: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(fallback)
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("unknown panic");
    format!("panic in a Rust crate: {text}")
}

/// The bytes of (pointer, length).
///
/// # Safety
/// `data` must be valid for `size` bytes, or null with `size` 0.
pub unsafe fn bytes<'a>(data: *const u8, size: usize) -> &'a [u8] {
    if size == 0 {
        return &[];
    }
    std::slice::from_raw_parts(data, size)
}

/// The text of (pointer, length); each ill-formed part becomes U+FFFD, as Python's errors="replace" does.
///
/// # Safety
/// As [`bytes`].
pub unsafe fn text<'a>(data: *const u8, size: usize) -> Cow<'a, str> {
    String::from_utf8_lossy(bytes(data, size))
}

#[no_mangle]
pub unsafe extern "C" fn plumbline_hf_buffer_free(buffer: Buffer) {
    guard_value((), || {
        if !buffer.data.is_null() {
            drop(Vec::from_raw_parts(buffer.data, buffer.size, buffer.capacity));
        }
    })
}
