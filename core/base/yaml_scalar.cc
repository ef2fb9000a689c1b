#include "core/base/yaml_scalar.h"

#include <limits>
#include <optional>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "core/base/integer.h"
#include "re2/re2.h"

namespace plumbline {
namespace {

absl::Status Unwanted(absl::string_view text, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", text, "\" is ", what, " in YAML; put it in quotes if it is text"));
}

// 1:30:00; nothing beyond 64 bits.
std::optional<int64_t> Sexagesimal(bool negative, absl::string_view digits) {
  unsigned __int128 value = 0;
  const unsigned __int128 limit = (static_cast<unsigned __int128>(1) << 63) - (negative ? 0 : 1);
  for (absl::string_view part : absl::StrSplit(digits, ':')) {
    uint64_t number = 0;
    if (!absl::SimpleAtoi(part, &number)) return std::nullopt;
    value = value * 60 + number;
    if (value > limit) return std::nullopt;
  }
  return static_cast<int64_t>(negative ? -value : value);
}

}  // namespace

absl::StatusOr<PlainScalar> ResolvePlainScalar(absl::string_view text) {
  static const auto& nulls = *new std::set<absl::string_view>{"", "~", "null", "Null", "NULL"};
  static const auto& trues = *new std::set<absl::string_view>{"yes",  "Yes", "YES", "true", "True",
                                                              "TRUE", "on",  "On",  "ON"};
  static const auto& falses = *new std::set<absl::string_view>{
      "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"};
  // PyYAML's resolver.py, in its order.
  static const RE2& real =
      *new RE2("[-+]?[0-9][0-9_]*\\.[0-9_]*(?:[eE][-+][0-9]+)?|\\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?");
  static const RE2& real60 = *new RE2("[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\\.[0-9_]*");
  static const RE2& special = *new RE2("[-+]?\\.(?:inf|Inf|INF)|\\.(?:nan|NaN|NAN)");
  static const RE2& integer = *new RE2(
      "([-+]?)(?:0b([0-1_]+)|0x([0-9a-fA-F_]+)|(0[0-7_]+)|([1-9][0-9_]*(?::[0-5]?[0-9])+)|(0|[1-9]["
      "0-9_]*))");
  static const RE2& date = *new RE2(
      "[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ "
      "\\t]+)[0-9]{1,2}:[0-9]{2}:"
      "[0-9]{2}(?:\\.[0-9]*)?(?:[ \\t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?");
  const re2::StringPiece piece(text.data(), text.size());
  if (nulls.count(text) > 0) return PlainScalar();
  if (trues.count(text) > 0) return PlainScalar(true);
  if (falses.count(text) > 0) return PlainScalar(false);
  if (text == "<<" || text == "=") return Unwanted(text, "no plain value");
  if (RE2::FullMatch(piece, special)) return Unwanted(text, "no finite number");
  if (RE2::FullMatch(piece, real60)) return Unwanted(text, "a number to the base 60");
  if (RE2::FullMatch(piece, date)) return Unwanted(text, "a date");
  const std::string bare = absl::StrReplaceAll(text, {{"_", ""}});
  if (RE2::FullMatch(piece, real)) {
    double value = 0;
    if (!absl::SimpleAtod(bare, &value) || value > std::numeric_limits<double>::max() ||
        value < std::numeric_limits<double>::lowest()) {
      return Unwanted(text, "no finite number");
    }
    return PlainScalar(value);
  }
  std::string sign, binary, hex, octal, sexagesimal, decimal;
  if (!RE2::FullMatch(piece, integer, &sign, &binary, &hex, &octal, &sexagesimal, &decimal)) {
    return PlainScalar(std::string(text));
  }
  const std::string digits =
      absl::StrReplaceAll(absl::StrCat(binary, hex, octal, sexagesimal, decimal), {{"_", ""}});
  if (digits.empty()) return Unwanted(text, "a number without digits");
  const int base = !binary.empty() ? 2 : !hex.empty() ? 16 : !octal.empty() ? 8 : 10;
  const std::optional<int64_t> value =
      sexagesimal.empty() ? IntegerOf(sign == "-", digits, base) : Sexagesimal(sign == "-", digits);
  if (!value.has_value()) return Unwanted(text, "an integer beyond 64 bits");
  return PlainScalar(*value);
}

}  // namespace plumbline
