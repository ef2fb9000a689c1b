#include "core/eval/metrics.h"

namespace plumbline {

bool IsValidityMetric(absl::string_view metric) {
  return metric == kEmptyResponse || metric == kTruncated || metric == kExtractionFailure;
}

}  // namespace plumbline
