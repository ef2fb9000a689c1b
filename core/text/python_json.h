// Would Python's json.loads take this text? A validator of its own, because Python's JSON is
// neither RFC 8259 nor any C++ library's: NaN, Infinity and -Infinity are values, duplicate keys
// and lone surrogate escapes are fine, an integer of more than 4,300 digits is a ValueError, and
// only four characters are whitespace.
#ifndef PLUMBLINE_CORE_TEXT_PYTHON_JSON_H_
#define PLUMBLINE_CORE_TEXT_PYTHON_JSON_H_

#include "absl/strings/string_view.h"

namespace plumbline {

enum class PythonJson {
  kAccepted,
  kValueError,      // JSONDecodeError, or an integer too long to convert
  kRecursionError,  // nested deeper than kPythonJsonMaxDepth: not a ValueError, so a checker that
                    // catches ValueError only ends with an exception
};

// Python 3.11 gives up at a nesting that depends on how deep its own stack already is: about 990
// under a script. Ours is fixed.
inline constexpr int kPythonJsonMaxDepth = 990;

// What json.loads(text) does. `text` is UTF-8 as Python's str would hold it (a BOM in front is
// refused, as Python does). Thread-safe, linear time, bounded stack.
PythonJson PythonJsonLoads(absl::string_view text);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_TEXT_PYTHON_JSON_H_
