// Small jobs and verdicts for the tests of the stores.
#ifndef PLUMBLINE_TESTS_JOBS_JOB_FIXTURES_H_
#define PLUMBLINE_TESTS_JOBS_JOB_FIXTURES_H_

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/jobs/job_store.h"

namespace plumbline {

// Base and one adapter, one task of `items` prompts.
inline Job NewJob(const std::string& request_id, int items = 4, int samples = 1) {
  Job job;
  job.request_id = request_id;
  job.spec.model = "tiny";
  job.spec.adapters = {"math"};
  job.spec.tasks = {"sums"};
  job.subjects = {{"", "", "", {"cpu", "float32", "batch_invariant"}},
                  {"math", std::string(64, 'a'), "numeric", {"cpu", "float32", "batch_invariant"}}};
  job.tasks = {{"sums", std::string(64, 'b'), "numeric", {"exact_match"}, items, samples}};
  return job;
}

inline Verdict NewVerdict(const Lease& lease, int item, int sample = 0) {
  Verdict v;
  v.subject = lease.unit.subject;
  v.task = lease.unit.task;
  v.item = item;
  v.sample = sample;
  v.key = absl::StrCat("k", item);
  v.response = absl::StrCat("response of ", lease.unit.subject, " to ", item);
  v.completion_tokens = 3;
  v.observations = {{"exact_match", 1, 1}};
  v.passed = true;
  v.checker_version = "fake/1";
  v.numerics = {"cpu", "float32", "batch_invariant"};
  return v;
}

// Every verdict of the unit.
inline LeasedVerdicts AllOf(const Lease& lease) {
  LeasedVerdicts leased{lease, {}};
  for (int item = lease.first_item; item < lease.first_item + lease.items; ++item) {
    for (int sample = 0; sample < lease.samples; ++sample) {
      leased.verdicts.push_back(NewVerdict(lease, item, sample));
    }
  }
  return leased;
}

}  // namespace plumbline

#endif  // PLUMBLINE_TESTS_JOBS_JOB_FIXTURES_H_
