// The file, little-endian; offsets are from its beginning, those inside a CQDB from the CQDB's:
//
//   header  "lCRF" size:u32 "FOMC" version:u32 0:u32 labels:u32 attributes:u32,
//           then the offsets of FEAT, labels, attributes, label references, attribute references
//   FEAT    "FEAT" size:u32 n:u32, then n features {type:u32 from:u32 to:u32 weight:f64}; of type 0
//           `from` is an attribute, of type 1 a label
//   CQDB    "CQDB" size:u32 flag:u32 byte order:u32 n:u32 backward:u32; at `backward` n offsets of
//           {id:u32, length with NUL:u32, name, NUL}, by id. (Its hash tables are not used here.)
//   LFRF, AFRF  "LFRF" size:u32 n:u32, then n offsets, by label or attribute, of {n:u32, n indices
//           of features}
#include "core/text/crf_model.h"

#include <bit>
#include <cstring>
#include <limits>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace plumbline {
namespace {

static_assert(std::endian::native == std::endian::little);

absl::Status Broken(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("no CRFsuite model: ", what));
}

// Reads within the file; a read beyond it gives 0 and is remembered.
class Reader {
 public:
  explicit Reader(absl::string_view bytes) : bytes_(bytes) {}

  template <typename T>
  T Read(size_t at) {
    T value = 0;
    if (at > bytes_.size() || bytes_.size() - at < sizeof(T)) {
      failed_ = true;
    } else {
      std::memcpy(&value, bytes_.data() + at, sizeof(T));
    }
    return value;
  }
  uint32_t ReadU32(size_t at) { return Read<uint32_t>(at); }

  absl::string_view Text(size_t at, size_t size) {
    if (at <= bytes_.size() && bytes_.size() - at >= size) return bytes_.substr(at, size);
    failed_ = true;
    return "";
  }
  bool failed() const { return failed_; }

 private:
  const absl::string_view bytes_;
  bool failed_ = false;
};

// The names of a CQDB, by id.
absl::StatusOr<std::vector<absl::string_view>> ReadNames(Reader& reader, size_t at, size_t want) {
  if (reader.Text(at, 4) != "CQDB" || reader.ReadU32(at + 16) != want) {
    return Broken("a list of names is not where it should be");
  }
  const size_t backward = at + reader.ReadU32(at + 20);
  std::vector<absl::string_view> names;
  for (size_t id = 0; id < want && !reader.failed(); ++id) {
    const size_t record = at + reader.ReadU32(backward + 4 * id);
    const size_t size = reader.ReadU32(record + 4);
    if (size == 0 || reader.ReadU32(record) != id) return Broken("a name is out of order");
    names.push_back(reader.Text(record + 8, size - 1));
  }
  return names;
}

struct Feature {
  uint32_t type = 0, from = 0, to = 0;
  double weight = 0;
};

// The features that a table of references lists for one label or attribute.
std::vector<Feature> ReadFeatures(Reader& reader, size_t features, size_t table, size_t id) {
  std::vector<Feature> read;
  const size_t list = reader.ReadU32(table + 12 + 4 * id);
  const size_t n = reader.ReadU32(list);
  for (size_t i = 0; i < n && !reader.failed(); ++i) {
    const size_t at = features + 12 + 20 * size_t{reader.ReadU32(list + 4 + 4 * i)};
    read.push_back({reader.ReadU32(at), reader.ReadU32(at + 4), reader.ReadU32(at + 8),
                    reader.Read<double>(at + 12)});
  }
  return read;
}

}  // namespace

absl::StatusOr<CrfModel> CrfModel::Parse(absl::string_view bytes) {
  Reader reader(bytes);
  if (reader.Text(0, 4) != "lCRF" || reader.Text(8, 4) != "FOMC") {
    return Broken("it does not begin with lCRF and FOMC");
  }
  const size_t labels = reader.ReadU32(20);
  const size_t attributes = reader.ReadU32(24);
  const size_t features = reader.ReadU32(28);
  CrfModel model;
  ABSL_ASSIGN_OR_RETURN(model.labels_, ReadNames(reader, reader.ReadU32(32), labels));
  ABSL_ASSIGN_OR_RETURN(const std::vector<absl::string_view> names,
                        ReadNames(reader, reader.ReadU32(36), attributes));
  if (labels == 0 || reader.failed()) return Broken("it is cut off");
  model.transitions_.resize(labels * labels);
  for (size_t from = 0; from < labels; ++from) {
    for (const Feature& f : ReadFeatures(reader, features, reader.ReadU32(40), from)) {
      if (f.to >= labels) return Broken("a transition to a label that is none");
      model.transitions_[from * labels + f.to] = f.weight;
    }
  }
  for (size_t id = 0; id < attributes && !reader.failed(); ++id) {
    model.attributes_.emplace(names[id], static_cast<int>(id));
    model.first_weight_.push_back(static_cast<uint32_t>(model.weights_.size()));
    for (const Feature& f : ReadFeatures(reader, features, reader.ReadU32(44), id)) {
      if (f.to >= labels) return Broken("an attribute of a label that is none");
      model.weights_.push_back({static_cast<int>(f.to), f.weight});
    }
  }
  model.first_weight_.push_back(static_cast<uint32_t>(model.weights_.size()));
  if (reader.failed()) return Broken("it is cut off");
  return model;
}

int CrfModel::Label(absl::string_view name) const {
  for (size_t i = 0; i < labels_.size(); ++i) {
    if (labels_[i] == name) return static_cast<int>(i);
  }
  return kNone;
}

int CrfModel::Attribute(absl::string_view name) const {
  const auto found = attributes_.find(name);
  return found == attributes_.end() ? kNone : found->second;
}

void CrfModel::AddScores(int attribute, absl::Span<double> scores) const {
  if (attribute == kNone) return;
  const auto id = static_cast<size_t>(attribute);
  for (size_t i = first_weight_[id]; i < first_weight_[id + 1]; ++i) {
    scores[static_cast<size_t>(weights_[i].label)] += weights_[i].weight;
  }
}

// Viterbi. Of equal ways the one by the first label counts, as in CRFsuite.
std::vector<int> CrfModel::Decode(absl::Span<const double> scores) const {
  const size_t labels = labels_.size();
  const size_t length = scores.size() / labels;
  if (length == 0) return {};
  std::vector<double> best(scores.begin(), scores.begin() + static_cast<std::ptrdiff_t>(labels));
  std::vector<double> next(labels);
  std::vector<int> from(length * labels);  // [T, L], the best label before each
  for (size_t t = 1; t < length; ++t) {
    for (size_t to = 0; to < labels; ++to) {
      next[to] = -std::numeric_limits<double>::max();
      for (size_t i = 0; i < labels; ++i) {
        const double score = best[i] + transitions_[i * labels + to];
        if (score <= next[to]) continue;
        next[to] = score;
        from[t * labels + to] = static_cast<int>(i);
      }
      next[to] += scores[t * labels + to];
    }
    best.swap(next);
  }
  std::vector<int> way(length);
  for (size_t i = 1; i < labels; ++i) {
    if (best[i] > best[static_cast<size_t>(way.back())]) way.back() = static_cast<int>(i);
  }
  for (size_t t = length - 1; t > 0; --t) {
    way[t - 1] = from[t * labels + static_cast<size_t>(way[t])];
  }
  return way;
}

}  // namespace plumbline
