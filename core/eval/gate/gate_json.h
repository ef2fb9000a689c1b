// A gate's result as one JSON object:
//
//   { "policy": name, "status": "PASS" | "FAIL" | "INCONCLUSIVE" | "UNSPECIFIED", "reasons": [...],
//     "subjects": [ {"subject": index, "status", "checks": [ {"rule", "task": index or null,
//     "metric", "status",
//                    "message"} ]} ] }
//
// Indices are those of the report it was made from.
#ifndef PLUMBLINE_CORE_EVAL_GATE_GATE_JSON_H_
#define PLUMBLINE_CORE_EVAL_GATE_GATE_JSON_H_

#include <nlohmann/json.hpp>

#include "core/eval/gate/gate.h"

namespace plumbline {

nlohmann::ordered_json GateResultToJson(const GateResult& result);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_GATE_GATE_JSON_H_
