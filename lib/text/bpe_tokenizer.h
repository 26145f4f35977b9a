// GPT-2's byte-level BPE: text to token ids and back.
// Source: Radford et al., "Language Models are Unsupervised Multitask Learners" (2019), and
// OpenAI's encoder.py. Ids equal those of tiktoken's encode_ordinary and of transformers, for any
// text.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/files.h"
#include "lib/text/added_tokens.h"
#include "lib/text/merge_table.h"
#include "lib/text/vocabulary.h"
#include "lib/text/vocabulary_files.h"

namespace precis {

/// A vocabulary and its encoder. Const members are thread-safe. Can be moved, not copied.
class BpeTokenizer {
 public:
  /// From the files of a folder: see read_vocabulary(). Throws DataError naming the file, and the
  /// line or entry in it.
  static BpeTokenizer load(const std::filesystem::path& dir);
  /// From the contents of the files (a checkpoint carries them); `where` names their source in
  /// errors.
  static BpeTokenizer parse(const VocabularyTexts& texts, const std::string& where);

  /// From any source. Throws DataError.
  explicit BpeTokenizer(VocabularySource source);

  BpeTokenizer(BpeTokenizer&&) noexcept;
  BpeTokenizer& operator=(BpeTokenizer&&) noexcept;
  ~BpeTokenizer();

  /// The ids of a text. "<|endoftext|>" in it is text like any other, further added tokens are
  /// their ids, as transformers has it; bytes that are no UTF-8 are kept as they are.
  std::vector<int32_t> encode(std::string_view text) const;
  /// Appends the ids of a text to `out`.
  void encode_to(std::string_view text, std::vector<int32_t>& out) const;
  /// Encodes many texts one after the other, as a single thread; see below. encode_all() does it on
  /// several.
  class Encoder;
  Encoder encoder() const;
  /// The exact bytes of the tokens, which need not be whole characters. Throws DataError for an id
  /// without a token.
  std::string decode(std::span<const int32_t> ids) const;
  /// The same for readers: special tokens, the end of text among them, and ids without a
  /// token leave no text.
  std::string decode_text(std::span<const int32_t> ids) const;

  /// The id of <|endoftext|>.
  int32_t end_of_text() const { return vocabulary_.end_of_text(); }
  /// Largest id + 1.
  int32_t vocab_size() const { return vocabulary_.size(); }
  /// The ids below `vocab_size`, which is a model's, that stand for nothing: such as a vocabulary
  /// padded to a round number has.
  std::vector<int32_t> ids_without_token(int64_t vocab_size) const;
  /// Makes it one for a model of `vocab_size` ids, which `model` names: forgets added tokens that
  /// the model has no room for. Throws DataError naming both numbers when more than those are too
  /// many.
  void fit_to(int64_t vocab_size, const std::string& model);

  /// The files' contents: vocab.json as it was found, merges behind their header.
  const VocabularyTexts& texts() const { return texts_; }
  /// The content of Hugging Face's tokenizer.json for this vocabulary.
  std::string tokenizer_json() const;
  /// Writes vocab.json and merges.txt into a folder, made if it is not there; added tokens make a
  /// tokenizer.json, too. Throws DataError.
  void save(const std::filesystem::path& dir, Links links = Links::kFollow) const;

 private:
  struct Scratch;
  class ScratchPool;
  friend class Encoder;

  /// Added tokens are looked for in two passes: those that are not `normalized`, then the others.
  static constexpr size_t kNumGroups = 2;

  void use_added_tokens();
  std::string_view bytes_of(int32_t id) const;
  void encode_group(std::string_view text, size_t group, Scratch& scratch,
                    std::vector<int32_t>& out) const;
  void encode_plain(std::string_view text, Scratch& scratch, std::vector<int32_t>& out) const;
  size_t encode_rare(std::string_view piece, const char* end, Scratch& scratch, int32_t* out) const;
  void merge_piece(std::string_view piece, Scratch& scratch) const;

  Vocabulary vocabulary_;
  MergeTable merges_;
  VocabularyTexts texts_;
  std::array<int32_t, 256> byte_ids_{};
  std::array<AddedTokenFinder, kNumGroups> finders_;
  std::vector<bool> is_special_;  // by id
  std::unique_ptr<ScratchPool> pool_;
};

/// What one thread encodes with. It remembers pieces, and hands that on to later encoders of its
/// tokenizer, which it must not outlive.
class BpeTokenizer::Encoder {
 public:
  explicit Encoder(const BpeTokenizer& tokenizer);
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;
  ~Encoder();

  /// Appends the ids of a text to `out`.
  void encode_to(std::string_view text, std::vector<int32_t>& out) const;

 private:
  const BpeTokenizer& tokenizer_;
  std::unique_ptr<Scratch> scratch_;
};

inline BpeTokenizer::Encoder BpeTokenizer::encoder() const {
  return Encoder(*this);
}

}  // namespace precis
