#include "lib/text/added_tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "lib/base/errors.h"
#include "lib/base/utf8.h"
#include "lib/text/json_text.h"
#include "lib/text/splitter.h"

namespace precis {
namespace {

constexpr auto kSpace = static_cast<uint8_t>(CharClass::kSpace);

/// The beginning of the character that ends at `end`, which is not the beginning of the text.
size_t character_before(std::string_view text, size_t end) {
  size_t at = end - 1;
  while (at > 0 && end - at < 4 && (static_cast<uint8_t>(text[at]) & 0xC0) == 0x80) --at;
  return at;
}

uint8_t class_at(std::string_view text, size_t at) {
  return splitter::classify(text.data() + at, text.data() + text.size()).char_class;
}

/// Letters, numbers and '_'. (tokenizers' \w has marks and further connectors, too.)
bool is_word(std::string_view text, size_t at) {
  const uint8_t found = class_at(text, at);
  return found == static_cast<uint8_t>(CharClass::kLetter) ||
         found == static_cast<uint8_t>(CharClass::kNumber) || text[at] == '_';
}

bool is_part_of_a_word(std::string_view text, size_t begin, size_t end) {
  return (begin > 0 && is_word(text, character_before(text, begin))) ||
         (end < text.size() && is_word(text, end));
}

size_t space_begin(std::string_view text, size_t end, size_t from) {
  while (end > from) {
    const size_t before = character_before(text, end);
    if (before < from || class_at(text, before) != kSpace) break;
    end = before;
  }
  return end;
}

size_t space_end(std::string_view text, size_t begin) {
  const char* end = text.data() + text.size();
  return static_cast<size_t>(splitter::run_end(text.data() + begin, end, kSpace) - text.data());
}

bool flag(const Value& token, const char* key) {
  const Value* value = token.find(key);
  const bool* said = value == nullptr ? nullptr : value->get_if<bool>();
  return said != nullptr && *said;
}

AddedToken added_token_of(const Value& value, const std::string& where) {
  const Value *content = value.find("content"), *id = value.find("id");
  const auto* text = content == nullptr ? nullptr : content->get_if<std::string>();
  if (text == nullptr || text->empty())
    throw DataError(fmt::format("{}: an added token has no content", where));
  AddedToken token{.content = *text};
  if (id != nullptr) {
    const auto* number = id->get_if<int64_t>();
    if (number == nullptr || *number < 0 || *number > std::numeric_limits<int32_t>::max()) {
      std::string shown;
      append_json_string(shown, text->substr(0, 60));
      throw DataError(fmt::format("{}: the id of added token {} is {}, expected an integer from 0",
                                  where, shown,
                                  number ? fmt::format("{}", *number) : id->kind_name()));
    }
    token.id = static_cast<int32_t>(*number);
  }
  token.special = flag(value, "special");
  token.single_word = flag(value, "single_word");
  token.lstrip = flag(value, "lstrip");
  token.rstrip = flag(value, "rstrip");
  token.normalized = flag(value, "normalized");
  return token;
}

}  // namespace

std::vector<AddedToken> added_tokens_of(const Value& list, const std::string& where) {
  std::vector<AddedToken> tokens;
  if (list.is_none()) return tokens;
  const auto* items = list.get_if<Value::List>();
  if (items == nullptr)
    throw DataError(
        fmt::format("{}: expected a list of added tokens, got {}", where, list.kind_name()));
  for (const Value& item : items->items) tokens.push_back(added_token_of(item, where));
  return tokens;
}

std::string added_tokens_json(const std::vector<AddedToken>& tokens) {
  std::string json = "[";
  for (const AddedToken& token : tokens) {
    fmt::format_to(std::back_inserter(json),
                   "{}    {{\"id\": {}, \"content\": ", &token == tokens.data() ? "\n" : ",\n",
                   token.id);
    append_json_string(json, token.content);
    fmt::format_to(
        std::back_inserter(json),
        R"(, "single_word": {}, "lstrip": {}, "rstrip": {}, "normalized": {}, "special": {}}})",
        token.single_word, token.lstrip, token.rstrip, token.normalized, token.special);
  }
  return json + (tokens.empty() ? "]" : "\n  ]");
}

AddedTokenFinder::AddedTokenFinder(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  std::stable_sort(tokens_.begin(), tokens_.end(), [](const AddedToken& a, const AddedToken& b) {
    return a.content.size() > b.content.size();
  });
  for (size_t i = 0; i < tokens_.size(); ++i)
    by_first_byte_[static_cast<uint8_t>(tokens_[i].content.front())].push_back(
        static_cast<uint32_t>(i));
}

const AddedToken* AddedTokenFinder::longest_at(std::string_view text, size_t at) const {
  for (const uint32_t i : by_first_byte_[static_cast<uint8_t>(text[at])])
    if (text.substr(at).starts_with(tokens_[i].content)) return &tokens_[i];
  return nullptr;
}

bool AddedTokenFinder::next(std::string_view text, const Match& last, Match& match) const {
  for (size_t at = last.token_end; at < text.size();) {
    const AddedToken* token = longest_at(text, at);
    if (token == nullptr) {
      ++at;
      continue;
    }
    const size_t end = at + token->content.size();
    if (token->single_word && is_part_of_a_word(text, at, end)) {
      at = end;
      continue;
    }
    const size_t begin = token->lstrip ? space_begin(text, at, last.end) : at;
    match = {std::max(begin, last.end),
             std::max(token->rstrip ? space_end(text, end) : end, last.end), end, token->id};
    return true;
  }
  return false;
}

}  // namespace precis
