// Rows of CSV files as dialogues and, encoded, as samples.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "lib/base/fields.h"
#include "lib/text/prompt.h"

namespace precis {

struct DataConfig {
  Path train_csv, validation_csv, test_csv;
  double validation_fraction = 0.05;
  int64_t split_seed = 42;
  std::string id_column = "id", dialogue_column = "dialogue", summary_column = "summary";
  std::string overlong = "cut";
  int64_t block_size = 1024;
  Fields fields();
};

/// One row as it is written in a file.
struct Example {
  std::string id, dialogue, summary;
};

/// All rows of a file, in its order. Throws DataError naming file, column or row; without
/// `with_summary` that column is not asked for.
std::vector<Example> read_examples(const std::filesystem::path& file, const DataConfig& config,
                                   bool with_summary);

/// Training and validation examples: from two files, or one split by a shuffle with split_seed.
struct Split {
  std::vector<Example> train, validation;
};
Split read_split(const DataConfig& config);

/// Whether rows are the same: digests of their dialogues and summaries in their order, as a
/// checkpoint keeps them (digest_text); empty where it is not known.
struct DataDigests {
  std::string train, validation;
};
DataDigests digests_of(const Split& split);

/// Encoded samples, and what became of the rows.
class DialogueDataset {
 public:
  /// `drop_overlong`: samples beyond block_size are left out instead of cut. Runs on all threads.
  DialogueDataset(std::span<const Example> examples, const SummaryPrompt& prompt,
                  int64_t block_size, bool drop_overlong);

  /// Of samples that are encoded already; each one's row is its place.
  explicit DialogueDataset(std::vector<EncodedExample> samples);

  int64_t size() const { return static_cast<int64_t>(samples_.size()); }
  const EncodedExample& operator[](int64_t sample) const {
    return samples_[static_cast<size_t>(sample)];
  }
  /// Row in `examples` of a sample.
  int64_t row(int64_t sample) const { return rows_[static_cast<size_t>(sample)]; }
  /// Its id; the row where there is none.
  std::string id(int64_t sample) const {
    return ids_.empty() ? std::to_string(row(sample)) : ids_[static_cast<size_t>(sample)];
  }
  /// Input tokens of a sample: its tokens less the last.
  int64_t input_tokens(int64_t sample) const {
    return static_cast<int64_t>((*this)[sample].tokens.size()) - 1;
  }
  int64_t target_tokens(int64_t sample) const {
    return static_cast<int64_t>((*this)[sample].tokens.size()) - (*this)[sample].prompt_tokens;
  }
  int64_t num_cut() const { return num_cut_; }
  int64_t num_dropped() const { return num_dropped_; }
  int64_t total_tokens() const { return total_tokens_; }
  int64_t longest() const { return longest_; }

 private:
  void add(EncodedExample sample, int64_t row);

  std::vector<EncodedExample> samples_;
  std::vector<int64_t> rows_;
  std::vector<std::string> ids_;
  int64_t num_cut_ = 0, num_dropped_ = 0, total_tokens_ = 0, longest_ = 0;
};

}  // namespace precis
