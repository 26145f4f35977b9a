#include "lib/run/same_start.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <span>
#include <string>
#include <variant>

#include "lib/base/digest_text.h"
#include "lib/comm/require_same.h"
#include "lib/run/input_digests.h"
#include "lib/tensor/digest.h"

namespace precis {
namespace {

constexpr const char* kSameFiles = "is the file the same on all nodes, and readable?";

std::string words_of(std::span<const Example> rows) {
  return fmt::format("{} rows (digest {})", rows.size(), digest_text(digest_of(rows)));
}

/// A value that all ranks must have; of a path, which they need not, only the words that are none.
std::string value_to_compare(const Field& field) {
  const auto* path = std::get_if<Path*>(&field.value);
  if (path == nullptr) return to_yaml(field);
  const bool is_word =
      std::ranges::find(field.limits.choices, (*path)->value) != field.limits.choices.end();
  return is_word ? (*path)->value : (*path)->value.empty() ? "null" : "a path";
}

}  // namespace

void require_same_config(const World& world, RunConfig& config) {
  Compared values;
  for (const Section& section : config.sections())
    for (const Field& field : section.fields)
      values.emplace_back(dotted(section, field), value_to_compare(field));
  require_same(world, values, {ExitCode::kConfig, "give all ranks the same config"});
}

void require_same_inputs(const World& world, const Inputs& inputs) {
  require_same(world,
               {{"the rows to train on", words_of(inputs.split.train)},
                {"the rows to validate with", words_of(inputs.split.validation)},
                {"the rows of data.test_csv", words_of(inputs.test)},
                {"the vocabulary",
                 fmt::format("digest {}", digest_text(digest_of(inputs.tokenizer->texts())))}},
               {ExitCode::kData, kSameFiles});
}

void require_same_start(const World& world, const ModelFile& model) {
  const std::string words = fmt::format("{} at iteration {} (digest {})",
                                        std::filesystem::path(model.where).filename().string(),
                                        model.progress.iter, digest_text(digest_of(model.flat)));
  require_same(world, {{"the weights", words}}, {ExitCode::kData, kSameFiles});
}

}  // namespace precis
