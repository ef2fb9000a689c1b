#include "core/eval/ifeval/kwargs.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace plumbline::ifeval {
namespace {

// What Python's truth test drops: the reference ignores such arguments.
bool IsFalsy(const nlohmann::json& value) {
  if (value.is_null()) return true;
  if (value.is_boolean()) return !value.get<bool>();
  if (value.is_number()) return value.get<double>() == 0;
  if (value.is_string()) return value.get_ref<const std::string&>().empty();
  return value.empty();
}

absl::StatusOr<int64_t> ReadWhole(absl::string_view name, const nlohmann::json& value,
                                  int64_t least) {
  double number = 0;
  if (value.is_number()) number = value.get<double>();
  if (!value.is_number() || number != std::floor(number) || number < static_cast<double>(least) ||
      number > 1e15) {
    return absl::InvalidArgumentError(absl::StrCat("argument \"", name, "\" is ",
                                                   value.dump(-1, ' ', true),
                                                   ", want a whole number of at least ", least));
  }
  return static_cast<int64_t>(number);
}

}  // namespace

absl::StatusOr<const nlohmann::json*> Kwargs::FindGiven(absl::string_view name) {
  read_.insert(std::string(name));
  const auto found = object_.find(std::string(name));
  if (found == object_.end() || found->is_null()) {
    return absl::InvalidArgumentError(absl::StrCat("argument \"", name, "\" is missing"));
  }
  return &*found;
}

absl::StatusOr<const nlohmann::json*> Kwargs::Find(absl::string_view name) {
  ABSL_ASSIGN_OR_RETURN(const nlohmann::json* value, FindGiven(name));
  if (IsFalsy(*value)) {
    return absl::InvalidArgumentError(
        absl::StrCat("argument \"", name, "\" is ", value->dump(),
                     ", which the reference takes as missing and replaces by a random value"));
  }
  return value;
}

absl::StatusOr<int64_t> Kwargs::Count(absl::string_view name) {
  ABSL_ASSIGN_OR_RETURN(const nlohmann::json* value, Find(name));
  return ReadWhole(name, *value, 1);
}

absl::StatusOr<int64_t> Kwargs::Whole(absl::string_view name, int64_t least) {
  ABSL_ASSIGN_OR_RETURN(const nlohmann::json* value, FindGiven(name));
  return ReadWhole(name, *value, least);
}

absl::StatusOr<double> Kwargs::NonNegative(absl::string_view name) {
  ABSL_ASSIGN_OR_RETURN(const nlohmann::json* value, FindGiven(name));
  if (!value->is_number() || !(value->get<double>() >= 0)) {
    return absl::InvalidArgumentError(absl::StrCat("argument \"", name, "\" is ",
                                                   value->dump(-1, ' ', true),
                                                   ", want a number of at least 0"));
  }
  return value->get<double>();
}

absl::StatusOr<std::string> Kwargs::String(absl::string_view name) {
  ABSL_ASSIGN_OR_RETURN(const nlohmann::json* value, Find(name));
  if (!value->is_string()) {
    return absl::InvalidArgumentError(
        absl::StrCat("argument \"", name, "\" is ", value->dump(-1, ' ', true), ", want a string"));
  }
  return value->get<std::string>();
}

absl::StatusOr<std::vector<std::string>> Kwargs::Strings(absl::string_view name) {
  ABSL_ASSIGN_OR_RETURN(const nlohmann::json* value, Find(name));
  bool fine = value->is_array();
  if (fine) {
    for (const nlohmann::json& element : *value) fine = fine && element.is_string();
  }
  if (!fine) {
    return absl::InvalidArgumentError(absl::StrCat(
        "argument \"", name, "\" is ", value->dump(-1, ' ', true), ", want a list of strings"));
  }
  return value->get<std::vector<std::string>>();
}

absl::StatusOr<Bound> Kwargs::ReadBound(absl::string_view count_name,
                                        absl::string_view relation_name) {
  Bound bound;
  ABSL_ASSIGN_OR_RETURN(bound.threshold, Count(count_name));
  ABSL_ASSIGN_OR_RETURN(std::string relation, String(relation_name));
  if (relation != "less than" && relation != "at least") {
    return absl::InvalidArgumentError(absl::StrCat("argument \"", relation_name, "\" is \"",
                                                   relation,
                                                   "\", want \"less than\" or \"at least\""));
  }
  bound.less_than = relation == "less than";
  return bound;
}

absl::Status Kwargs::Finish() const {
  for (const auto& [name, value] : object_.items()) {
    if (read_.count(name) > 0 || IsFalsy(value)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("argument \"", name, "\" is not one of this instruction's"));
  }
  return absl::OkStatus();
}

}  // namespace plumbline::ifeval
