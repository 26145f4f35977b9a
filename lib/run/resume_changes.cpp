#include "lib/run/resume_changes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <string_view>

#include "lib/base/errors.h"
#include "lib/config/describe.h"
#include "lib/text/bpe_tokenizer.h"

namespace precis {
namespace {

namespace fs = std::filesystem;

// These say where and what, not how; init_from is not looked at, which is said elsewhere.
constexpr std::array<std::string_view, 4> kNotCompared{"run.out_dir", "run.resume", "run.stages",
                                                       "model.init_from"};
// They decide which rows there are: the rows themselves are compared.
constexpr std::array<std::string_view, 6> kOfRows{
    "data.train_csv",  "data.validation_csv",  "data.validation_fraction",
    "data.split_seed", "data.dialogue_column", "data.summary_column"};

bool is_one_of(std::span<const std::string_view> keys, std::string_view key) {
  return std::ranges::find(keys, key) != keys.end();
}

struct Change {
  std::string key, line;
};

/// The config that a checkpoint was made with; null where it has none that can be read.
std::unique_ptr<RunConfig> config_of(const ModelFile& checkpoint, const ModelFamilies& families) {
  if (checkpoint.config_yaml.empty()) return nullptr;
  auto config = std::make_unique<RunConfig>();
  config->families = families;
  try {
    load_config_text(config->sections(), checkpoint.config_yaml, checkpoint.where, {});
  } catch (const ConfigError&) {  // of a version with other keys
    return nullptr;
  }
  return config;
}

/// The keys with other values than before, in the order of their sections.
std::vector<Change> changes_of(RunConfig& before, RunConfig now) {
  RunConfig as_written;  // with the absolute paths that a checkpoint has
  load_config_text(as_written.sections(), dump_yaml(now.sections()), "the config", {});
  const Sections old_sections = before.sections(), new_sections = as_written.sections();
  std::vector<Change> changes;
  for (size_t s = 0; s < old_sections.size(); ++s) {
    for (size_t f = 0; f < old_sections[s].fields.size(); ++f) {
      const std::string key = dotted(old_sections[s], old_sections[s].fields[f]);
      const std::string was = to_yaml(old_sections[s].fields[f]);
      const std::string is = to_yaml(new_sections[s].fields[f]);
      if (was != is && !is_one_of(kNotCompared, key))
        changes.push_back({key, fmt::format("{}: {} -> {}", key, was, is)});
    }
  }
  return changes;
}

/// Whether the vocabulary that the config asks for is the checkpoint's; for keys that have changed.
bool asks_for_other_vocabulary(const RunConfig& config, const std::string& key,
                               const ModelFile& checkpoint) {
  if (key == "tokenizer.train_vocab_size")
    return config.tokenizer.train_vocab_size > 0 &&
           config.tokenizer.train_vocab_size != checkpoint.shape->vocab_size;
  return key == "tokenizer.dir" && !config.tokenizer.dir.value.empty() && checkpoint.tokenizer &&
         BpeTokenizer::load(config.tokenizer.dir.value).texts() != *checkpoint.tokenizer;
}

void compare_prompts(const RunConfig& config, const ModelFile& checkpoint,
                     std::vector<std::string>& refused) {
  if (!checkpoint.prompt) return;
  PromptConfig before = *checkpoint.prompt, now = config.prompt;
  const Fields old_fields = before.fields(), new_fields = now.fields();
  for (size_t i = 0; i < old_fields.size(); ++i) {
    const std::string was = to_yaml(old_fields[i]), is = to_yaml(new_fields[i]);
    if (was != is)
      refused.push_back(fmt::format("prompt.{}: {} -> {}", old_fields[i].name, was, is));
  }
}

/// Which rows are others, in words; empty if none are.
std::string other_rows(const DataDigests& before, const DataDigests& now) {
  const bool train = !before.train.empty() && before.train != now.train;
  const bool validation = !before.validation.empty() && before.validation != now.validation;
  return train && validation ? "training and validation rows"
         : train             ? "training rows"
         : validation        ? "validation rows"
                             : "";
}

}  // namespace

ResumeChanges resume_changes(const RunConfig& config, const Split& split,
                             const ModelFile& checkpoint) {
  ResumeChanges changes;
  compare_prompts(config, checkpoint, changes.refused);
  const std::string others = other_rows(checkpoint.data, digests_of(split));
  bool is_row_key_named = false;
  std::vector<Change> all;
  if (const auto before = config_of(checkpoint, config.families)) {
    RunConfig now = config;
    now.data.block_size = std::min(config.data.block_size, checkpoint.shape->block_size);
    all = changes_of(*before, std::move(now));
  }
  for (const Change& change : all) {
    if (change.key.starts_with("prompt.")) continue;  // done
    const bool row_key = is_one_of(kOfRows, change.key) && !others.empty();
    is_row_key_named |= row_key;
    const bool refuse = row_key || change.key == "data.overlong" ||
                        asks_for_other_vocabulary(config, change.key, checkpoint);
    (refuse ? changes.refused : changes.taken).push_back(change.line);
    changes.other_metric |= change.key == "eval.metric";
  }
  if (!others.empty())
    changes.refused.push_back(fmt::format(
        "the {} are not those of the checkpoint{}", others,
        is_row_key_named ? "" : fmt::format(": {} has changed", config.data.train_csv.value)));
  return changes;
}

std::string refusal(const std::vector<std::string>& refused, const ModelFile& checkpoint) {
  return fmt::format(
      "{}\nthe training of {} cannot go on with that: keep to what it had ({}), or begin another "
      "training in another run.out_dir, where model.init_from={} takes these weights along",
      fmt::join(refused, "\n"), checkpoint.where,
      (fs::path(checkpoint.where).parent_path() / "config.yaml").string(), checkpoint.where);
}

}  // namespace precis
