#include "lib/text/bpe_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <utility>

#include "lib/base/errors.h"
#include "lib/text/piece_cache.h"
#include "lib/text/piece_scanner.h"
#include "lib/text/tokenizer_json.h"

namespace precis {

namespace fs = std::filesystem;

namespace {

/// A text's last bytes with room behind them, so that kBytes can be read from any place of it.
class PaddedTail {
 public:
  static constexpr size_t kBytes = 16;

  explicit PaddedTail(std::string_view text) {
    const size_t copied = std::min(text.size(), kBytes);
    begin_ = text.data() + (text.size() - copied);
    std::copy_n(begin_, copied, copy_.data());
  }
  /// Where to read what stands at p.
  const char* readable(const char* p) const { return p < begin_ ? p : copy_.data() + (p - begin_); }

 private:
  const char* begin_;
  std::array<char, 2 * kBytes> copy_{};
};

}  // namespace

/// What an encoder works with. Words of English fit the first cache, whose entries are half
/// a cache line.
struct BpeTokenizer::Scratch {
  PieceCache<16, 3> words{size_t{1} << 16};
  PieceCache<64, 15> phrases{size_t{1} << 12};
  MergeScratch merge;
  std::vector<int32_t> ids;
};

/// Lends each encoder a Scratch that it has for itself, and keeps them, caches filled, for later
/// ones.
class BpeTokenizer::ScratchPool {
 public:
  std::unique_ptr<Scratch> take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        std::unique_ptr<Scratch> scratch = std::move(idle_.back());
        idle_.pop_back();
        return scratch;
      }
      idle_.reserve(++num_made_);  // so that give_back, in a destructor, never allocates
    }
    return std::make_unique<Scratch>();
  }

  void give_back(std::unique_ptr<Scratch> scratch) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(scratch));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Scratch>> idle_;
  size_t num_made_ = 0;
};

BpeTokenizer::BpeTokenizer(VocabularySource source)
    : vocabulary_(Vocabulary::parse(source.vocab_json, source.vocab_name, source.added_tokens,
                                    source.vocab_line)),
      merges_(parse_merges(source.merges_txt, source.merges_name, vocabulary_, source.merges_unit)),
      pool_(std::make_unique<ScratchPool>()) {
  texts_.vocab_json = std::move(source.vocab_json);
  texts_.merges_txt = plain_merges(source.merges_txt);
  for (size_t b = 0; b < byte_ids_.size(); ++b) {
    const char byte = static_cast<char>(b);
    byte_ids_[b] = vocabulary_.find(std::string_view(&byte, 1)).value();
  }
  use_added_tokens();
}

/// What depends on the added tokens that there are.
void BpeTokenizer::use_added_tokens() {
  is_special_.assign(static_cast<size_t>(vocab_size()), false);
  is_special_[static_cast<size_t>(end_of_text())] = true;  // whatever a file says of it
  std::array<std::vector<AddedToken>, kNumGroups> groups;
  for (const AddedToken& token : vocabulary_.added_tokens()) {
    if (token.special) is_special_[static_cast<size_t>(token.id)] = true;
    if (token.id != end_of_text()) groups[token.normalized ? 1 : 0].push_back(token);
  }
  for (size_t i = 0; i < groups.size(); ++i) finders_[i] = AddedTokenFinder(std::move(groups[i]));
  const bool only_end =
      vocabulary_.added_tokens().size() == 1 && end_of_text() < vocabulary_.base_size();
  texts_.added_tokens = only_end ? "" : added_tokens_json(vocabulary_.added_tokens());
}

BpeTokenizer::BpeTokenizer(BpeTokenizer&&) noexcept = default;
BpeTokenizer& BpeTokenizer::operator=(BpeTokenizer&&) noexcept = default;
BpeTokenizer::~BpeTokenizer() = default;

BpeTokenizer BpeTokenizer::load(const fs::path& dir) {
  return BpeTokenizer(read_vocabulary(dir));
}

BpeTokenizer BpeTokenizer::parse(const VocabularyTexts& texts, const std::string& where) {
  return BpeTokenizer(source_of(texts, where));
}

void BpeTokenizer::merge_piece(std::string_view piece, Scratch& scratch) const {
  scratch.ids.clear();
  for (const char c : piece) scratch.ids.push_back(byte_ids_[static_cast<uint8_t>(c)]);
  merges_.apply(scratch.ids, scratch.merge);
}

/// Writes the ids of a piece that scratch.words does not have, of a text that ends at `end`, and
/// returns their number.
size_t BpeTokenizer::encode_rare(std::string_view piece, const char* end, Scratch& scratch,
                                 int32_t* out) const {
  auto& [words, phrases, merge, ids] = scratch;
  const auto key = phrases.make_key(piece.data(), piece.size(), end);
  if (const auto* known = phrases.find(key)) {
    std::copy_n(known->ids.begin(), known->num_ids, out);
    return static_cast<size_t>(known->num_ids);
  }
  merge_piece(piece, scratch);
  if (piece.size() <= words.kMaxBytes && ids.size() <= words.kMaxIds) {
    words.insert(words.make_key(piece.data(), piece.size(), end), ids);
  } else {
    phrases.insert(key, ids);
  }
  std::copy(ids.begin(), ids.end(), out);
  return ids.size();
}

BpeTokenizer::Encoder::Encoder(const BpeTokenizer& tokenizer)
    : tokenizer_(tokenizer), scratch_(tokenizer.pool_->take()) {}

BpeTokenizer::Encoder::~Encoder() {
  tokenizer_.pool_->give_back(std::move(scratch_));
}

void BpeTokenizer::Encoder::encode_to(std::string_view text, std::vector<int32_t>& out) const {
  tokenizer_.encode_group(text, 0, *scratch_, out);
}

void BpeTokenizer::encode_to(std::string_view text, std::vector<int32_t>& out) const {
  encoder().encode_to(text, out);
}

/// The added tokens of a group as their ids; the texts between them go to the next group.
void BpeTokenizer::encode_group(std::string_view text, size_t group, Scratch& scratch,
                                std::vector<int32_t>& out) const {
  while (group < finders_.size() && finders_[group].empty()) ++group;
  if (group == finders_.size()) {
    encode_plain(text, scratch, out);
    return;
  }
  AddedTokenFinder::Match last, match;
  for (; finders_[group].next(text, last, match); last = match) {
    encode_group(text.substr(last.end, match.begin - last.end), group + 1, scratch, out);
    out.push_back(match.id);
  }
  encode_group(text.substr(last.end), group + 1, scratch, out);
}

void BpeTokenizer::encode_plain(std::string_view text, Scratch& scratch,
                                std::vector<int32_t>& out) const {
  using Words = decltype(scratch.words);
  // A batch has no more ids than bytes, those of a piece that began before it included; of cache
  // entries more is written than counts.
  constexpr size_t kLongest = decltype(scratch.phrases)::kMaxBytes;
  std::array<int32_t, PieceScanner::kMaxBytes + kLongest + Words::kMaxIds> buffer;
  int32_t* filled = buffer.data();
  const auto flush = [&] {
    out.insert(out.end(), buffer.data(), filled);
    filled = buffer.data();
  };
  const char* const end = text.data() + text.size();
  const PaddedTail tail(text);
  PieceScanner scanner(text.data(), end);
  for (const char* p = text.data(); !scanner.done(); flush()) {
    const PieceScanner::Batch batch = scanner.next();
    for (const uint16_t piece_end : batch.ends) {
      const char* const begin = std::exchange(p, batch.base + piece_end);
      const std::string_view piece(begin, static_cast<size_t>(p - begin));
      if (piece.size() <= Words::kMaxBytes) [[likely]] {
        if (const auto* word = scratch.words.find(
                Words::make_key(tail.readable(begin), piece.size()))) [[likely]] {
          std::memcpy(filled, word->ids.data(), sizeof word->ids);  // a fixed number is fastest
          filled += word->num_ids;
          continue;
        }
      }
      if (piece.size() <= kLongest) {
        filled += encode_rare(piece, end, scratch, filled);
      } else {
        flush();
        merge_piece(piece, scratch);
        out.insert(out.end(), scratch.ids.begin(), scratch.ids.end());
      }
    }
  }
}

std::vector<int32_t> BpeTokenizer::encode(std::string_view text) const {
  std::vector<int32_t> ids;
  encode_to(text, ids);
  return ids;
}

std::string_view BpeTokenizer::bytes_of(int32_t id) const {
  return id >= 0 && id < vocab_size() ? vocabulary_.bytes_of(id) : std::string_view();
}

std::string BpeTokenizer::decode(std::span<const int32_t> ids) const {
  std::string text;
  text.reserve(ids.size() * 5);
  for (const int32_t id : ids) {
    const std::string_view bytes = bytes_of(id);
    if (bytes.empty())
      throw DataError(
          fmt::format("token id {} is not in the vocabulary of {} tokens", id, vocab_size()));
    text.append(bytes);
  }
  return text;
}

std::string BpeTokenizer::decode_text(std::span<const int32_t> ids) const {
  std::string text;
  text.reserve(ids.size() * 5);
  for (const int32_t id : ids) {
    const std::string_view bytes = bytes_of(id);
    if (!bytes.empty() && !is_special_[static_cast<size_t>(id)]) text.append(bytes);
  }
  return text;
}

std::vector<int32_t> BpeTokenizer::ids_without_token(int64_t vocab_size) const {
  std::vector<int32_t> ids;
  for (int64_t id = 0; id < vocab_size; ++id)
    if (bytes_of(static_cast<int32_t>(id)).empty()) ids.push_back(static_cast<int32_t>(id));
  return ids;
}

void BpeTokenizer::fit_to(int64_t vocab_size, const std::string& model) {
  const int64_t needed = std::max(vocabulary_.base_size(), end_of_text() + 1);
  if (needed > vocab_size)
    throw DataError(fmt::format(
        "{}: the vocabulary has {} tokens, but the model {} was made for {}: they do not belong "
        "together",
        vocabulary_.name(), needed, model, vocab_size));
  if (this->vocab_size() <= vocab_size) return;
  vocabulary_.drop_added_tokens_from(vocab_size);
  use_added_tokens();
}

std::string BpeTokenizer::tokenizer_json() const {
  return make_tokenizer_json(texts_.vocab_json, texts_.merges_txt, vocabulary_.added_tokens());
}

void BpeTokenizer::save(const fs::path& dir, Links links) const {
  std::error_code error;
  fs::create_directories(dir, error);
  if (error)
    throw DataError(
        fmt::format("{}: cannot be made: {}", fs::absolute(dir).string(), error.message()));
  write_file(dir / "vocab.json", texts_.vocab_json, links);
  write_file(dir / "merges.txt", texts_.merges_txt, links);
  if (!texts_.added_tokens.empty()) write_file(dir / "tokenizer.json", tokenizer_json(), links);
}

}  // namespace precis
