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

#include "lib/text/merge_table.h"
#include "lib/text/vocabulary.h"

namespace precis {

/// A vocabulary and its encoder. Const members are thread-safe. Can be moved, not copied.
class BpeTokenizer {
 public:
  /// From vocab.json and merges.txt of a folder. Throws DataError naming the file, and the line or
  /// entry in it.
  static BpeTokenizer load(const std::filesystem::path& dir);
  /// From the contents of the two files (a checkpoint carries them); `where` names their source in
  /// errors.
  static BpeTokenizer parse(std::string_view vocab_json, std::string_view merges_txt,
                            const std::string& where);

  BpeTokenizer(BpeTokenizer&&) noexcept;
  BpeTokenizer& operator=(BpeTokenizer&&) noexcept;
  ~BpeTokenizer();

  /// The ids of a text. "<|endoftext|>" in it is text like any other; bytes that are no UTF-8 are
  /// kept as they are.
  std::vector<int32_t> encode(std::string_view text) const;
  /// Appends the ids of a text to `out`.
  void encode_to(std::string_view text, std::vector<int32_t>& out) const;
  /// The exact bytes of the tokens, which need not be whole characters. Throws DataError for an id
  /// without a token.
  std::string decode(std::span<const int32_t> ids) const;

  /// The id of <|endoftext|>.
  int32_t end_of_text() const { return end_of_text_; }
  /// Largest id + 1.
  int32_t vocab_size() const { return vocabulary_.size(); }

  /// The files' contents, as loaded or made.
  const std::string& vocab_json() const { return vocab_json_; }
  const std::string& merges_txt() const { return merges_txt_; }
  /// The content of Hugging Face's tokenizer.json for this vocabulary.
  std::string tokenizer_json() const;
  /// Writes vocab.json and merges.txt into a folder, made if it is not there. Throws DataError.
  void save(const std::filesystem::path& dir) const;

 private:
  struct Scratch;
  class ScratchPool;

  BpeTokenizer(std::string vocab_json, const std::string& vocab_name, std::string merges_txt,
               const std::string& merges_name);

  template <typename Cache>
  size_t encode_short(const char* p, size_t num_bytes, const char* end, Cache& cache,
                      Scratch& scratch, int32_t* out) const;
  void merge_piece(std::string_view piece, Scratch& scratch) const;

  std::string vocab_json_;
  std::string merges_txt_;
  Vocabulary vocabulary_;
  MergeTable merges_;
  std::array<int32_t, 256> byte_ids_{};
  int32_t end_of_text_ = 0;
  std::unique_ptr<ScratchPool> pool_;
};

}  // namespace precis
