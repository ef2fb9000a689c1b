// Every instruction of IFEval and IFBench with arguments that make it read the whole response, and
// the texts that are worst for it: for the growth test (a few sizes, in every run) and for
// tests/bench/hostile_bench.cc (10 MB, with the figures of docs/benchmarks.md).
#ifndef PLUMBLINE_TESTS_EVAL_HOSTILE_CHECKS_H_
#define PLUMBLINE_TESTS_EVAL_HOSTILE_CHECKS_H_

#include <time.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/eval/task_file.h"

namespace plumbline {

struct HostileCheck {
  std::string id;
  std::string kwargs;  // JSON
};

inline const std::vector<HostileCheck>& IfevalChecks() {
  static const auto& checks = *new std::vector<HostileCheck>{
      {"keywords:existence", R"({"keywords": ["zebra", "quagga"]})"},
      {"keywords:frequency", R"({"keyword": "word", "frequency": 900, "relation": "at least"})"},
      {"keywords:forbidden_words", R"({"forbidden_words": ["zebra", "quagga"]})"},
      {"keywords:letter_frequency",
       R"({"letter": "z", "let_frequency": 900, "let_relation": "at least"})"},
      {"language:response_language", R"({"language": "fi"})"},
      {"length_constraints:number_sentences",
       R"({"num_sentences": 900000000, "relation": "at least"})"},
      {"length_constraints:number_paragraphs", R"({"num_paragraphs": 900})"},
      {"length_constraints:number_words", R"({"num_words": 900000000, "relation": "at least"})"},
      {"length_constraints:nth_paragraph_first_word",
       R"({"num_paragraphs": 900, "nth_paragraph": 800, "first_word": "zebra"})"},
      {"detectable_content:number_placeholders", R"({"num_placeholders": 900000000})"},
      {"detectable_content:postscript", R"({"postscript_marker": "P.P.S"})"},
      {"detectable_format:number_bullet_lists", R"({"num_bullets": 900})"},
      {"detectable_format:number_highlighted_sections", R"({"num_highlights": 900000000})"},
      {"detectable_format:multiple_sections",
       R"({"section_spliter": "Section", "num_sections": 900000000})"},
      {"change_case:capital_word_frequency",
       R"({"capital_frequency": 900000000, "capital_relation": "at least"})"},
      {"combination:repeat_prompt", R"({"prompt_to_repeat": "Say it again."})"},
      {"startend:end_checker", R"({"end_phrase": "The end."})"},
      {"detectable_format:constrained_response", "{}"},
      {"detectable_format:json_format", "{}"},
      {"detectable_format:title", "{}"},
      {"combination:two_responses", "{}"},
      {"startend:quotation", "{}"},
      {"change_case:english_capital", "{}"},
      {"change_case:english_lowercase", "{}"},
      {"punctuation:no_comma", "{}"}};
  return checks;
}

inline const std::vector<HostileCheck>& IfbenchChecks() {
  static const auto& checks = *new std::vector<HostileCheck>{
      {"count:word_count_range", R"({"min_words": 5, "max_words": 9})"},
      {"count:unique_word_count", R"({"N": 900000000})"},
      {"count:person_names", R"({"N": 900000000})"},
      {"count:numbers", R"({"N": 900000000})"},
      {"count:pronouns", R"({"N": 900000000})"},
      {"count:words_japanese", R"({"N": 900000000})"},
      {"count:conjunctions", R"({"small_n": 900000000})"},
      {"words:repeats", R"({"small_n": 900000000})"},
      {"sentence:increment", R"({"small_n": 1})"},
      {"count:keywords_multiple",
       R"({"keyword1": "one", "keyword2": "two", "keyword3": "three", "keyword4": "four", "keyword5": "five"})"},
      {"ratio:stop_words", R"({"percentage": 50})"},
      {"ratio:overlap", R"({"reference_text": "A word and another word.", "percentage": 50})"},
      {"sentence:keyword", R"({"word": "zebra", "N": 90})"},
      {"words:keywords_specific_position", R"({"keyword": "zebra", "n": 1, "m": 1})"},
      {"words:words_position", R"({"keyword": "zebra"})"},
      {"format:options", R"({"options": "yes/no/maybe"})"},
      {"format:list", R"({"sep": "..."})"},
      {"repeat:repeat_change", R"({"prompt_to_repeat": "Say it again."})"},
      {"repeat:repeat_span", R"({"prompt_to_repeat": "Say it again.", "n_start": 1, "n_end": 2})"}};
  static const auto& all = *new std::vector<HostileCheck>([] {
    std::vector<HostileCheck> result = checks;
    for (const char* id : {"count:punctuation",
                           "ratio:sentence_type",
                           "ratio:sentence_balance",
                           "ratio:sentence_words",
                           "words:alphabet",
                           "words:consonants",
                           "words:last_first",
                           "words:no_consecutive",
                           "words:odd_even_syllables",
                           "words:palindrome",
                           "words:paragraph_last_first",
                           "words:prime_lengths",
                           "words:start_verb",
                           "words:vowel",
                           "sentence:alliteration_increment",
                           "format:emoji",
                           "format:line_indent",
                           "format:newline",
                           "format:no_bullets_bullets",
                           "format:no_whitespace",
                           "format:output_template",
                           "format:parentheses",
                           "format:quote_unquote",
                           "format:quotes",
                           "format:sub-bullets",
                           "format:thesis",
                           "format:title_case",
                           "custom:character_reverse",
                           "custom:csv_city",
                           "custom:csv_quotes",
                           "custom:csv_special_character",
                           "custom:date_format_list",
                           "custom:european_capitals_sort",
                           "custom:mcq_count_length",
                           "custom:multiples",
                           "custom:reverse_newline",
                           "custom:sentence_alphabet",
                           "custom:word_reverse",
                           "repeat:repeat_simple"}) {
      result.push_back({id, "{}"});
    }
    return result;
  }());
  return all;
}

// Filters, each as a pipeline of its own.
inline const std::vector<HostileCheck>& HostileFilters() {
  static const auto& filters = *new std::vector<HostileCheck>{
      {"regex:number",
       R"x([{function: regex, regex_pattern: "(-?[$0-9.,]{2,})|(-?[0-9]+)", group_select: -1}])x"},
      {"regex:answer",
       R"([{function: regex, regex_pattern: "The answer is (\\-?[0-9\\.\\,]+)."}])"},
      {"regex:to_the_end", R"([{function: regex, regex_pattern: "(?s)answer is (.*)$"}])"},
      {"regex:line", R"([{function: regex, regex_pattern: "(?m)^\\s*([A-D])\\s*$"}])"},
      {"remove_whitespace", "[{function: remove_whitespace}]"},
      {"lowercase", "[{function: lowercase}]"},
      {"uppercase", "[{function: uppercase}]"},
      {"map", R"([{function: map, mapping_dict: {a: b}, default_value: "x"}])"},
      {"multi_choice_regex",
       R"x([{function: multi_choice_regex, regex_pattern: "is ([A-B])", ignore_case: true, ignore_punctuation: true}])x"},
      {"majority_vote", "[{function: majority_vote}, {function: take_first}]"},
      {"take_first_k", "[{function: take_first_k, k: 2}, {function: take_first}]"},
      {"take_first", "[{function: take_first}]"}};
  return filters;
}

inline std::string RepeatedText(absl::string_view piece, size_t bytes) {
  std::string text;
  text.reserve(bytes + piece.size());
  while (text.size() < bytes) absl::StrAppend(&text, piece);
  return text;
}

struct HostileText {
  std::string name;
  std::string text;
};

inline std::vector<HostileText> HostileTexts(size_t bytes) {
  const auto text = [bytes](absl::string_view piece) { return RepeatedText(piece, bytes); };
  return {
      {"prose",
       text("This is a word. Is it another one, or \"the same\"? Dr. Ann saw 3 of them! ")},
      {"one line", text("word and word, ")},
      {"many lines", text("* a word\n\n- (b) word\n")},
      {"no spaces", text("a")},
      {"capitals", text("AB")},
      {"Unicode", text("日本語のテキスト。é👍🏽 naïve Ωmega ")},
      {"Thai", text("ตากลม")},
      {"NUL", std::string(bytes, '\0')},
      {"blanks", text(" \t")},
      {"line ends", text("\n")},
      {"carriage returns", text("a\r\n\r")},
      {"brackets", text("([{<<*_\"'")},
      {"digits", text("1,2.3/4-5 ")},
      {"not UTF-8", text("\xF0\x9F\xC3")},
  };
}

// An instruction task of one row with one instruction.
inline absl::StatusOr<Task> TaskOf(const HostileCheck& check) {
  const std::string row =
      absl::StrCat(R"({"key": 1, "prompt": "Say it again.", "instruction_id_list": [")", check.id,
                   R"("], "kwargs": [)", check.kwargs, "]}\n");
  return ParseIfevalTask(row, "t.jsonl", "t");
}

inline absl::StatusOr<Task> FilterTaskOf(const HostileCheck& filter) {
  TaskBundle bundle;
  bundle.file = "t.yaml";
  bundle.files["t.yaml"] = absl::StrCat(
      "dataset_path: json\ndataset_kwargs: {data_files: {test: t.jsonl}}\ntest_split: test\n"
      "doc_to_text: q\ndoc_to_target: a\nrepeats: 3\ngeneration_kwargs: {do_sample: true}\n"
      "filter_list: [{name: n, filter: ",
      filter.kwargs, "}]\nmetric_list: [{metric: exact_match, ignore_case: true, ",
      "ignore_punctuation: true, ignore_numbers: true, regexes_to_ignore: [',', '(?s).*#### "
      "']}]\n");
  bundle.files["t.jsonl"] = R"({"q": "2+2", "a": "4", "choices": ["4", "five word"]})";
  return ParseTask(bundle);
}

// Of this thread on a core: what else the machine does is not counted.
inline double CpuSecondsOf(const std::function<void()>& work) {
  const auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
  };
  const double start = now();
  work();
  return now() - start;
}

}  // namespace plumbline

#endif  // PLUMBLINE_TESTS_EVAL_HOSTILE_CHECKS_H_
