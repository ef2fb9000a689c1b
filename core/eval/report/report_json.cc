#include "core/eval/report/report_json.h"

#include <cmath>

namespace plumbline {
namespace {

using Json = nlohmann::ordered_json;

Json Number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json Text(absl::string_view text) { return Json(std::string(text)); }

Json CellJson(const ReportCell& c) {
  Json json = {{"subject", c.subject},
               {"task", c.task},
               {"metric", c.metric},
               {"primary", c.primary},
               {"validity", c.validity},
               {"value", Number(c.value)},
               {"lower", Number(c.lower)},
               {"upper", Number(c.upper)},
               {"trials", c.trials},
               {"prompts", c.prompts},
               {"effective_n", Number(c.effective_n)},
               {"method", Text(IntervalMethodName(c.method))}};
  if (c.samples.has_value()) json["samples"] = SamplesToJson(*c.samples);
  return json;
}

Json LabelJson(const ReportLabel& l) {
  Json json = {{"subject", l.subject},
               {"nominal_target", l.nominal_target},
               {"verdict", Text(LabelVerdictName(l.verdict))},
               {"reasons", l.reasons},
               {"drift", nullptr}};
  if (l.drift.has_value()) {
    json["drift"] = {{"value", Number(l.drift->value)},
                     {"lower", Number(l.drift->lower)},
                     {"upper", Number(l.drift->upper)},
                     {"on_target_gain", Number(l.drift->on_target_gain)},
                     {"off_target_gain", Number(l.drift->off_target_gain)},
                     {"on_target_tasks", l.drift->on_target_tasks},
                     {"off_target_tasks", l.drift->off_target_tasks}};
  }
  return json;
}

}  // namespace

Json SamplesToJson(const SampleStats& samples) {
  Json json = {{"samples", samples.samples},
               {"prompts", samples.prompts},
               {"pass_at", samples.pass_at},
               {"majority", samples.majority},
               {"consistency", samples.consistency}};
  if (samples.voted.has_value()) json["voted"] = *samples.voted;
  return json;
}

Json ReportDeltaToJson(const ReportDelta& d) {
  return {{"subject", d.subject},
          {"task", d.task},
          {"metric", d.metric},
          {"primary", d.primary},
          {"validity", d.validity},
          {"baseline", Number(d.baseline)},
          {"subject_value", Number(d.subject_value)},
          {"value", Number(d.value)},
          {"lower", Number(d.lower)},
          {"upper", Number(d.upper)},
          {"standard_error", Number(d.standard_error)},
          {"p", d.pairs > 0 ? Number(d.p) : Json(nullptr)},
          {"p_holm", d.pairs > 0 ? Number(d.p_holm) : Json(nullptr)},
          {"pairs", d.pairs},
          {"trials", d.trials},
          {"gained", d.gained},
          {"lost", d.lost},
          {"gained_keys", d.gained_keys},
          {"lost_keys", d.lost_keys},
          {"method", Text(IntervalMethodName(d.method))}};
}

Json ReportToJson(const Report& report) {
  Json json = {{"confidence", report.options.confidence},
               {"label_margin", report.options.label_margin},
               {"complete", report.complete},
               {"baseline", report.baseline >= 0 ? Json(report.baseline) : Json(nullptr)},
               {"subjects", Json::array()},
               {"tasks", Json::array()},
               {"coverage", Json::array()},
               {"cells", Json::array()},
               {"deltas", Json::array()},
               {"labels", Json::array()}};
  for (const ReportSubject& s : report.subjects) {
    json["subjects"].push_back({{"model", s.model},
                                {"adapter", s.adapter},
                                {"adapter_version", s.adapter_version},
                                {"nominal_target", s.nominal_target}});
  }
  for (const ReportTask& t : report.tasks) {
    json["tasks"].push_back({{"name", t.name},
                             {"version", t.version},
                             {"capability", t.capability},
                             {"metrics", t.metrics},
                             {"prompts", t.prompts},
                             {"samples", t.samples}});
  }
  for (const ReportCoverage& c : report.coverage) {
    json["coverage"].push_back({{"subject", c.subject},
                                {"task", c.task},
                                {"expected", c.expected},
                                {"scored", c.scored},
                                {"errors", c.errors},
                                {"too_long", c.too_long},
                                {"missing", c.missing}});
  }
  for (const ReportCell& c : report.cells) json["cells"].push_back(CellJson(c));
  for (const ReportDelta& d : report.deltas) json["deltas"].push_back(ReportDeltaToJson(d));
  for (const ReportLabel& l : report.labels) json["labels"].push_back(LabelJson(l));
  return json;
}

}  // namespace plumbline
