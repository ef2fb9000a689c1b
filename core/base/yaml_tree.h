// A YAML document as libyaml composes it: PyYAML's CSafeLoader, with which lm-eval reads its task
// files, is a shell around the same parser. What a plain scalar means is not decided here
// (core/base/yaml_scalar.h).
#ifndef PLUMBLINE_CORE_BASE_YAML_TREE_H_
#define PLUMBLINE_CORE_BASE_YAML_TREE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace plumbline {

inline constexpr int kMaxYamlDepth = 32;

struct YamlNode {
  enum Kind { kScalar, kList, kMap } kind = kScalar;
  int line = 1;
  std::string tag;     // as it is written, resolved; empty without one
  bool plain = false;  // kScalar: its type follows from its text
  std::string value;   // kScalar
  // Indices into YamlTree::nodes; of a map key, value, key, value. An alias has the index of what
  // it stands for, which may be a node around it.
  std::vector<size_t> children;
};

struct YamlTree {
  std::vector<YamlNode> nodes;  // the root first; empty: an empty document

  // InvalidArgument "<file>:<line>: ..." for what libyaml or PyYAML refuse, a second document, and
  // what is nested deeper than kMaxYamlDepth.
  static absl::StatusOr<YamlTree> Parse(absl::string_view text, absl::string_view file);
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_BASE_YAML_TREE_H_
