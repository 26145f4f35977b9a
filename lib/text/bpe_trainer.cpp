#include "lib/text/bpe_trainer.h"

#include <fmt/format.h>

#include <array>
#include <queue>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "lib/base/errors.h"
#include "lib/text/byte_alphabet.h"
#include "lib/text/json_text.h"
#include "lib/text/splitter.h"

namespace precis {

namespace {

/// Pairs that occur less often are not worth a token.
constexpr int64_t kMinCount = 2;

using Pair = uint64_t;  // left id above, right id below
Pair make_pair_of(int32_t left, int32_t right) {
  return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
}
int32_t left_of(Pair pair) {
  return static_cast<int32_t>(pair >> 32);
}
int32_t right_of(Pair pair) {
  return static_cast<int32_t>(pair & 0xFFFFFFFF);
}

/// A piece of the texts as the tokens it is made of so far, and how often it occurs.
struct Word {
  std::vector<int32_t> ids;
  int64_t count = 0;
};

struct PairStats {
  int64_t count = 0;
  std::vector<size_t> words;  ///< where the pair occurs, or has occurred
};

struct Candidate {
  int64_t count;
  Pair pair;
  bool operator<(const Candidate& other) const {
    return count != other.count ? count < other.count : pair > other.pair;
  }
};

class Trainer {
 public:
  explicit Trainer(std::span<const std::string> texts) {
    for (const char byte : bytes_in_symbol_order()) tokens_.emplace_back(1, byte);
    read(texts);
    for (size_t w = 0; w < words_.size(); ++w) count_pairs(w, +1, 0);
    for (const auto& [pair, stats] : pairs_) queue_.push({stats.count, pair});
  }

  void merge_until(size_t num_tokens) {
    while (tokens_.size() < num_tokens && !queue_.empty()) {
      const Candidate best = queue_.top();
      queue_.pop();
      const auto found = pairs_.find(best.pair);
      if (found == pairs_.end() || found->second.count < kMinCount) continue;
      if (found->second.count != best.count) {  // it shrank since it was queued
        queue_.push({found->second.count, best.pair});
        continue;
      }
      merge(best.pair);
    }
  }

  BpeTokenizer make() const {
    std::string vocab = "{";
    for (const std::string& token : tokens_) {
      append_json_string(vocab, spell(token));
      fmt::format_to(std::back_inserter(vocab), ": {}, ", &token - tokens_.data());
    }
    append_json_string(vocab, kEndOfText);
    fmt::format_to(std::back_inserter(vocab), ": {}}}\n", tokens_.size());
    std::string merges = "#version: 0.2\n";
    for (const auto& [left, right] : merges_)
      merges.append(fmt::format("{} {}\n", spell(tokens_[left]), spell(tokens_[right])));
    return BpeTokenizer::parse({vocab, merges, ""}, "the trained vocabulary");
  }

 private:
  void read(std::span<const std::string> texts) {
    std::array<int32_t, 256> byte_ids{};
    for (size_t id = 0; id < tokens_.size(); ++id)
      byte_ids[static_cast<uint8_t>(tokens_[id][0])] = static_cast<int32_t>(id);
    std::unordered_map<std::string_view, size_t> places;
    for (const std::string& text : texts) {
      const char* end = text.data() + text.size();
      for (const char* p = text.data(); p < end;) {
        const char* stop = piece_end(p, end);
        const std::string_view piece(p, static_cast<size_t>(stop - p));
        const auto [place, is_new] = places.try_emplace(piece, words_.size());
        if (is_new) {
          Word& word = words_.emplace_back();
          for (const char c : piece) word.ids.push_back(byte_ids[static_cast<uint8_t>(c)]);
        }
        ++words_[place->second].count;
        p = stop;
      }
    }
  }

  /// Adds (+1) or takes away (-1) the pairs of a word. Pairs with token `fresh` are noted in
  /// fresh_pairs_.
  void count_pairs(size_t w, int sign, int32_t fresh) {
    const Word& word = words_[w];
    for (size_t i = 0; i + 1 < word.ids.size(); ++i) {
      const Pair pair = make_pair_of(word.ids[i], word.ids[i + 1]);
      PairStats& stats = pairs_[pair];
      stats.count += sign * word.count;
      if (sign < 0) continue;
      if (stats.words.empty() || stats.words.back() != w) stats.words.push_back(w);
      if (fresh > 0 && (word.ids[i] == fresh || word.ids[i + 1] == fresh))
        fresh_pairs_.insert(pair);
    }
  }

  void merge(Pair pair) {
    const int32_t left = left_of(pair);
    const int32_t right = right_of(pair);
    tokens_.push_back(tokens_[static_cast<size_t>(left)] + tokens_[static_cast<size_t>(right)]);
    const auto merged = static_cast<int32_t>(tokens_.size() - 1);
    merges_.emplace_back(left, right);
    const std::vector<size_t> words = std::move(pairs_[pair].words);
    fresh_pairs_.clear();
    for (const size_t w : words) {
      if (!contains(words_[w].ids, left, right)) continue;
      count_pairs(w, -1, merged);
      replace(words_[w].ids, left, right, merged);
      count_pairs(w, +1, merged);
    }
    pairs_.erase(pair);
    for (const Pair fresh : fresh_pairs_) queue_.push({pairs_[fresh].count, fresh});
  }

  static bool contains(const std::vector<int32_t>& ids, int32_t left, int32_t right) {
    for (size_t i = 0; i + 1 < ids.size(); ++i)
      if (ids[i] == left && ids[i + 1] == right) return true;
    return false;
  }

  static void replace(std::vector<int32_t>& ids, int32_t left, int32_t right, int32_t merged) {
    size_t kept = 0;
    for (size_t i = 0; i < ids.size(); ++i) {
      const bool merges = i + 1 < ids.size() && ids[i] == left && ids[i + 1] == right;
      ids[kept++] = merges ? merged : ids[i];
      if (merges) ++i;
    }
    ids.resize(kept);
  }

  std::vector<std::string> tokens_;
  std::vector<std::pair<int32_t, int32_t>> merges_;
  std::vector<Word> words_;
  std::unordered_map<Pair, PairStats> pairs_;
  std::unordered_set<Pair> fresh_pairs_;
  std::priority_queue<Candidate> queue_;
};

}  // namespace

BpeTokenizer train_bpe(std::span<const std::string> texts, int32_t vocab_size) {
  if (vocab_size < kMinVocabSize)
    throw ConfigError(
        fmt::format("expected a vocabulary size of at least {} (256 bytes and {}), got {}",
                    kMinVocabSize, kEndOfText, vocab_size));
  Trainer trainer(texts);
  trainer.merge_until(static_cast<size_t>(vocab_size) - 1);
  return trainer.make();
}

}  // namespace precis
