//! lm-eval's filter regex_replace(string, pattern, repl, count=0): Python's re.sub.
//!
//! The pattern runs in fancy-regex (look-around and back-references, bounded backtracking). Where Python's
//! syntax means something else the pattern is translated; what can't be is an error.

use fancy_regex::{Captures, Regex};
use minijinja::{Error, ErrorKind};

fn error(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, format!("regex_replace: {}", message.into()))
}

/// Python's `$` also matches before a final newline, and its `\Z` is Rust's `\z`.
fn translate_pattern(pattern: &str) -> String {
    let multi_line =
        pattern.starts_with("(?") && pattern[2..].split(')').next().is_some_and(|flags| flags.contains('m'));
    let (mut out, mut chars, mut in_class) = (String::with_capacity(pattern.len()), pattern.chars(), false);
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('Z') => out.push_str("\\z"),
                Some(next) => out.extend(['\\', next]),
                None => out.push('\\'),
            },
            '[' if !in_class => {
                in_class = true;
                out.push('[');
            }
            // A '[' inside a class is a literal in Python and a nested class in Rust.
            '[' => out.push_str("\\["),
            ']' if in_class && !out.ends_with('[') && !out.ends_with("[^") => {
                in_class = false;
                out.push(']');
            }
            ']' if in_class => out.push_str("\\]"),
            '$' if !in_class && !multi_line => out.push_str("(?=\\n?\\z)"),
            c => out.push(c),
        }
    }
    out
}

enum Piece {
    Text(String),
    Group(String),
}

/// re.sub's replacement: \1, \g<1>, \g<name>, \n and the like.
fn parse_replacement(template: &str) -> Result<Vec<Piece>, Error> {
    let (mut pieces, mut literal) = (Vec::new(), String::new());
    let mut chars = template.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            literal.push(c);
            continue;
        }
        let group = match chars.next() {
            Some('g') if chars.peek() == Some(&'<') => {
                chars.by_ref().skip(1).take_while(|c| *c != '>').collect()
            }
            Some(digit @ '1'..='9') => {
                let mut number = digit.to_string();
                number.extend(chars.next_if(char::is_ascii_digit));
                number
            }
            Some('n') => {
                literal.push('\n');
                continue;
            }
            Some('t') => {
                literal.push('\t');
                continue;
            }
            Some('r') => {
                literal.push('\r');
                continue;
            }
            Some('\\') => {
                literal.push('\\');
                continue;
            }
            Some(other) if !other.is_ascii_alphanumeric() => {
                literal.extend(['\\', other]);
                continue;
            }
            Some(other) => return Err(error(format!("bad escape \\{other} in the replacement"))),
            None => return Err(error("bad escape (end of the replacement)")),
        };
        pieces.push(Piece::Text(std::mem::take(&mut literal)));
        pieces.push(Piece::Group(group));
    }
    pieces.push(Piece::Text(literal));
    Ok(pieces)
}

fn expand(pieces: &[Piece], captures: &Captures, out: &mut String) -> Result<(), Error> {
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Group(name) => {
                let found = match name.parse::<usize>() {
                    Ok(number) if number >= captures.len() => {
                        return Err(error(format!("invalid group reference {number}")))
                    }
                    Ok(number) => captures.get(number),
                    Err(_) => captures.name(name),
                };
                out.push_str(found.map_or("", |found| found.as_str()));
            }
        }
    }
    Ok(())
}

/// re.sub(pattern, replacement, text, count): every match when `count` is 0.
pub fn sub(text: &str, pattern: &str, replacement: &str, count: usize) -> Result<String, Error> {
    let regex = Regex::new(&translate_pattern(pattern)).map_err(|e| error(e.to_string()))?;
    let pieces = parse_replacement(replacement)?;
    let limit = if count == 0 { usize::MAX } else { count };
    let (mut out, mut end) = (String::with_capacity(text.len()), 0);
    for captures in regex.captures_iter(text).take(limit) {
        let captures = captures.map_err(|e| error(e.to_string()))?;
        let whole = captures.get(0).expect("group 0 always matches");
        out.push_str(&text[end..whole.start()]);
        expand(&pieces, &captures, &mut out)?;
        end = whole.end();
    }
    out.push_str(&text[end..]);
    Ok(out)
}
