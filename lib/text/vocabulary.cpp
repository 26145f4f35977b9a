#include "lib/text/vocabulary.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <functional>

#include "lib/base/errors.h"
#include "lib/text/byte_alphabet.h"
#include "lib/text/json_text.h"

namespace precis {

namespace {

/// A token as merges.txt and vocab.json spell it, short enough for a message.
std::string shown(std::string_view symbol) {
  std::string quoted;
  append_json_string(quoted, symbol.substr(0, 60));
  return quoted;
}

}  // namespace

Vocabulary Vocabulary::parse(std::string_view json, const std::string& name) {
  Vocabulary vocabulary;
  JsonReader reader(json, name);
  vocabulary.blob_.reserve(json.size());
  int32_t num_tokens = 0;
  std::string key;
  reader.expect('{');
  if (!reader.take('}')) {
    do {
      reader.read_string(key);
      if (key.empty()) reader.fail_at_last("expected a token, got an empty string");
      reader.expect(':');
      const int32_t id = reader.read_integer();
      if (id < 0)
        reader.fail_at_last(
            fmt::format("expected an id of at least 0 for {}, got {}", shown(key), id));
      // Checked as it grows, so that one wild id cannot ask for gigabytes; a token takes at least 5
      // bytes of JSON.
      if (static_cast<size_t>(id) > json.size() / 5 + kMaxGap)
        reader.fail_at_last(
            fmt::format("id {} of {} is far beyond the number of entries", id, shown(key)));
      if (id >= vocabulary.size()) vocabulary.entries_.resize(static_cast<size_t>(id) + 1);
      Entry& entry = vocabulary.entries_[static_cast<size_t>(id)];
      if (entry.length > 0)
        reader.fail_at_last(fmt::format("id {} of {} is used twice", id, shown(key)));
      const std::optional<std::string> bytes = unspell(key);
      const std::string& stored = bytes ? *bytes : key;
      entry = {vocabulary.blob_.size(), stored.size(), bytes.has_value()};
      vocabulary.blob_.append(stored);
      ++num_tokens;
    } while (reader.take(','));
    reader.expect('}');
  }
  reader.expect_end();
  if (vocabulary.size() > num_tokens + kMaxGap)
    throw DataError(fmt::format("{}: ids go up to {}, but there are only {} entries", name,
                                vocabulary.size() - 1, num_tokens));
  vocabulary.build_index(name);
  for (int b = 0; b < kNumBytes; ++b) {
    const char byte = static_cast<char>(b);
    if (!vocabulary.find(std::string_view(&byte, 1)))
      throw DataError(fmt::format(
          "{}: no entry {} for byte 0x{:02X}: this is no byte-level BPE vocabulary as GPT-2's",
          name, shown(spell(std::string_view(&byte, 1))), b));
  }
  if (!vocabulary.find(kEndOfText))
    throw DataError(fmt::format(
        "{}: no entry \"{}\", the token that ends a text: use GPT-2's vocabulary or one that "
        "`bpe train` made",
        name, kEndOfText));
  return vocabulary;
}

void Vocabulary::build_index(const std::string& name) {
  index_.assign(std::bit_ceil(entries_.size() * 2 + 2), -1);
  for (int32_t id = 0; id < size(); ++id) {
    if (!entries_[static_cast<size_t>(id)].spelled) continue;
    size_t at = std::hash<std::string_view>()(bytes_of(id)) & (index_.size() - 1);
    for (; index_[at] >= 0; at = (at + 1) & (index_.size() - 1))
      if (bytes_of(index_[at]) == bytes_of(id))
        throw DataError(fmt::format("{}: {} has two ids, {} and {}", name,
                                    shown(spell(bytes_of(id))), index_[at], id));
    index_[at] = id;
  }
}

std::optional<int32_t> Vocabulary::find(std::string_view bytes) const {
  for (size_t at = std::hash<std::string_view>()(bytes);; ++at) {
    const int32_t id = index_[at & (index_.size() - 1)];
    if (id < 0) return std::nullopt;
    if (bytes_of(id) == bytes) return id;
  }
}

MergeTable parse_merges(std::string_view text, const std::string& name,
                        const Vocabulary& vocabulary) {
  MergeTable table(static_cast<size_t>(std::count(text.begin(), text.end(), '\n')) + 1);
  size_t line_number = 0;
  uint32_t rank = 0;
  const auto fail = [&](const std::string& what) {
    throw DataError(fmt::format("{}, line {}: {}", name, line_number, what));
  };
  const auto id_of = [&](std::string_view left, std::string_view right,
                         const std::optional<std::string>& bytes) {
    const std::optional<int32_t> id = bytes ? vocabulary.find(*bytes) : std::nullopt;
    if (!id)
      fail(fmt::format("{} is not in vocab.json: the two files belong to different models",
                       shown(fmt::format("{}{}", left, right))));
    return *id;
  };
  while (!text.empty()) {
    ++line_number;
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || (line_number == 1 && line.starts_with("#version"))) continue;
    const size_t blank = line.find(' ');
    if (blank == 0 || blank >= line.size() - 1 ||
        line.find(' ', blank + 1) != std::string_view::npos)
      fail(fmt::format("expected two symbols with a blank between, got {}", shown(line)));
    const std::string_view left = line.substr(0, blank);
    const std::string_view right = line.substr(blank + 1);
    std::optional<std::string> bytes = unspell(left);
    const std::optional<std::string> right_bytes = unspell(right);
    const int32_t left_id = id_of(left, {}, bytes);
    const int32_t right_id = id_of(right, {}, right_bytes);
    bytes->append(*right_bytes);
    const int32_t merged = id_of(left, right, bytes);
    if (!table.add(left_id, right_id, {rank++, merged}))
      fail(fmt::format("{} is merged by an earlier line already", shown(line)));
  }
  return table;
}

}  // namespace precis
