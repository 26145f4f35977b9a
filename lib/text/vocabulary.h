// The two files of a byte-level BPE vocabulary, as OpenAI's GPT-2 and Hugging Face write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/text/merge_table.h"

namespace precis {

inline constexpr std::string_view kEndOfText = "<|endoftext|>";

/// vocab.json: the bytes of each token, by id.
class Vocabulary {
 public:
  /// `name` names the file in errors. Throws DataError: malformed, a token or id used twice, an id
  /// negative or far beyond the number of entries, a byte or <|endoftext|> without an entry.
  static Vocabulary parse(std::string_view json, const std::string& name);

  /// The id of a token by its bytes.
  std::optional<int32_t> find(std::string_view bytes) const;
  /// Empty where no token has the id; 0 <= id < size().
  std::string_view bytes_of(int32_t id) const {
    const Entry& entry = entries_[static_cast<size_t>(id)];
    return std::string_view(blob_).substr(entry.begin, entry.length);
  }
  /// Largest id + 1.
  int32_t size() const { return static_cast<int32_t>(entries_.size()); }

 private:
  struct Entry {
    size_t begin = 0;
    size_t length = 0;
    bool spelled = false;  ///< in the alphabet of bytes, so that merges may name it
  };
  /// Ids up to this many more than there are entries: gaps that other tools leave for added tokens.
  static constexpr int32_t kMaxGap = 1024;

  void build_index(const std::string& name);

  std::string blob_;
  std::vector<Entry> entries_;
  std::vector<int32_t> index_;  // open addressing over the hash of the bytes; -1: free
};

/// merges.txt. Throws DataError naming file and line: no two symbols, or a symbol or result that
/// vocab.json lacks.
MergeTable parse_merges(std::string_view text, const std::string& name,
                        const Vocabulary& vocabulary);

}  // namespace precis
