// The two parts of a byte-level BPE vocabulary, as OpenAI's GPT-2 and Hugging Face write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/text/added_tokens.h"
#include "lib/text/json_text.h"
#include "lib/text/merge_table.h"

namespace precis {

inline constexpr std::string_view kEndOfText = "<|endoftext|>";

/// The bytes of each token, by id: those of vocab.json, then added ones.
class Vocabulary {
 public:
  /// vocab.json; `name` names the file in errors, `first_line` is the text's line in it. Added
  /// tokens get the id that they say or that vocab.json has for them; those that have neither are
  /// left out. Throws DataError: malformed, a token or id used twice, an id negative or far beyond
  /// the number of entries, a byte or <|endoftext|> without an entry.
  static Vocabulary parse(std::string_view json, const std::string& name,
                          const std::vector<AddedToken>& added = {}, int64_t first_line = 1);

  /// The id of a token that is spelled in the alphabet of bytes, by its bytes.
  std::optional<int32_t> find(std::string_view bytes) const;
  /// Empty where no token has the id; 0 <= id < size().
  std::string_view bytes_of(int32_t id) const {
    const Entry& entry = entries_[static_cast<size_t>(id)];
    return std::string_view(blob_).substr(entry.begin, entry.length);
  }
  /// Largest id + 1.
  int32_t size() const { return static_cast<int32_t>(entries_.size()); }
  /// Largest id of vocab.json + 1.
  int32_t base_size() const { return base_size_; }
  /// The added tokens with their ids; <|endoftext|>, which is special, is always one of them.
  const std::vector<AddedToken>& added_tokens() const { return added_; }
  int32_t end_of_text() const { return end_of_text_; }
  /// What errors call it.
  const std::string& name() const { return name_; }

  /// Forgets added tokens whose id is at least `vocab_size`; <|endoftext|> must be below.
  void drop_added_tokens_from(int64_t vocab_size);

 private:
  struct Entry {
    size_t begin = 0;
    size_t length = 0;
    bool spelled = false;  ///< in the alphabet of bytes, so that merges may name it
  };
  /// Ids up to this many more than there are entries: gaps that other tools leave for added tokens,
  /// and where they took tokens out.
  static constexpr int32_t kMaxGap = 1 << 16;

  void read(JsonReader& reader, size_t num_bytes);
  void put(int32_t id, std::string_view bytes, bool spelled);
  void build_index();
  void require_bytes() const;
  void add(const std::vector<AddedToken>& tokens);
  void place(const AddedToken& token);
  void settle_end_of_text();

  std::string name_;
  std::string blob_;
  std::vector<Entry> entries_;
  std::vector<int32_t> index_;  // open addressing over the hash of the bytes; -1: free
  std::vector<AddedToken> added_;
  int32_t num_tokens_ = 0;
  int32_t base_size_ = 0;
  int32_t end_of_text_ = 0;
};

/// merges.txt: a first line that begins with "#version" is its header. `unit` is what errors count.
/// Throws DataError naming file and line: no two symbols, or a symbol or result that the vocabulary
/// lacks.
MergeTable parse_merges(std::string_view text, const std::string& name,
                        const Vocabulary& vocabulary, std::string_view unit = "line");

/// The same merges as every reader understands them: behind the header "#version: 0.2", each line
/// ended by a line feed.
std::string plain_merges(std::string_view text);

}  // namespace precis
