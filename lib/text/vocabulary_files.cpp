#include "lib/text/vocabulary_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>
#include <variant>

#include "lib/base/errors.h"
#include "lib/base/files.h"
#include "lib/base/utf8.h"
#include "lib/formats/json_value.h"
#include "lib/text/tokenizer_json.h"

namespace precis {
namespace {

namespace fs = std::filesystem;

bool is_there(const fs::path& file) {
  std::error_code ignored;
  return fs::exists(file, ignored);
}

/// Without the byte order mark that some editors write.
std::string read_text(const fs::path& file) {
  std::string text = read_file(file);
  if (text.starts_with(kByteOrderMark)) text.erase(0, kByteOrderMark.size());
  return text;
}

/// Empty where there is no such file.
Value read_object(const fs::path& file) {
  if (!is_there(file)) return Value::dict();
  Value object = parse_json(read_text(file), file.string());
  if (object.get_if<Value::Dict>() == nullptr)
    throw DataError(
        fmt::format("{}: expected a JSON object, got {}", file.string(), object.kind_name()));
  return object;
}

/// Of two with one content or one id the earlier one counts.
void merge_into(std::vector<AddedToken>& tokens, std::vector<AddedToken> more) {
  const size_t num_before = tokens.size();
  for (AddedToken& token : more) {
    const auto clashes = [&](const AddedToken& other) {
      return other.id == token.id || other.content == token.content;
    };
    const auto end = tokens.begin() + static_cast<std::ptrdiff_t>(num_before);
    if (std::none_of(tokens.begin(), end, clashes)) tokens.push_back(std::move(token));
  }
}

/// added_tokens_decoder of tokenizer_config.json: {"50257": {"content": "<pad>", ...}}.
std::vector<AddedToken> added_tokens_of_config(const Value& config, const std::string& name) {
  const Value* decoder = config.find("added_tokens_decoder");
  const auto* entries = decoder == nullptr ? nullptr : decoder->get_if<Value::Dict>();
  if (entries == nullptr) return {};
  Value::List list;
  for (const DictItem& item : entries->items) {
    Value token = item.value;
    const std::string id = std::holds_alternative<std::string>(item.key)
                               ? std::get<std::string>(item.key)
                               : key_text(item.key);
    int64_t number = 0;
    const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
    if (error != std::errc() || end != id.data() + id.size() ||
        token.get_if<Value::Dict>() == nullptr)
      throw DataError(
          fmt::format("{}: added_tokens_decoder: expected ids and tokens, got '{}'", name, id));
    token.set("id", number);
    list.items.push_back(std::move(token));
  }
  return added_tokens_of(Value(std::move(list)), name);
}

/// added_tokens.json: {"<pad>": 50257}.
std::vector<AddedToken> added_tokens_of_map(const Value& map, const std::string& name) {
  Value::List list;
  for (const DictItem& item : map.get_if<Value::Dict>()->items) {
    Value token = Value::dict();
    token.set("content", std::get<std::string>(item.key));
    token.set("id", item.value);
    list.items.push_back(std::move(token));
  }
  return added_tokens_of(Value(std::move(list)), name);
}

/// The texts that a value names: a text, a token's content, or those of a list or a dict.
void collect_names(const Value& value, std::vector<std::string>& names) {
  if (const auto* text = value.get_if<std::string>()) {
    names.push_back(*text);
  } else if (const auto* list = value.get_if<Value::List>()) {
    for (const Value& item : list->items) collect_names(item, names);
  } else if (const Value* content = value.find("content")) {
    collect_names(*content, names);
  } else if (const auto* dict = value.get_if<Value::Dict>()) {
    for (const DictItem& item : dict->items) collect_names(item.value, names);
  }
}

/// Tokens that leave no text, by what transformers calls their part.
void mark_special(const Value& file, std::vector<AddedToken>& tokens) {
  std::vector<std::string> names;
  for (const char* key :
       {"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
        "additional_special_tokens", "extra_special_tokens"})
    if (const Value* value = file.find(key)) collect_names(*value, names);
  for (const std::string& name : names) {
    if (name.empty()) continue;
    const auto same = [&](const AddedToken& token) { return token.content == name; };
    const auto found = std::find_if(tokens.begin(), tokens.end(), same);
    if (found != tokens.end())
      found->special = true;
    else
      tokens.push_back({.content = name, .special = true});
  }
}

void read_added_tokens(const fs::path& folder, std::vector<AddedToken>& tokens) {
  const fs::path config_file = folder / "tokenizer_config.json", map = folder / "added_tokens.json";
  const Value config = read_object(config_file);
  merge_into(tokens, added_tokens_of_config(config, config_file.string()));
  merge_into(tokens, added_tokens_of_map(read_object(map), map.string()));
  mark_special(config, tokens);
  mark_special(read_object(folder / "special_tokens_map.json"), tokens);
}

}  // namespace

bool holds_vocabulary(const fs::path& folder) {
  return is_there(folder / "vocab.json") || is_there(folder / "tokenizer.json");
}

VocabularySource read_vocabulary(const fs::path& named) {
  const fs::path folder = fs::absolute(named).lexically_normal();
  const fs::path vocab = folder / "vocab.json", merges = folder / "merges.txt",
                 whole = folder / "tokenizer.json";
  VocabularySource source;
  if (is_there(whole) && !(is_there(vocab) && is_there(merges))) {
    source = parse_tokenizer_json(read_text(whole), whole.string());
  } else {
    for (const fs::path& file : {vocab, merges})
      if (!is_there(file))
        throw DataError(
            fmt::format("{}: not found: a vocabulary is a folder that holds vocab.json "
                        "and merges.txt, or tokenizer.json",
                        file.string()));
    source.vocab_json = read_text(vocab);
    source.vocab_name = vocab.string();
    source.merges_txt = read_text(merges);
    source.merges_name = merges.string();
    if (is_there(whole))
      source.added_tokens = added_tokens_of_tokenizer_json(read_text(whole), whole.string());
  }
  read_added_tokens(folder, source.added_tokens);
  return source;
}

VocabularySource source_of(const VocabularyTexts& texts, const std::string& where) {
  VocabularySource source;
  source.vocab_json = texts.vocab_json;
  source.vocab_name = where + ": vocab.json";
  source.merges_txt = texts.merges_txt;
  source.merges_name = where + ": merges.txt";
  if (!texts.added_tokens.empty()) {
    const std::string name = where + ": added tokens";
    source.added_tokens = added_tokens_of(parse_json(texts.added_tokens, name), name);
  }
  return source;
}

}  // namespace precis
