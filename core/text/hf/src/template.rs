//! Jinja2 as transformers (chat) and lm-eval (task) set it up, on minijinja.

use std::cell::Cell;
use std::ffi::{c_char, c_void};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, State, UndefinedBehavior, Value};

use crate::abi::{self, guard, guard_value, Buffer, Failure};
use crate::jinja_methods;
use crate::python_value::{json_dumps, python_str, JsonStyle};
use crate::regex_replace;

const NAME: &str = "template";

type Strftime = extern "C" fn(*const c_void, *const c_char, usize, *mut c_char, usize) -> usize;

/// The function that formats the time, and what it is called with. The caller waits for the thread that uses it.
struct Clock(Option<(Strftime, *const c_void)>);
unsafe impl Send for Clock {}

impl Clock {
    fn install(self) {
        CLOCK.set(self.0);
    }
}

/// Measured at MAX_FUEL: the deepest nesting takes about a third of it. Only the pages that are touched cost memory.
const RENDER_STACK_BYTES: usize = 512 << 20;
const MAX_FUEL: u64 = 2_000_000;

thread_local! {
    /// The clock of the render that this thread is in.
    static CLOCK: Cell<Option<(Strftime, *const c_void)>> = const { Cell::new(None) };
}

/// `plumbline_hf_template`.
pub struct Handle {
    environment: Environment<'static>,
    name: String,
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}

fn raise_exception(message: Value) -> Result<Value, Error> {
    Err(invalid(python_str(&message)?))
}

fn strftime_now(format: &str) -> Result<String, Error> {
    let (strftime, context) = CLOCK.get().ok_or_else(|| invalid("strftime_now: no clock"))?;
    let mut out = vec![0u8; 256 + 8 * format.len()];
    let size = strftime(context, format.as_ptr().cast(), format.len(), out.as_mut_ptr().cast(), out.len());
    if size == 0 && !format.is_empty() {
        return Err(invalid(format!("strftime_now: cannot format {format:?}")));
    }
    out.truncate(size);
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// An `indent` argument: a number of spaces or the text itself.
fn indent_of(value: Option<Value>) -> Result<Option<String>, Error> {
    match value {
        None => Ok(None),
        Some(value) if value.is_none() => Ok(None),
        Some(value) => match (value.as_i64(), value.as_str()) {
            (Some(width), _) => Ok(Some(" ".repeat(width.clamp(0, 64) as usize))),
            (None, Some(text)) => Ok(Some(text.to_string())),
            _ => Err(invalid("tojson: indent must be a number or a string")),
        },
    }
}

fn separators_of(value: Option<Value>, indented: bool) -> Result<(String, String), Error> {
    let Some(value) = value.filter(|value| !value.is_none()) else {
        return Ok((if indented { "," } else { ", " }.to_string(), ": ".to_string()));
    };
    let parts: Vec<Value> = value.try_iter()?.collect();
    match (parts.len(), parts.first().and_then(Value::as_str), parts.get(1).and_then(Value::as_str)) {
        (2, Some(item), Some(key)) => Ok((item.to_string(), key.to_string())),
        _ => Err(invalid("tojson: separators must be two strings")),
    }
}

/// transformers' tojson: json.dumps, nothing escaped for HTML.
fn tojson_chat(
    value: Value,
    ensure_ascii: Option<bool>,
    indent: Option<Value>,
    kwargs: Kwargs,
) -> Result<String, Error> {
    let ensure_ascii = ensure_ascii.or(kwargs.get::<Option<bool>>("ensure_ascii")?).unwrap_or(false);
    let indent = indent_of(indent.or(kwargs.get::<Option<Value>>("indent")?))?;
    let (item_separator, key_separator) =
        separators_of(kwargs.get::<Option<Value>>("separators")?, indent.is_some())?;
    let sort_keys = kwargs.get::<Option<bool>>("sort_keys")?.unwrap_or(false);
    kwargs.assert_all_used()?;
    let mut out = String::new();
    json_dumps(
        &value,
        &JsonStyle { ensure_ascii, indent, item_separator, key_separator, sort_keys },
        0,
        &mut out,
    )?;
    Ok(out)
}

/// Jinja2's own tojson, as lm-eval has it: sorted keys, ASCII, `<>&'` escaped.
fn tojson_task(value: Value, indent: Option<Value>, kwargs: Kwargs) -> Result<String, Error> {
    let indent = indent_of(indent.or(kwargs.get::<Option<Value>>("indent")?))?;
    kwargs.assert_all_used()?;
    let (item_separator, key_separator) = separators_of(None, indent.is_some())?;
    let style = JsonStyle { ensure_ascii: true, indent, item_separator, key_separator, sort_keys: true };
    let mut out = String::new();
    json_dumps(&value, &style, 0, &mut out)?;
    Ok(out.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026").replace('\'', "\\u0027"))
}

fn trim(value: Value, chars: Option<String>) -> Result<String, Error> {
    let text = python_str(&value)?;
    Ok(match chars {
        Some(chars) => text.trim_matches(&chars.chars().collect::<Vec<_>>()[..]).to_string(),
        None => text.trim_matches(jinja_methods::is_python_space).to_string(),
    })
}

/// Python can iterate over it. Jinja2's Undefined iterates as nothing; None and numbers do not.
fn is_iterable(state: &State, value: &Value) -> bool {
    match value.kind() {
        ValueKind::Undefined => state.undefined_behavior() != UndefinedBehavior::Strict,
        ValueKind::String | ValueKind::Seq | ValueKind::Map | ValueKind::Iterable => true,
        _ => false,
    }
}

/// It has a length and items by index or key: strings and mappings too.
fn is_sequence(state: &State, value: &Value) -> bool {
    value.kind() != ValueKind::Iterable && is_iterable(state, value)
}

fn is_number(value: &Value) -> bool {
    matches!(value.kind(), ValueKind::Number | ValueKind::Bool)
}

fn regex_replace_filter(
    text: String,
    pattern: &str,
    replacement: &str,
    count: Option<usize>,
    kwargs: Kwargs,
) -> Result<String, Error> {
    let count = count.or(kwargs.get::<Option<usize>>("count")?).unwrap_or(0);
    kwargs.assert_all_used()?;
    regex_replace::sub(&text, pattern, replacement, count)
}

/// Renames transformers' {% generation %} blocks, which only mark text, to {% with %}.
fn rewrite_generation_tags(source: &str) -> String {
    if !source.contains("generation") {
        return source.to_string();
    }
    let (mut out, mut rest) = (String::with_capacity(source.len()), source);
    while let Some(at) = rest.find("{%") {
        let (before, tag) = rest.split_at(at + 2);
        out.push_str(before);
        let end = tag.find("%}").unwrap_or(tag.len());
        let word = tag[..end].trim_start_matches(['-', '+']).trim_end_matches(['-', '+']).trim();
        let renamed = match word {
            "generation" => tag[..end].replacen("generation", "with", 1),
            "endgeneration" => tag[..end].replacen("endgeneration", "endwith", 1),
            _ => tag[..end].to_string(),
        };
        out.push_str(&renamed);
        rest = &tag[end..];
    }
    out.push_str(rest);
    out
}

fn new_environment(chat: bool, fuel: u64) -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_syntax(
        SyntaxConfig::builder().trim_blocks(chat).lstrip_blocks(chat).keep_trailing_newline(!chat).build()?,
    );
    environment.set_undefined_behavior(if chat {
        UndefinedBehavior::Lenient
    } else {
        UndefinedBehavior::Strict
    });
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_fuel(Some(fuel.min(MAX_FUEL)));
    environment.set_unknown_method_callback(jinja_methods::call);
    // An undefined value that gets here may be printed: strict ones have been refused, and what an `if` without `else` gives is
    // lenient in Jinja2 whatever the environment says.
    environment.set_formatter(|out, _, value| match value.kind() {
        ValueKind::Undefined => Ok(()),
        ValueKind::String => out.write_str(value.as_str().unwrap_or("")).map_err(Error::from),
        _ => out.write_str(&python_str(value)?).map_err(Error::from),
    });
    // Their output grows with the square of a value's depth, unpaid for.
    environment.remove_filter("pprint");
    environment.remove_global("debug");
    environment.add_filter("trim", trim);
    environment.add_filter("string", |value: Value| python_str(&value));
    environment.add_test("iterable", is_iterable);
    environment.add_test("sequence", is_sequence);
    environment.add_test("number", is_number);
    if chat {
        environment.add_filter("tojson", tojson_chat);
        environment.add_function("raise_exception", raise_exception);
        environment.add_function("strftime_now", strftime_now);
    } else {
        environment.add_filter("tojson", tojson_task);
        environment.add_filter("regex_replace", regex_replace_filter);
    }
    Ok(environment)
}

impl Handle {
    fn compile(source: &str, name: &str, chat: bool, fuel: u64) -> Result<Handle, Failure> {
        // Python's lexer makes every line end a "\n" before anything else.
        let source = source.replace("\r\n", "\n").replace('\r', "\n");
        let source = if chat { rewrite_generation_tags(&source) } else { source };
        let mut environment = new_environment(chat, fuel).map_err(|error| failure(&error, name))?;
        environment.add_template_owned(NAME, source).map_err(|error| failure(&error, name))?;
        Ok(Handle { environment, name: name.to_string() })
    }

    /// Renders on a thread of its own with a large stack. A template can nest values as deep as its fuel reaches, and
    /// printing, comparing and freeing them recurses in minijinja: on the caller's stack that would end the process.
    fn render(&self, variables: &[u8], clock: Clock, max_output: usize) -> Result<Vec<u8>, Failure> {
        std::thread::scope(|scope| {
            std::thread::Builder::new()
                .stack_size(RENDER_STACK_BYTES)
                .spawn_scoped(scope, move || {
                    clock.install();
                    self.render_here(variables, max_output)
                })
                .map_err(|error| Failure {
                    status: abi::EXHAUSTED,
                    message: format!("{}: cannot start a thread to render on: {error}", self.name),
                })?
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    fn render_here(&self, variables: &[u8], max_output: usize) -> Result<Vec<u8>, Failure> {
        let variables: serde_json::Value = serde_json::from_slice(variables).map_err(Failure::invalid)?;
        let template = self.environment.get_template(NAME).map_err(|error| failure(&error, &self.name))?;
        let text =
            template.render(Value::from(Serde(&variables))).map_err(|error| failure(&error, &self.name))?;
        if text.len() > max_output {
            return Err(Failure {
                status: abi::EXHAUSTED,
                message: format!(
                    "{}: the text has {} bytes, more than the allowed {max_output}",
                    self.name,
                    text.len()
                ),
            });
        }
        Ok(text.into_bytes())
    }
}

/// "<name>:<line>: <message>" of the innermost error that says something.
fn failure(error: &Error, name: &str) -> Failure {
    let mut innermost = error;
    let mut exhausted = error.kind() == ErrorKind::OutOfFuel;
    while let Some(source) =
        std::error::Error::source(innermost).and_then(|source| source.downcast_ref::<Error>())
    {
        innermost = source;
        exhausted |= innermost.kind() == ErrorKind::OutOfFuel;
    }
    let line = innermost.line().or(error.line()).map_or(String::new(), |line| format!(":{line}"));
    let kind = innermost.kind();
    let message = match innermost.detail() {
        Some(detail) if kind == ErrorKind::InvalidOperation => detail.to_string(),
        Some(detail) => format!("{kind}: {detail}"),
        None => kind.to_string(),
    };
    Failure {
        status: if exhausted { abi::EXHAUSTED } else { abi::INVALID },
        message: format!("{name}{line}: {message}"),
    }
}

#[no_mangle]
pub unsafe extern "C" fn plumbline_hf_template_new(
    source: *const u8,
    source_size: usize,
    name: *const u8,
    name_size: usize,
    dialect: i32,
    fuel: u64,
    out: *mut *mut Handle,
) -> Buffer {
    guard(|| {
        let (source, name) = (abi::text(source, source_size), abi::text(name, name_size));
        let handle = Handle::compile(&source, &name, dialect == 0, fuel)?;
        *out = Box::into_raw(Box::new(handle));
        Ok(Vec::new())
    })
}

#[no_mangle]
pub unsafe extern "C" fn plumbline_hf_template_free(handle: *mut Handle) {
    guard_value((), || {
        if !handle.is_null() {
            drop(Box::from_raw(handle));
        }
    })
}

#[no_mangle]
pub unsafe extern "C" fn plumbline_hf_template_render(
    handle: *const Handle,
    variables: *const u8,
    variables_size: usize,
    strftime: Option<Strftime>,
    strftime_context: *const c_void,
    max_output: usize,
) -> Buffer {
    guard(|| {
        let clock = Clock(strftime.map(|function| (function, strftime_context)));
        (*handle).render(abi::bytes(variables, variables_size), clock, max_output)
    })
}
