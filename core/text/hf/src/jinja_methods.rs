//! Python's methods of str and list that templates call and minijinja-contrib's pycompat lacks or does otherwise.

use minijinja::value::{from_args, Tuple, ValueKind};
use minijinja::{Error, ErrorKind, State, Value};

/// str.isspace of a character. Rust's White_Space lacks the four information separators.
pub fn is_python_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

fn is_line_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn value_error(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}

fn split_lines(text: &str, keep_ends: bool) -> Vec<Value> {
    let (mut lines, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find(is_line_break) {
        let first = rest[at..].chars().next().expect("found");
        let mut end = at + first.len_utf8();
        if first == '\r' && rest[end..].starts_with('\n') {
            end += 1;
        }
        lines.push(Value::from(&rest[..if keep_ends { end } else { at }]));
        rest = &rest[end..];
    }
    if !rest.is_empty() {
        lines.push(Value::from(rest));
    }
    lines
}

/// str.split and str.rsplit on whitespace.
fn split_whitespace(text: &str, max_splits: i64, from_right: bool) -> Vec<Value> {
    let mut parts = Vec::new();
    let mut rest = if from_right {
        text.trim_end_matches(is_python_space)
    } else {
        text.trim_start_matches(is_python_space)
    };
    while !rest.is_empty() {
        if max_splits >= 0 && parts.len() as i64 == max_splits {
            // The unsplit rest keeps the whitespace of its far end.
            parts.push(Value::from(rest));
            break;
        }
        if from_right {
            let at = rest
                .char_indices()
                .rev()
                .find(|(_, c)| is_python_space(*c))
                .map_or(0, |(i, c)| i + c.len_utf8());
            parts.push(Value::from(&rest[at..]));
            rest = rest[..at].trim_end_matches(is_python_space);
        } else {
            let at = rest.find(is_python_space).unwrap_or(rest.len());
            parts.push(Value::from(&rest[..at]));
            rest = rest[at..].trim_start_matches(is_python_space);
        }
    }
    if from_right {
        parts.reverse();
    }
    parts
}

fn split(text: &str, args: &[Value], from_right: bool) -> Result<Value, Error> {
    let (separator, max_splits, kwargs): (Option<Value>, Option<i64>, minijinja::value::Kwargs) =
        from_args(args)?;
    let max_splits = match max_splits {
        Some(count) => count,
        None => kwargs.get::<Option<i64>>("maxsplit")?.unwrap_or(-1),
    };
    let separator = match separator {
        Some(separator) => Some(separator),
        None => kwargs.get::<Option<Value>>("sep")?,
    };
    kwargs.assert_all_used()?;
    let Some(separator) = separator.filter(|value| !value.is_none()) else {
        return Ok(Value::from(split_whitespace(text, max_splits, from_right)));
    };
    let separator =
        separator.as_str().ok_or_else(|| value_error("split: the separator must be a string"))?.to_string();
    if separator.is_empty() {
        return Err(value_error("empty separator"));
    }
    let limit = if max_splits < 0 { usize::MAX } else { max_splits as usize + 1 };
    let parts: Vec<Value> = if from_right {
        let mut parts: Vec<Value> = text.rsplitn(limit, separator.as_str()).map(Value::from).collect();
        parts.reverse();
        parts
    } else {
        text.splitn(limit, separator.as_str()).map(Value::from).collect()
    };
    Ok(Value::from(parts))
}

fn partition(text: &str, separator: &str, at: Option<usize>, from_right: bool) -> Value {
    let (head, middle, tail) = match at {
        Some(at) => (&text[..at], separator, &text[at + separator.len()..]),
        None if from_right => ("", "", text),
        None => (text, "", ""),
    };
    Value::from(Tuple::from([Value::from(head), Value::from(middle), Value::from(tail)]))
}

/// The byte range of text[start:end] with Python's rules for negative and too large indices.
fn python_range(text: &str, start: Option<i64>, end: Option<i64>) -> Option<(usize, usize)> {
    let length = text.chars().count() as i64;
    let resolve = |index: i64| if index < 0 { (index + length).max(0) } else { index.min(length) };
    if start.is_some_and(|start| start > length) {
        return None;
    }
    let (start, end) = (resolve(start.unwrap_or(0)), resolve(end.unwrap_or(length)));
    if start > end {
        return None;
    }
    let byte = |index: i64| text.char_indices().nth(index as usize).map_or(text.len(), |(at, _)| at);
    Some((byte(start), byte(end)))
}

/// find, rfind, index, rindex: the place in characters.
fn find(text: &str, args: &[Value], from_right: bool) -> Result<Option<i64>, Error> {
    let (what, start, end): (&str, Option<i64>, Option<i64>) = from_args(args)?;
    let Some((begin, end)) = python_range(text, start, end) else {
        return Ok(None);
    };
    let slice = &text[begin..end];
    let at = if from_right { slice.rfind(what) } else { slice.find(what) };
    Ok(at.map(|at| text[..begin + at].chars().count() as i64))
}

/// str.title: a letter after a letter is lower, any other is title case.
fn title(text: &str) -> String {
    let (mut out, mut after_letter) = (String::with_capacity(text.len()), false);
    for c in text.chars() {
        let cased = c.is_lowercase() || c.is_uppercase();
        if after_letter {
            out.extend(c.to_lowercase());
        } else {
            out.extend(c.to_uppercase());
        }
        after_letter = cased;
    }
    out
}

fn pad(text: &str, args: &[Value], method: &str) -> Result<Value, Error> {
    let (width, fill): (i64, Option<&str>) = from_args(args)?;
    let fill = fill.unwrap_or(" ");
    let missing = (width - text.chars().count() as i64).clamp(0, 1 << 20) as usize;
    let (left, right) = match method {
        "ljust" => (0, missing),
        "rjust" => (missing, 0),
        // CPython: the odd one goes left when the width is odd.
        _ => {
            let left = missing / 2 + (missing & width as usize & 1);
            (left, missing - left)
        }
    };
    Ok(Value::from(fill.repeat(left) + text + &fill.repeat(right)))
}

fn zfill(text: &str, width: i64) -> String {
    let missing = (width - text.chars().count() as i64).clamp(0, 1 << 20) as usize;
    let (sign, digits) = text.split_at(usize::from(text.starts_with(['+', '-'])));
    format!("{sign}{}{digits}", "0".repeat(missing))
}

fn string_method(text: &str, method: &str, args: &[Value]) -> Option<Result<Value, Error>> {
    let strip_set = |args: &[Value]| -> Result<Option<Vec<char>>, Error> {
        let (chars,): (Option<&str>,) = from_args(args)?;
        Ok(chars.map(|chars| chars.chars().collect()))
    };
    Some((|| {
        Ok(match method {
            "strip" => match strip_set(args)? {
                Some(set) => Value::from(text.trim_matches(&set[..])),
                None => Value::from(text.trim_matches(is_python_space)),
            },
            "lstrip" => match strip_set(args)? {
                Some(set) => Value::from(text.trim_start_matches(&set[..])),
                None => Value::from(text.trim_start_matches(is_python_space)),
            },
            "rstrip" => match strip_set(args)? {
                Some(set) => Value::from(text.trim_end_matches(&set[..])),
                None => Value::from(text.trim_end_matches(is_python_space)),
            },
            "split" => split(text, args, false)?,
            "rsplit" => split(text, args, true)?,
            "splitlines" => {
                let (keep_ends,): (Option<bool>,) = from_args(args)?;
                Value::from(split_lines(text, keep_ends.unwrap_or(false)))
            }
            "partition" | "rpartition" => {
                let (separator,): (&str,) = from_args(args)?;
                if separator.is_empty() {
                    return Err(value_error("empty separator"));
                }
                let from_right = method == "rpartition";
                let at = if from_right { text.rfind(separator) } else { text.find(separator) };
                partition(text, separator, at, from_right)
            }
            "removeprefix" => {
                let (prefix,): (&str,) = from_args(args)?;
                Value::from(text.strip_prefix(prefix).unwrap_or(text))
            }
            "removesuffix" => {
                let (suffix,): (&str,) = from_args(args)?;
                Value::from(text.strip_suffix(suffix).unwrap_or(text))
            }
            "find" => Value::from(find(text, args, false)?.unwrap_or(-1)),
            "rfind" => Value::from(find(text, args, true)?.unwrap_or(-1)),
            "index" => {
                Value::from(find(text, args, false)?.ok_or_else(|| value_error("substring not found"))?)
            }
            "rindex" => {
                Value::from(find(text, args, true)?.ok_or_else(|| value_error("substring not found"))?)
            }
            "title" => Value::from(title(text)),
            "casefold" => Value::from(text.to_lowercase().replace('ß', "ss").replace('ς', "σ")),
            "swapcase" => Value::from(
                text.chars()
                    .flat_map(|c| {
                        if c.is_uppercase() {
                            c.to_lowercase().collect::<Vec<_>>()
                        } else {
                            c.to_uppercase().collect()
                        }
                    })
                    .collect::<String>(),
            ),
            "ljust" | "rjust" | "center" => pad(text, args, method)?,
            "zfill" => {
                let (width,): (i64,) = from_args(args)?;
                Value::from(zfill(text, width))
            }
            _ => return Err(Error::from(ErrorKind::UnknownMethod)),
        })
    })())
}

fn list_method(value: &Value, method: &str, args: &[Value]) -> Result<Value, Error> {
    match method {
        "index" => {
            let (what,): (Value,) = from_args(args)?;
            let at = value.try_iter()?.position(|item| item == what);
            at.map(Value::from).ok_or_else(|| value_error("list.index(x): x is not in the list"))
        }
        // transformers renders in an immutable sandbox: these exist, and are refused.
        "append" | "extend" | "insert" | "pop" | "remove" | "clear" | "sort" | "reverse" => {
            Err(value_error(format!("list.{method} would change a list, which a template may not")))
        }
        _ => Err(Error::from(ErrorKind::UnknownMethod)),
    }
}

/// The environment's unknown-method callback: ours first, then pycompat's.
pub fn call(state: &mut State, value: &Value, method: &str, args: &[Value]) -> Result<Value, Error> {
    let ours = match value.kind() {
        ValueKind::String => value.as_str().and_then(|text| string_method(text, method, args)),
        ValueKind::Seq => Some(list_method(value, method, args)),
        _ => None,
    };
    match ours {
        Some(Err(error)) if error.kind() == ErrorKind::UnknownMethod => {}
        Some(result) => return result,
        None => {}
    }
    minijinja_contrib::pycompat::unknown_method_callback(state, value, method, args)
}
