// Python's str, on UTF-8: the classes behind \w, \s and \d, isupper and islower, lower, strip,
// split and splitlines, as CPython 3.11 defines them. The tables are generated from CPython 3.11
// itself (Unicode 14.0; tests/oracle/text/make_python_unicode.py), not ICU's (Unicode 15.0 on
// Debian 12): the references that Plumbline must agree with run on that Python, and a table of our
// own does not change with a system library.
//
// Every function takes UTF-8. An ill-formed part counts as one U+FFFD, as bytes.decode("utf-8",
// "replace") does; functions that return text return well-formed text. Views point into the
// argument. All are thread-safe and linear.
#ifndef PLUMBLINE_CORE_TEXT_PYTHON_UNICODE_H_
#define PLUMBLINE_CORE_TEXT_PYTHON_UNICODE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace plumbline::python {

// -- UTF-8
// ---------------------------------------------------------------------------------------------

// The code point at text[*position] (U+FFFD for an ill-formed part); *position moves past it.
// Requires *position < text.size().
char32_t NextCodePoint(absl::string_view text, size_t* position);
// The code point that ends at text[*position - 1] of well-formed text; *position moves before it.
char32_t PreviousCodePoint(absl::string_view text, size_t* position);
void AppendUtf8(char32_t c, std::string* out);
bool IsWellFormed(absl::string_view text);
// How many bytes at the end begin a character that more bytes could still complete: 0 to 3.
size_t IncompleteSuffix(absl::string_view text);
// bytes.decode("utf-8", errors="replace").
std::string DecodeReplacing(absl::string_view bytes);
std::u32string ToCodePoints(absl::string_view text);
std::string ToUtf8(const std::u32string& code_points);
// len(text): code points.
size_t Length(absl::string_view text);
// text[begin:end] in code points, both >= 0 and clamped as Python clamps.
absl::string_view Slice(absl::string_view text, size_t begin, size_t end);

// -- Characters
// ----------------------------------------------------------------------------------------

bool IsWordChar(char32_t c);  // \w
bool IsSpace(char32_t c);     // \s, str.isspace
bool IsAlpha(char32_t c);
bool IsAlnum(char32_t c);
bool IsDecimal(char32_t c);  // \d, str.isdecimal
bool IsDigit(char32_t c);    // str.isdigit: superscripts too
bool IsNumeric(char32_t c);
bool IsUpper(char32_t c);
bool IsLower(char32_t c);
bool IsTitle(char32_t c);
bool IsPrintable(char32_t c);
bool IsLineBreak(char32_t c);  // where splitlines splits
// One character to one (re's idea of case), unlike Lower(text).
char32_t SimpleLower(char32_t c);
// Two characters match under re.IGNORECASE exactly when their keys are equal.
char32_t IgnoreCaseKey(char32_t c);

// -- Strings
// -------------------------------------------------------------------------------------------

bool IsUpper(
    absl::string_view text);  // str.isupper: some cased character, and none lower or title case
bool IsLower(absl::string_view text);
bool IsSpace(absl::string_view text);  // false for "", as the next four
bool IsAlpha(absl::string_view text);
bool IsAlnum(absl::string_view text);
bool IsDigit(absl::string_view text);
bool IsDecimal(absl::string_view text);

std::string Lower(
    absl::string_view text);  // full mapping: İ becomes two characters; Σ depends on its place
std::string Upper(absl::string_view text);
std::string CaseFold(absl::string_view text);
std::string Title(absl::string_view text);
std::string Capitalize(absl::string_view text);

// str.strip() and its halves; with `chars`, any of those characters.
absl::string_view Strip(absl::string_view text);
absl::string_view LeftStrip(absl::string_view text);
absl::string_view RightStrip(absl::string_view text);
absl::string_view Strip(absl::string_view text, absl::string_view chars);
absl::string_view LeftStrip(absl::string_view text, absl::string_view chars);
absl::string_view RightStrip(absl::string_view text, absl::string_view chars);

std::vector<absl::string_view> SplitLines(absl::string_view text);
std::vector<absl::string_view> SplitWhitespace(absl::string_view text);  // str.split()
// str.split(separator); `separator` is not empty.
std::vector<absl::string_view> Split(absl::string_view text, absl::string_view separator);

// len(re.findall(r"\w+", text)).
size_t CountWords(absl::string_view text);

}  // namespace plumbline::python

#endif  // PLUMBLINE_CORE_TEXT_PYTHON_UNICODE_H_
