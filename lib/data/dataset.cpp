#include "lib/data/dataset.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "lib/base/digest_text.h"
#include "lib/base/errors.h"
#include "lib/base/random.h"
#include "lib/data/epoch_plan.h"
#include "lib/formats/csv.h"

namespace precis {

Fields DataConfig::fields() {
  return {
      {"train_csv", &train_csv, "CSV with the training rows"},
      {"validation_csv", &validation_csv,
       "CSV with the validation rows; without one they are split off train_csv"},
      {"validation_fraction",
       &validation_fraction,
       "share of train_csv that is split off for validation",
       {.above = 0, .below = 1}},
      {"split_seed", &split_seed, "seed of that split", {.min = 0}},
      {"test_csv", &test_csv, "CSV with the rows to predict"},
      {"id_column", &id_column, "name of the column with the row's id"},
      {"dialogue_column", &dialogue_column, "name of the column with the dialogue"},
      {"summary_column", &summary_column, "name of the column with the summary"},
      {"overlong",
       &overlong,
       "training samples beyond block_size: cut (the dialogue, at its start) or drop",
       {.choices = {"cut", "drop"}}},
      {"block_size",
       &block_size,
       "positions: the inputs of a sample are at most that",
       {.min = 8, .max = 1 << 20}},
  };
}

std::vector<Example> read_examples(const std::filesystem::path& file, const DataConfig& config,
                                   bool with_summary) {
  CsvTable table = read_csv(file);
  const size_t id = table.column(config.id_column, "data.id_column");
  const size_t dialogue = table.column(config.dialogue_column, "data.dialogue_column");
  const size_t summary =
      with_summary ? table.column(config.summary_column, "data.summary_column") : 0;
  table.require_rows();
  std::vector<Example> examples;
  examples.reserve(table.rows.size());
  for (auto& row : table.rows)
    examples.push_back({row[id], std::move(row[dialogue]),
                        with_summary ? std::move(row[summary]) : std::string()});
  return examples;
}

Split read_split(const DataConfig& config) {
  Split split;
  std::vector<Example> all = read_examples(config.train_csv.value, config, true);
  if (!config.validation_csv.value.empty()) {
    split.train = std::move(all);
    split.validation = read_examples(config.validation_csv.value, config, true);
    return split;
  }
  const auto n = static_cast<int64_t>(all.size());
  const int64_t held_out = std::llround(config.validation_fraction * static_cast<double>(n));
  if (held_out < 1 || held_out >= n)
    throw DataError(fmt::format(
        "{}: {} rows cannot be split into training and validation with data.validation_fraction "
        "{}: give more rows, another "
        "fraction, or data.validation_csv",
        std::filesystem::absolute(config.train_csv.value).string(), n, config.validation_fraction));
  const std::vector<int64_t> order = shuffled(n, static_cast<uint64_t>(config.split_seed));
  for (int64_t i = 0; i < n; ++i) {
    auto& side = i < n - held_out ? split.train : split.validation;
    side.push_back(std::move(all[static_cast<size_t>(order[static_cast<size_t>(i)])]));
  }
  return split;
}

DataDigests digests_of(const Split& split) {
  const auto of = [](std::span<const Example> rows) {
    uint64_t digest = rows.size();
    for (const Example& row : rows)
      digest = mix_key({digest, digest_of_text(row.dialogue), digest_of_text(row.summary)});
    return digest_text(digest);
  };
  return {of(split.train), of(split.validation)};
}

DialogueDataset::DialogueDataset(std::span<const Example> examples, const SummaryPrompt& prompt,
                                 int64_t block_size, bool drop_overlong) {
  const auto n = static_cast<int64_t>(examples.size());
  std::vector<std::optional<EncodedExample>> encoded(examples.size());
  at::parallel_for(0, n, 16, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i) {
      const Example& example = examples[static_cast<size_t>(i)];
      encoded[static_cast<size_t>(i)] =
          prompt.encode(example.dialogue, example.summary, block_size);
    }
  });
  for (int64_t i = 0; i < n; ++i) {
    auto& sample = encoded[static_cast<size_t>(i)];
    if (!sample || (sample->cut && drop_overlong)) {
      ++num_dropped_;
      continue;
    }
    add(std::move(*sample), i);
    ids_.push_back(examples[static_cast<size_t>(i)].id);
  }
}

DialogueDataset::DialogueDataset(std::vector<EncodedExample> samples) {
  for (size_t i = 0; i < samples.size(); ++i) add(std::move(samples[i]), static_cast<int64_t>(i));
}

void DialogueDataset::add(EncodedExample sample, int64_t row) {
  num_cut_ += sample.cut ? 1 : 0;
  total_tokens_ += static_cast<int64_t>(sample.tokens.size()) - 1;
  longest_ = std::max(longest_, static_cast<int64_t>(sample.tokens.size()) - 1);
  samples_.push_back(std::move(sample));
  rows_.push_back(row);
}

}  // namespace precis
