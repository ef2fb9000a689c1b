// Shims for what later abseil releases carry and Debian 12's (20220623) lacks, under upstream's
// names so that this file can be deleted later, and the one function that adds context to an error
// on its way up.
#ifndef PLUMBLINE_CORE_BASE_STATUS_MACROS_H_
#define PLUMBLINE_CORE_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace plumbline {

// Returns `status` with "<context>: " before its message; code and payloads are kept. OK stays OK.
absl::Status Annotate(const absl::Status& status, absl::string_view context);

}  // namespace plumbline

#ifndef ABSL_RETURN_IF_ERROR
// Returns from the enclosing function when `expr`, an absl::Status, is an error.
#define ABSL_RETURN_IF_ERROR(expr)                         \
  do {                                                     \
    absl::Status plumbline_status_ = (expr);               \
    if (!plumbline_status_.ok()) return plumbline_status_; \
  } while (false)
#endif

#ifndef ABSL_ASSIGN_OR_RETURN
#define PLUMBLINE_STATUS_CONCAT_INNER_(a, b) a##b
#define PLUMBLINE_STATUS_CONCAT_(a, b) PLUMBLINE_STATUS_CONCAT_INNER_(a, b)
#define PLUMBLINE_ASSIGN_OR_RETURN_IMPL_(tmp, lhs, expr) \
  auto tmp = (expr);                                     \
  if (!tmp.ok()) return std::move(tmp).status();         \
  lhs = *std::move(tmp)
// Evaluates `expr`, an absl::StatusOr<T>; assigns its value to `lhs` (which may declare a variable)
// or returns its error.
#define ABSL_ASSIGN_OR_RETURN(lhs, expr)                                                         \
  PLUMBLINE_ASSIGN_OR_RETURN_IMPL_(PLUMBLINE_STATUS_CONCAT_(plumbline_statusor_, __LINE__), lhs, \
                                   expr)
#endif

#endif  // PLUMBLINE_CORE_BASE_STATUS_MACROS_H_
