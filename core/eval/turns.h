// The responses of a multi-turn item where one text is wanted (a verdict's response, an export): a
// JSON array of strings, one a turn.
#ifndef PLUMBLINE_CORE_EVAL_TURNS_H_
#define PLUMBLINE_CORE_EVAL_TURNS_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace plumbline {

// Ill-formed UTF-8 becomes U+FFFD.
inline std::string EncodeTurns(const std::vector<std::string>& responses) {
  return nlohmann::json(responses).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_TURNS_H_
