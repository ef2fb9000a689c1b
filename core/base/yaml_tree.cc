#include "core/base/yaml_tree.h"

#include <yaml.h>

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"

namespace plumbline {
namespace {

std::string Text(const yaml_char_t* text) {
  return text == nullptr ? "" : std::string(reinterpret_cast<const char*>(text));
}

class Composer {
 public:
  Composer(absl::string_view text, absl::string_view file) : text_(text), file_(file) {
    initialized_ = yaml_parser_initialize(&parser_) != 0;
    if (!initialized_) return;
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
  }
  ~Composer() {
    yaml_event_delete(&event_);
    if (initialized_) yaml_parser_delete(&parser_);
  }
  Composer(const Composer&) = delete;
  Composer& operator=(const Composer&) = delete;

  absl::StatusOr<YamlTree> Run() {
    if (!initialized_) return absl::ResourceExhaustedError("no memory for the YAML parser");
    ABSL_RETURN_IF_ERROR(Advance());  // the stream's start
    ABSL_RETURN_IF_ERROR(Advance());
    if (event_.type == YAML_STREAM_END_EVENT) return std::move(tree_);
    ABSL_RETURN_IF_ERROR(Advance());  // behind the document's start
    ABSL_RETURN_IF_ERROR(Compose(0).status());
    ABSL_RETURN_IF_ERROR(Advance());  // behind the document's end
    if (event_.type != YAML_STREAM_END_EVENT) return Error(Line(), "a second document (---)");
    return std::move(tree_);
  }

 private:
  int Line() const { return static_cast<int>(event_.start_mark.line) + 1; }
  absl::Status Error(int line, absl::string_view message) const {
    return absl::InvalidArgumentError(absl::StrCat(file_, ":", line, ": ", message));
  }

  absl::Status Advance() {
    yaml_event_delete(&event_);
    event_ = {};
    if (yaml_parser_parse(&parser_, &event_) != 0) return absl::OkStatus();
    if (parser_.error == YAML_READER_ERROR) return ReaderError();
    if (parser_.error == YAML_MEMORY_ERROR) {
      return absl::ResourceExhaustedError(absl::StrCat(file_, ": no memory for the YAML parser"));
    }
    std::string message = absl::StrCat("not YAML: ", parser_.problem);
    if (parser_.context != nullptr) {
      absl::StrAppend(&message, ", ", parser_.context, " in line ", parser_.context_mark.line + 1);
    }
    return Error(static_cast<int>(parser_.problem_mark.line) + 1, message);
  }

  // A byte that is no UTF-8, or a control character.
  absl::Status ReaderError() const {
    const absl::string_view before = text_.substr(0, parser_.problem_offset);
    const int line = 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n'));
    if (absl::string_view(parser_.problem) != "control characters are not allowed") {
      return Error(line, absl::StrCat("not UTF-8: ", parser_.problem));
    }
    const auto code = absl::Hex(parser_.problem_value, absl::kZeroPad4);
    return Error(line, absl::StrCat("the character U+", code,
                                    " cannot stand here; write it in double quotes as \\u", code));
  }

  // The node that begins with the current event; ends at the event behind it.
  absl::StatusOr<size_t> Compose(int depth) {
    const int line = Line();
    if (depth > kMaxYamlDepth) {
      return Error(line, absl::StrCat("nested deeper than ", kMaxYamlDepth));
    }
    if (event_.type == YAML_ALIAS_EVENT) {
      const std::string name = Text(event_.data.alias.anchor);
      const auto found = anchors_.find(name);
      if (found == anchors_.end()) {
        return Error(line, absl::StrCat("not YAML: the anchor of *", name, " is missing"));
      }
      ABSL_RETURN_IF_ERROR(Advance());
      return found->second;
    }
    const size_t index = tree_.nodes.size();
    tree_.nodes.emplace_back();
    YamlNode node;
    node.line = line;
    yaml_event_type_t end = YAML_NO_EVENT;
    std::string anchor;
    if (event_.type == YAML_SCALAR_EVENT) {
      const auto& scalar = event_.data.scalar;
      anchor = Text(scalar.anchor);
      node.tag = Text(scalar.tag);
      node.plain = scalar.plain_implicit != 0;
      node.value.assign(reinterpret_cast<const char*>(scalar.value), scalar.length);
    } else if (event_.type == YAML_SEQUENCE_START_EVENT) {
      node.kind = YamlNode::kList;
      anchor = Text(event_.data.sequence_start.anchor);
      node.tag = Text(event_.data.sequence_start.tag);
      end = YAML_SEQUENCE_END_EVENT;
    } else {
      node.kind = YamlNode::kMap;
      anchor = Text(event_.data.mapping_start.anchor);
      node.tag = Text(event_.data.mapping_start.tag);
      end = YAML_MAPPING_END_EVENT;
    }
    if (node.tag == "!") node.tag.clear();
    if (!anchor.empty() && !anchors_.emplace(anchor, index).second) {
      return Error(line, absl::StrCat("not YAML: the anchor &", anchor, " is there twice"));
    }
    ABSL_RETURN_IF_ERROR(Advance());
    while (end != YAML_NO_EVENT && event_.type != end) {
      ABSL_ASSIGN_OR_RETURN(const size_t child, Compose(depth + 1));
      node.children.push_back(child);
    }
    if (end != YAML_NO_EVENT) ABSL_RETURN_IF_ERROR(Advance());
    tree_.nodes[index] = std::move(node);
    return index;
  }

  const absl::string_view text_, file_;
  yaml_parser_t parser_ = {};
  yaml_event_t event_ = {};
  bool initialized_ = false;
  YamlTree tree_;
  std::map<std::string, size_t> anchors_;
};

}  // namespace

absl::StatusOr<YamlTree> YamlTree::Parse(absl::string_view text, absl::string_view file) {
  absl::ConsumePrefix(&text, "\xEF\xBB\xBF");  // libyaml 0.2.5 takes it for a column
  return Composer(text, file).Run();
}

}  // namespace plumbline
