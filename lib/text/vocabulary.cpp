#include "lib/text/vocabulary.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <functional>
#include <unordered_map>

#include "lib/base/errors.h"
#include "lib/text/byte_alphabet.h"

namespace precis {

namespace {

/// A token as merges.txt and vocab.json spell it, short enough for a message.
std::string shown(std::string_view symbol) {
  std::string quoted;
  append_json_string(quoted, symbol.substr(0, 60));
  return quoted;
}

/// Takes the next line off a text, without its end.
std::string_view take_line(std::string_view& text) {
  std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(text.size(), line.size() + 1));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool is_header(std::string_view line, size_t line_number) {
  return line_number == 1 && line.starts_with("#version");
}

}  // namespace

Vocabulary Vocabulary::parse(std::string_view json, const std::string& name,
                             const std::vector<AddedToken>& added, int64_t first_line) {
  Vocabulary vocabulary;
  vocabulary.name_ = name;
  JsonReader reader(json, name, first_line);
  vocabulary.blob_.reserve(json.size());
  vocabulary.read(reader, json.size());
  vocabulary.base_size_ = vocabulary.size();
  vocabulary.build_index();
  vocabulary.require_bytes();
  vocabulary.add(added);
  vocabulary.settle_end_of_text();
  return vocabulary;
}

void Vocabulary::read(JsonReader& reader, size_t num_bytes) {
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
      if (static_cast<size_t>(id) > num_bytes / 5 + kMaxGap)
        reader.fail_at_last(
            fmt::format("id {} of {} is far beyond the number of entries", id, shown(key)));
      if (id < size() && !bytes_of(id).empty())
        reader.fail_at_last(fmt::format("id {} of {} is used twice", id, shown(key)));
      const std::optional<std::string> bytes = unspell(key);
      put(id, bytes ? *bytes : key, bytes.has_value());
    } while (reader.take(','));
    reader.expect('}');
  }
  reader.expect_end();
  if (size() > num_tokens_ + kMaxGap)
    throw DataError(fmt::format("{}: ids go up to {}, but there are only {} entries", name_,
                                size() - 1, num_tokens_));
}

void Vocabulary::put(int32_t id, std::string_view bytes, bool spelled) {
  if (id >= size()) entries_.resize(static_cast<size_t>(id) + 1);
  entries_[static_cast<size_t>(id)] = {blob_.size(), bytes.size(), spelled};
  blob_.append(bytes);
  ++num_tokens_;
}

void Vocabulary::build_index() {
  index_.assign(std::bit_ceil(entries_.size() * 2 + 2), -1);
  for (int32_t id = 0; id < size(); ++id) {
    if (!entries_[static_cast<size_t>(id)].spelled) continue;
    size_t at = std::hash<std::string_view>()(bytes_of(id)) & (index_.size() - 1);
    for (; index_[at] >= 0; at = (at + 1) & (index_.size() - 1))
      if (bytes_of(index_[at]) == bytes_of(id))
        throw DataError(fmt::format("{}: {} has two ids, {} and {}", name_,
                                    shown(spell(bytes_of(id))), index_[at], id));
    index_[at] = id;
  }
}

void Vocabulary::require_bytes() const {
  for (int b = 0; b < kNumBytes; ++b) {
    const char byte = static_cast<char>(b);
    if (!find(std::string_view(&byte, 1)))
      throw DataError(fmt::format(
          "{}: no entry {} for byte 0x{:02X}: this is no byte-level BPE vocabulary as GPT-2's",
          name_, shown(spell(std::string_view(&byte, 1))), b));
  }
}

std::optional<int32_t> Vocabulary::find(std::string_view bytes) const {
  for (size_t at = std::hash<std::string_view>()(bytes);; ++at) {
    const int32_t id = index_[at & (index_.size() - 1)];
    if (id < 0) return std::nullopt;
    if (bytes_of(id) == bytes) return id;
  }
}

void Vocabulary::add(const std::vector<AddedToken>& tokens) {
  std::unordered_map<std::string, int32_t> other;  // tokens that no bytes spell, and added ones
  for (int32_t id = 0; id < size() && !tokens.empty(); ++id)
    if (!entries_[static_cast<size_t>(id)].spelled) other.emplace(bytes_of(id), id);
  for (AddedToken token : tokens) {
    const std::optional<std::string> bytes = unspell(token.content);
    std::optional<int32_t> known = bytes ? find(*bytes) : std::nullopt;
    if (const auto found = other.find(token.content); !known && found != other.end())
      known = found->second;
    if (token.id == AddedToken::kIdOfVocabulary) {
      if (!known) continue;
      token.id = *known;
    } else if (known && *known != token.id) {
      throw DataError(fmt::format("{}: added token {} has two ids, {} and {}", name_,
                                  shown(token.content), *known, token.id));
    }
    if (!known) place(token);
    other.emplace(token.content, token.id);
    const auto same = [&](const AddedToken& earlier) { return earlier.id == token.id; };
    const auto earlier = known ? std::find_if(added_.begin(), added_.end(), same) : added_.end();
    if (earlier == added_.end())
      added_.push_back(token);
    else
      earlier->special = earlier->special || token.special;
  }
}

void Vocabulary::place(const AddedToken& token) {
  if (token.id > num_tokens_ + kMaxGap)
    throw DataError(fmt::format("{}: id {} of added token {} is far beyond the {} entries", name_,
                                token.id, shown(token.content), num_tokens_));
  if (token.id < size() && !bytes_of(token.id).empty())
    throw DataError(fmt::format("{}: id {} of added token {} is that of {}", name_, token.id,
                                shown(token.content), shown(bytes_of(token.id))));
  put(token.id, token.content, false);
}

void Vocabulary::settle_end_of_text() {
  const auto is_end = [](const AddedToken& token) { return token.content == kEndOfText; };
  auto end = std::find_if(added_.begin(), added_.end(), is_end);
  if (end == added_.end()) {
    const std::optional<int32_t> id = find(kEndOfText);
    if (!id)
      throw DataError(fmt::format(
          "{}: no entry \"{}\", the token that ends a text: use GPT-2's vocabulary or one that "
          "`bpe train` made",
          name_, kEndOfText));
    end = added_.insert(added_.begin(), {.content = std::string(kEndOfText), .id = *id});
  }
  end->special = true;
  end_of_text_ = end->id;
}

void Vocabulary::drop_added_tokens_from(int64_t vocab_size) {
  std::erase_if(added_, [&](const AddedToken& token) { return token.id >= vocab_size; });
  entries_.resize(static_cast<size_t>(
      std::clamp<int64_t>(vocab_size, base_size_, static_cast<int64_t>(entries_.size()))));
  while (size() > base_size_ && bytes_of(size() - 1).empty()) entries_.pop_back();
}

MergeTable parse_merges(std::string_view text, const std::string& name,
                        const Vocabulary& vocabulary, std::string_view unit) {
  MergeTable table(static_cast<size_t>(std::count(text.begin(), text.end(), '\n')) + 1);
  size_t line_number = 0;
  uint32_t rank = 0;
  const auto fail = [&](const std::string& what) {
    throw DataError(fmt::format("{}, {} {}: {}", name, unit, line_number, what));
  };
  const auto id_of = [&](std::string_view left, std::string_view right,
                         const std::optional<std::string>& bytes) {
    const std::optional<int32_t> id = bytes ? vocabulary.find(*bytes) : std::nullopt;
    if (!id)
      fail(fmt::format("{} is not in {}: the two belong to different models",
                       shown(fmt::format("{}{}", left, right)), vocabulary.name()));
    return *id;
  };
  while (!text.empty()) {
    ++line_number;
    const std::string_view line = take_line(text);
    if (line.empty() || is_header(line, line_number)) continue;
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

std::string plain_merges(std::string_view text) {
  std::string merges = "#version: 0.2\n";
  merges.reserve(text.size() + merges.size() + 1);
  for (size_t line_number = 1; !text.empty(); ++line_number) {
    const std::string_view line = take_line(text);
    if (line.empty() || is_header(line, line_number)) continue;
    merges.append(line).push_back('\n');
  }
  return merges;
}

}  // namespace precis
