#include "core/jobs/job_json.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"

namespace plumbline {
namespace {

using Json = nlohmann::json;

// Invalid UTF-8 becomes U+FFFD: a column must be readable again. Infinities become null.
std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Parses and converts; every exception of the library ends here.
template <typename T, typename Convert>
absl::StatusOr<T> Parse(absl::string_view text, const char* what, Convert convert) {
  try {
    return convert(Json::parse(text.begin(), text.end()));
  } catch (const Json::exception& error) {
    return absl::DataLossError(absl::StrCat("stored ", what, " is not readable: ", error.what(),
                                            ": ", text.substr(0, 80)));
  }
}

double Number(const Json& json) {
  return json.is_null() ? -std::numeric_limits<double>::infinity() : json.get<double>();
}

}  // namespace

std::string JobSpecToJson(const JobSpec& spec) {
  Json json = {{"model", spec.model},
               {"adapters", spec.adapters},
               {"tasks", spec.tasks},
               {"gate_policy", spec.gate_policy},
               {"labels", spec.labels},
               {"priority", spec.priority},
               {"display_name", spec.display_name}};
  if (spec.sample_limit.has_value()) json["limit"] = *spec.sample_limit;
  if (spec.seed.has_value()) json["seed"] = *spec.seed;
  return Dump(json);
}

absl::StatusOr<JobSpec> JobSpecFromJson(absl::string_view text) {
  return Parse<JobSpec>(text, "job spec", [](const Json& json) {
    JobSpec spec;
    spec.model = json.at("model").get<std::string>();
    spec.adapters = json.at("adapters").get<std::vector<std::string>>();
    spec.tasks = json.at("tasks").get<std::vector<std::string>>();
    spec.gate_policy = json.at("gate_policy").get<std::string>();
    spec.labels = json.at("labels").get<std::map<std::string, std::string>>();
    spec.priority = json.at("priority").get<int>();
    spec.display_name = json.at("display_name").get<std::string>();
    if (json.contains("limit")) spec.sample_limit = json["limit"].get<int>();
    if (json.contains("seed")) spec.seed = json["seed"].get<uint64_t>();
    return spec;
  });
}

std::string ObservationsToJson(const std::vector<Observation>& observations) {
  Json json = Json::array();
  for (const Observation& o : observations) {
    Json row = Json::array({o.metric, o.successes, o.trials});
    if (o.among > 0) {
      row.push_back(o.among);
      row.push_back(o.vote);
    }
    json.push_back(std::move(row));
  }
  return Dump(json);
}

absl::StatusOr<std::vector<Observation>> ObservationsFromJson(absl::string_view text) {
  return Parse<std::vector<Observation>>(text, "observations", [](const Json& json) {
    std::vector<Observation> observations;
    observations.reserve(json.size());
    for (const Json& row : json) {
      observations.push_back(
          {row.at(0).get<std::string>(), row.at(1).get<double>(), row.at(2).get<int>()});
      if (row.size() < 5) continue;
      observations.back().among = row[3].get<int>();
      observations.back().vote = row[4].get<std::string>();
    }
    return observations;
  });
}

std::string OutcomesToJson(const std::vector<CheckOutcome>& outcomes) {
  Json json = Json::array();
  for (const CheckOutcome& o : outcomes) {
    std::string flags;
    for (bool flag : {o.strict, o.loose, o.strict_fixed, o.loose_fixed}) {
      flags += flag ? '1' : '0';
    }
    json.push_back(Json::array({o.id, flags, o.explanation}));
  }
  return Dump(json);
}

absl::StatusOr<std::vector<CheckOutcome>> OutcomesFromJson(absl::string_view text) {
  return Parse<std::vector<CheckOutcome>>(text, "check outcomes", [](const Json& json) {
    std::vector<CheckOutcome> outcomes;
    outcomes.reserve(json.size());
    for (const Json& row : json) {
      std::string flags = row.at(1).get<std::string>();
      flags.resize(4, '0');
      outcomes.push_back({row.at(0).get<std::string>(), flags[0] == '1', flags[1] == '1',
                          flags[2] == '1', flags[3] == '1', row.at(2).get<std::string>()});
    }
    return outcomes;
  });
}

std::string ChoicesToJson(const std::vector<LogLikelihood>& choices) {
  Json json = Json::array();
  for (const LogLikelihood& c : choices) {
    json.push_back(Json::array({c.sum, c.is_greedy, c.tokens}));
  }
  return Dump(json);
}

absl::StatusOr<std::vector<LogLikelihood>> ChoicesFromJson(absl::string_view text) {
  return Parse<std::vector<LogLikelihood>>(text, "choices", [](const Json& json) {
    std::vector<LogLikelihood> choices;
    choices.reserve(json.size());
    for (const Json& row : json) {
      choices.push_back({Number(row.at(0)), row.at(1).get<bool>(), row.at(2).get<int>()});
    }
    return choices;
  });
}

std::string GateToJson(const JobGate& gate) {
  if (gate.status == GateStatus::kUnspecified && gate.reasons.empty()) return "{}";
  return Dump({{"status", static_cast<int>(gate.status)}, {"reasons", gate.reasons}});
}

absl::StatusOr<JobGate> GateFromJson(absl::string_view text) {
  return Parse<JobGate>(text, "gate", [](const Json& json) {
    JobGate gate;
    if (json.empty()) return gate;
    gate.status = static_cast<GateStatus>(json.at("status").get<int>());
    gate.reasons = json.at("reasons").get<std::vector<std::string>>();
    return gate;
  });
}

std::string StringsToJson(const std::vector<std::string>& strings) { return Dump(Json(strings)); }

absl::StatusOr<std::vector<std::string>> StringsFromJson(absl::string_view text) {
  return Parse<std::vector<std::string>>(
      text, "list", [](const Json& json) { return json.get<std::vector<std::string>>(); });
}

}  // namespace plumbline
