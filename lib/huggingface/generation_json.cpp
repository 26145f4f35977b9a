#include "lib/huggingface/generation_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>

#include "lib/base/errors.h"
#include "lib/formats/printable.h"

namespace precis {
namespace {

/// A key that changes texts and is not supported, and the number that means nothing (none: null
/// only; false counts as 0).
struct Unsupported {
  std::string_view key;
  std::optional<double> neutral = std::nullopt;
};
constexpr Unsupported kUnsupported[] = {
    {"bad_words_ids"},
    {"begin_suppress_tokens"},
    {"constraints"},
    {"diversity_penalty", 0},
    {"dola_layers"},
    {"encoder_no_repeat_ngram_size", 0},
    {"encoder_repetition_penalty", 1},
    {"epsilon_cutoff", 0},
    {"eta_cutoff", 0},
    {"exponential_decay_length_penalty"},
    {"force_words_ids"},
    {"forced_bos_token_id"},
    {"forced_eos_token_id"},
    {"guidance_scale", 1},
    {"max_length", 20},
    {"max_time"},
    {"min_length", 0},
    {"num_beam_groups", 1},
    {"num_return_sequences", 1},
    {"penalty_alpha", 0},
    {"remove_invalid_values", 0},
    {"renormalize_logits", 0},
    {"sequence_bias"},
    {"stop_strings"},
    {"suppress_tokens"},
    {"token_healing", 0},
    {"top_h"},
    {"typical_p", 1},
    {"watermarking_config"},
};

/// Keys that change no text of a GPT-2 here, and those that are read by themselves.
constexpr std::string_view kWithoutEffect[] = {"bos_token_id",
                                               "cache_config",
                                               "cache_implementation",
                                               "compile_config",
                                               "continuous_batching_config",
                                               "decoder_start_token_id",
                                               "disable_compile",
                                               "do_sample",
                                               "eos_token_id",
                                               "is_assistant",
                                               "low_memory",
                                               "max_cache_len",
                                               "max_matching_ngram_size",
                                               "num_assistant_tokens",
                                               "num_assistant_tokens_schedule",
                                               "pad_token_id",
                                               "prefill_chunk_size",
                                               "prompt_lookup_num_tokens",
                                               "return_dict_in_generate",
                                               "return_legacy_cache",
                                               "speculation_type",
                                               "target_lookbehind",
                                               "transformers_version",
                                               "use_cache",
                                               "use_mtp"};

bool has_no_effect(std::string_view key) {
  for (const std::string_view beginning : {"_", "output_", "assistant_"}) {
    if (key.starts_with(beginning)) return true;
  }
  return std::find(std::begin(kWithoutEffect), std::end(kWithoutEffect), key) !=
         std::end(kWithoutEffect);
}

/// The fields that transformers has, too.
Fields shared_fields(GenerationConfig& config) {
  Fields fields = config.fields();
  std::erase_if(fields, [](const Field& f) { return f.name == "seed" || f.name == "dtype"; });
  return fields;
}

const Value* find_set(const Value& json, std::string_view key) {
  const Value* value = json.find(key);
  return value == nullptr || value->is_none() ? nullptr : value;
}

bool is_neutral(const Value& value, const std::optional<double>& neutral) {
  const auto* list = value.get_if<Value::List>();
  if (value.is_none() || (list != nullptr && list->items.empty())) return true;
  return neutral.has_value() && value.number() == neutral;
}

/// The keys of a file that would change texts and are not supported.
std::vector<std::string> passed_over(const Value& json, bool names_unknown_keys) {
  GenerationConfig ours;
  const Fields fields = shared_fields(ours);
  std::vector<std::string> keys;
  const auto* dict = json.get_if<Value::Dict>();
  if (dict == nullptr) return keys;
  for (const DictItem& item : dict->items) {
    const std::string& key = std::get<std::string>(item.key);
    const auto known = std::find_if(std::begin(kUnsupported), std::end(kUnsupported),
                                    [&](const Unsupported& u) { return u.key == key; });
    const bool is_known = known != std::end(kUnsupported);
    const bool is_ours = std::ranges::any_of(fields, [&](const Field& f) { return f.name == key; });
    if (is_known ? is_neutral(item.value, known->neutral)
                 : is_ours || !names_unknown_keys || item.value.is_none() || has_no_effect(key))
      continue;
    // The one that does not count the prompt rules.
    if (key == "max_length" && find_set(json, "max_new_tokens") != nullptr) continue;
    if (key == "min_length" && find_set(json, "min_new_tokens") != nullptr) continue;
    keys.push_back(printable(key));
  }
  return keys;
}

std::optional<std::string> warning_of(const std::vector<std::string>& keys,
                                      const std::string& file) {
  if (keys.empty()) return std::nullopt;
  std::string all, length;
  for (const std::string& key : keys) {
    all += (all.empty() ? "" : ", ") + key;
    if (key == "max_length" || key == "min_length")
      length =
          " (max_length and min_length count the prompt: set generation.max_new_tokens and "
          "generation.min_new_tokens)";
  }
  return fmt::format("{}: passed over, as they are not supported: {}{}", file, all, length);
}

bool does_sample(const Value& json, const std::string& file) {
  const Value* value = find_set(json, "do_sample");
  if (value == nullptr) return false;
  if (const bool* flag = value->get_if<bool>()) return *flag;
  throw DataError(
      fmt::format("{}: do_sample: expected true or false, got {}", file, typed_text(*value)));
}

GenerationConfig read_config(const Value& json, const std::string& file) {
  GenerationConfig config;
  for (const Field& field : shared_fields(config)) {
    const Value* value = find_set(json, field.name);
    if (value == nullptr) continue;
    if (const std::string fault = assign(field, typed_text(*value)); !fault.empty())
      throw DataError(fmt::format("{}: {}: {}", file, field.name, fault));
  }
  constexpr int64_t kTopK = 50;  // transformers', where a file that samples does not say it
  if (!does_sample(json, file)) {
    config.temperature = 0;
    return config;
  }
  if (find_set(json, "temperature") == nullptr) config.temperature = 1;
  if (find_set(json, "top_k") == nullptr) config.top_k = kTopK;
  return config;
}

}  // namespace

FolderGeneration generation_of(const ImportedModel& folder) {
  const auto* said = folder.generation.get_if<Value::Dict>();
  const bool has_file = said != nullptr && !said->items.empty();
  const Value& json = has_file ? folder.generation : folder.config;
  const auto name_of = [&](const char* file) { return (folder.folder / file).string(); };
  const std::string file = name_of(has_file ? "generation_config.json" : "config.json");
  FolderGeneration result;
  result.config = read_config(json, file);
  if (const auto warning = warning_of(passed_over(json, has_file), file))
    result.warnings.push_back(*warning);
  const Value* ids = find_set(json, "eos_token_id");
  const bool in_file = ids != nullptr;
  if (!in_file) ids = find_set(folder.config, "eos_token_id");
  if (ids != nullptr)
    result.end_tokens =
        read_end_tokens(*ids, (in_file ? file : name_of("config.json")) + ": eos_token_id",
                        folder.shape->vocab_size, result.warnings);
  return result;
}

Value generation_json(const GenerationConfig& config) {
  Value json = Value::dict();
  json.set("max_new_tokens", config.max_new_tokens);
  json.set("do_sample", config.samples());
  if (config.samples()) {
    json.set("temperature", config.temperature);
    json.set("top_k", config.top_k);
    json.set("top_p", config.top_p);
    if (config.min_p > 0) json.set("min_p", config.min_p);
  }
  if (config.min_new_tokens > 0) json.set("min_new_tokens", config.min_new_tokens);
  if (config.num_beams > 1) {
    json.set("num_beams", config.num_beams);
    json.set("length_penalty", config.length_penalty);
    if (config.early_stopping == "never")
      json.set("early_stopping", config.early_stopping);
    else
      json.set("early_stopping", config.early_stopping == "true");
  }
  if (config.no_repeat_ngram_size > 0)
    json.set("no_repeat_ngram_size", config.no_repeat_ngram_size);
  if (config.repetition_penalty != 1) json.set("repetition_penalty", config.repetition_penalty);
  return json;
}

}  // namespace precis
