#include "lib/text/bpe_tokenizer.h"

#include <fmt/format.h>

#include <mutex>

#include "lib/base/errors.h"
#include "lib/base/files.h"
#include "lib/text/json_text.h"
#include "lib/text/piece_cache.h"
#include "lib/text/splitter.h"

namespace precis {

namespace fs = std::filesystem;

/// What one call of encode works with. Words of English fit the first cache, whose entries are half
/// a cache line.
struct BpeTokenizer::Scratch {
  PieceCache<16, 3> words{size_t{1} << 16};
  PieceCache<64, 15> phrases{size_t{1} << 12};
  MergeScratch merge;
  std::vector<int32_t> ids;
};

/// Lends each call a Scratch that it has for itself, and keeps them, caches filled, for later
/// calls.
class BpeTokenizer::ScratchPool {
 public:
  class Lease {
   public:
    explicit Lease(ScratchPool& pool) : pool_(pool), scratch_(pool.take()) {}
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() { pool_.give_back(std::move(scratch_)); }
    Scratch& operator*() const { return *scratch_; }

   private:
    ScratchPool& pool_;
    std::unique_ptr<Scratch> scratch_;
  };

 private:
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

  std::mutex mutex_;
  std::vector<std::unique_ptr<Scratch>> idle_;
  size_t num_made_ = 0;
};

BpeTokenizer::BpeTokenizer(std::string vocab_json, const std::string& vocab_name,
                           std::string merges_txt, const std::string& merges_name)
    : vocab_json_(std::move(vocab_json)),
      merges_txt_(std::move(merges_txt)),
      vocabulary_(Vocabulary::parse(vocab_json_, vocab_name)),
      merges_(parse_merges(merges_txt_, merges_name, vocabulary_)),
      pool_(std::make_unique<ScratchPool>()) {
  for (size_t b = 0; b < byte_ids_.size(); ++b) {
    const char byte = static_cast<char>(b);
    byte_ids_[b] = vocabulary_.find(std::string_view(&byte, 1)).value();
  }
  end_of_text_ = vocabulary_.find(kEndOfText).value();
}

BpeTokenizer::BpeTokenizer(BpeTokenizer&&) noexcept = default;
BpeTokenizer& BpeTokenizer::operator=(BpeTokenizer&&) noexcept = default;
BpeTokenizer::~BpeTokenizer() = default;

BpeTokenizer BpeTokenizer::load(const fs::path& dir) {
  const fs::path folder = fs::absolute(dir).lexically_normal();
  const fs::path vocab = folder / "vocab.json";
  const fs::path merges = folder / "merges.txt";
  for (const fs::path& file : {vocab, merges}) {
    std::error_code ignored;
    if (!fs::exists(file, ignored))
      throw DataError(fmt::format(
          "{}: not found: a vocabulary is a folder that holds vocab.json and merges.txt",
          file.string()));
  }
  return BpeTokenizer(read_file(vocab), vocab.string(), read_file(merges), merges.string());
}

BpeTokenizer BpeTokenizer::parse(std::string_view vocab_json, std::string_view merges_txt,
                                 const std::string& where) {
  return BpeTokenizer(std::string(vocab_json), where + ": vocab.json", std::string(merges_txt),
                      where + ": merges.txt");
}

void BpeTokenizer::merge_piece(std::string_view piece, Scratch& scratch) const {
  scratch.ids.clear();
  for (const char c : piece) scratch.ids.push_back(byte_ids_[static_cast<uint8_t>(c)]);
  merges_.apply(scratch.ids, scratch.merge);
}

/// Writes the ids of a piece to `out`, which has room for num_bytes or, if that is more, a cache
/// entry. Returns their number.
template <typename Cache>
inline size_t BpeTokenizer::encode_short(const char* p, size_t num_bytes, const char* end,
                                         Cache& cache, Scratch& scratch, int32_t* out) const {
  const typename Cache::Key key = Cache::make_key(p, num_bytes, end);
  if (const auto* known = cache.find(key)) {
    std::copy(known->ids.begin(), known->ids.end(),
              out);  // all of them: a fixed number copies fastest
    return static_cast<size_t>(known->num_ids);
  }
  merge_piece({p, num_bytes}, scratch);
  cache.insert(key, scratch.ids);
  std::copy(scratch.ids.begin(), scratch.ids.end(), out);
  return scratch.ids.size();
}

void BpeTokenizer::encode_to(std::string_view text, std::vector<int32_t>& out) const {
  const ScratchPool::Lease lease(*pool_);
  Scratch& scratch = *lease;
  std::array<int32_t, 1024> buffer;
  size_t filled = 0;
  const auto flush = [&] {
    out.insert(out.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(filled));
    filled = 0;
  };
  const char* end = text.data() + text.size();
  for (const char* p = text.data(); p < end;) {
    const char* stop = piece_end(p, end);
    const auto num_bytes = static_cast<size_t>(stop - p);
    if (filled + decltype(scratch.phrases)::kMaxBytes > buffer.size()) flush();
    if (num_bytes <= decltype(scratch.words)::kMaxBytes) {
      filled += encode_short(p, num_bytes, end, scratch.words, scratch, buffer.data() + filled);
    } else if (num_bytes <= decltype(scratch.phrases)::kMaxBytes) {
      filled += encode_short(p, num_bytes, end, scratch.phrases, scratch, buffer.data() + filled);
    } else {
      flush();
      merge_piece({p, num_bytes}, scratch);
      out.insert(out.end(), scratch.ids.begin(), scratch.ids.end());
    }
    p = stop;
  }
  flush();
}

std::vector<int32_t> BpeTokenizer::encode(std::string_view text) const {
  std::vector<int32_t> ids;
  encode_to(text, ids);
  return ids;
}

std::string BpeTokenizer::decode(std::span<const int32_t> ids) const {
  std::string text;
  text.reserve(ids.size() * 5);
  for (const int32_t id : ids) {
    const bool in_range = id >= 0 && id < vocab_size();
    const std::string_view bytes = in_range ? vocabulary_.bytes_of(id) : std::string_view();
    if (bytes.empty())
      throw DataError(
          fmt::format("token id {} is not in the vocabulary of {} tokens", id, vocab_size()));
    text.append(bytes);
  }
  return text;
}

std::string BpeTokenizer::tokenizer_json() const {
  std::string merges;
  std::string_view rest = merges_txt_;
  for (bool first_line = true; !rest.empty(); first_line = false) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || (first_line && line.starts_with("#version"))) continue;
    merges.append(merges.empty() ? "\n      " : ",\n      ");
    append_json_string(merges, line);
  }
  return fmt::format(R"({{
  "version": "1.0",
  "truncation": null,
  "padding": null,
  "added_tokens": [
    {{"id": {}, "content": "{}", "single_word": false, "lstrip": false, "rstrip": false, "normalized": true, "special": true}}
  ],
  "normalizer": null,
  "pre_tokenizer": {{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}},
  "post_processor": {{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": false, "use_regex": true}},
  "decoder": {{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}},
  "model": {{
    "type": "BPE",
    "dropout": null,
    "unk_token": null,
    "continuing_subword_prefix": "",
    "end_of_word_suffix": "",
    "fuse_unk": false,
    "byte_fallback": false,
    "ignore_merges": false,
    "vocab": {},
    "merges": [{}
    ]
  }}
}}
)",
                     end_of_text_, kEndOfText, vocab_json_, merges);
}

void BpeTokenizer::save(const fs::path& dir) const {
  std::error_code error;
  fs::create_directories(dir, error);
  if (error)
    throw DataError(
        fmt::format("{}: cannot be made: {}", fs::absolute(dir).string(), error.message()));
  write_file(dir / "vocab.json", vocab_json_);
  write_file(dir / "merges.txt", merges_txt_);
}

}  // namespace precis
