#include "core/eval/gate/gate_json.h"

namespace plumbline {

nlohmann::ordered_json GateResultToJson(const GateResult& result) {
  using Json = nlohmann::ordered_json;
  Json json = {{"policy", result.policy},
               {"status", std::string(GateStatusName(result.status))},
               {"reasons", result.reasons},
               {"subjects", Json::array()}};
  for (const SubjectGate& gate : result.subjects) {
    Json checks = Json::array();
    for (const GateCheck& check : gate.checks) {
      checks.push_back({{"rule", check.rule},
                        {"task", check.task >= 0 ? Json(check.task) : Json(nullptr)},
                        {"metric", check.metric},
                        {"status", std::string(GateStatusName(check.status))},
                        {"message", check.message}});
    }
    json["subjects"].push_back({{"subject", gate.subject},
                                {"status", std::string(GateStatusName(gate.status))},
                                {"checks", std::move(checks)}});
  }
  return json;
}

}  // namespace plumbline
