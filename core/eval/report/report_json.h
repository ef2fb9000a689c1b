// A report as one JSON object, the form `plumbline job report -o json` prints and the store keeps.
//
//   { "confidence": 0.95, "label_margin": 0.05, "complete": true, "baseline": 0,   // baseline:
//   index or null
//     "subjects": [ {"model", "adapter", "adapter_version", "nominal_target"} ],   // "" where
//     absent "tasks":    [ {"name", "version", "capability", "metrics": [...], "prompts",
//     "samples"} ], "coverage": [ {"subject", "task", "expected", "scored", "errors", "missing"} ],
//     "cells":    [ {"subject", "task", "metric", "primary", "validity", "value", "lower", "upper",
//     "trials",
//                    "prompts", "effective_n", "method", "samples": {...} or absent} ],
//     "deltas":   [ {"subject", "task", "metric", "primary", "validity", "baseline",
//     "subject_value", "value",
//                    "lower", "upper", "standard_error", "p", "p_holm", "pairs", "trials",
//                    "gained", "lost", "gained_keys", "lost_keys", "method"} ],
//     "labels":   [ {"subject", "nominal_target", "verdict", "reasons": [...],
//                    "drift": {"value", "lower", "upper", "on_target_gain", "off_target_gain",
//                              "on_target_tasks", "off_target_tasks"} or null} ] }
//
// "subject" and "task" are indices into "subjects" and "tasks". A number that has no data behind it
// is null, never 0. core/eval/report/report.h has the fields; new fields may be added, none changes
// meaning.
#ifndef PLUMBLINE_CORE_EVAL_REPORT_REPORT_JSON_H_
#define PLUMBLINE_CORE_EVAL_REPORT_REPORT_JSON_H_

#include <nlohmann/json.hpp>

#include "core/eval/report/report.h"

namespace plumbline {

nlohmann::ordered_json ReportToJson(const Report& report);

// A cell's "samples"; `plumbline check` prints them in the same form.
nlohmann::ordered_json SamplesToJson(const SampleStats& samples);

// One element of "deltas"; a history prints its steps in the same form.
nlohmann::ordered_json ReportDeltaToJson(const ReportDelta& delta);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_REPORT_REPORT_JSON_H_
