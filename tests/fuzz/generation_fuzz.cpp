// Fuzz target: any bytes as generation_config.json, and as the config.json that stands in for it.
// Refused with a DataError fit for people, or settings that can be decoded with, whose warnings are
// text and which, written in transformers' words, are read as the same again.
#include <cmath>

#include "lib/base/errors.h"
#include "lib/base/utf8.h"
#include "lib/formats/json_value.h"
#include "lib/huggingface/generation_json.h"
#include "lib/model/gpt2/gpt2_shape.h"
#include "tests/fuzz/fuzz.h"

namespace precis {
namespace {

constexpr int32_t kVocabulary = 11;

ImportedModel folder_of(const Value& config, const Value& generation) {
  ImportedModel folder;
  folder.shape = Gpt2Shape().clone();
  folder.shape->vocab_size = kVocabulary;
  folder.folder = "/models/x";
  folder.config = config;
  folder.generation = generation;
  return folder;
}

void check_words(const std::string& words) {
  fuzz_require(is_utf8(words) && words.size() < 20'000, "words unfit for people");
}

void check_settings(const FolderGeneration& found) {
  const GenerationConfig& config = found.config;
  fuzz_require(config.max_new_tokens > 0 && config.num_beams > 0 && config.top_k >= 0,
               "counts that nothing can be decoded with");
  fuzz_require(std::isfinite(config.temperature) && config.temperature >= 0 && config.top_p >= 0 &&
                   config.top_p <= 1 && config.repetition_penalty > 0,
               "numbers that nothing can be decoded with");
  for (const int32_t token : found.end_tokens)
    fuzz_require(token >= 0 && token < kVocabulary, "an end that is no token");
  for (const std::string& warning : found.warnings) check_words(warning);
  // What plays no part, as top_k where the text is greedy, is not written.
  const Value written = generation_json(found.config);
  const FolderGeneration again = generation_of(folder_of(Value::dict(), written));
  fuzz_require(to_json(generation_json(again.config)) == to_json(written),
               "settings that are others when saved");
}

void read_and_check(const Value& config, const Value& generation) {
  try {
    check_settings(generation_of(folder_of(config, generation)));
  } catch (const DataError& error) {
    check_words(error.what());
    fuzz_require(std::string(error.what()).find("/models/x/") != std::string::npos,
                 "a message that does not name the file");
  }
}

}  // namespace

const std::vector<std::string>& fuzz_seeds() {
  static const std::vector<std::string> seeds = {
      R"({"max_new_tokens": 30, "min_new_tokens": 2, "do_sample": true, "temperature": 0.7,
          "top_k": 9, "top_p": 0.8, "min_p": 0.05, "num_beams": 1, "repetition_penalty": 1.25,
          "no_repeat_ngram_size": 3, "eos_token_id": [3, 10], "transformers_version": "5.24.0"})",
      R"({"num_beams": 4, "length_penalty": -0.5, "early_stopping": "never", "eos_token_id": 10})",
      R"({"eos_token_id": null, "early_stopping": true, "max_length": 20, "typical_p": 0.5,
          "task_specific_params": {"text-generation": {"do_sample": true, "max_length": 50}}})",
      R"({"top_k": null, "temperature": 1e308, "top_p": 1.0, "max_new_tokens": 9223372036854775807})",
      R"({"bad_words_ids": [[1, 2]], "forced_eos_token_id": 4, "num_beam_groups": 2})",
      "{}",
      "[]"};
  return seeds;
}

}  // namespace precis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  precis::Value value;
  try {
    value = precis::parse_json(bytes, "/models/x/generation_config.json");
  } catch (const precis::DataError&) {
    return 0;  // json_value's own messages are those of other targets as well
  }
  precis::read_and_check(precis::Value::dict(), value);
  precis::read_and_check(value, precis::Value::dict());
  return 0;
}
