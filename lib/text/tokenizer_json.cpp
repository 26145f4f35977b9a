#include "lib/text/tokenizer_json.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/errors.h"
#include "lib/base/words.h"
#include "lib/formats/json_value.h"
#include "lib/text/byte_alphabet.h"
#include "lib/text/json_text.h"

namespace precis {
namespace {

/// An object of the file, its members by name.
class JsonObject {
 public:
  JsonObject(std::string_view text, const std::string& name, int64_t line = 1)
      : name_(name), members_(json_members(text, name, line)) {}

  const JsonMember* find(std::string_view key) const {
    const auto found = std::find_if(members_.begin(), members_.end(),
                                    [&](const JsonMember& member) { return member.key == key; });
    return found == members_.end() ? nullptr : &*found;
  }
  const JsonMember& need(std::string_view key) const {
    const JsonMember* member = find(key);
    if (member == nullptr)
      throw DataError(
          fmt::format("{}: has no entry '{}', so it is no tokenizer of tokenizers'", name_, key));
    return *member;
  }
  /// None where there is none.
  Value value(std::string_view key) const {
    const JsonMember* member = find(key);
    return member == nullptr ? Value()
                             : parse_json(member->text, fmt::format("{}: {}", name_, key));
  }
  const std::string& name() const { return name_; }

 private:
  const std::string& name_;
  std::vector<JsonMember> members_;
};

[[noreturn]] void refuse(const std::string& name, const std::string& what) {
  throw DataError(fmt::format("{}: {}: only byte-level BPE as GPT-2's is supported", name, what));
}

std::string type_of(const Value& part) {
  const Value* type = part.find("type");
  const auto* text = type == nullptr ? nullptr : type->get_if<std::string>();
  return text == nullptr ? std::string() : *text;
}

bool is_true(const Value* value) {
  const bool* flag = value == nullptr ? nullptr : value->get_if<bool>();
  return flag != nullptr && *flag;
}

void check_model(const JsonObject& model) {
  const Value type = model.value("type");
  const auto* text = type.get_if<std::string>();
  if (text != nullptr && *text != "BPE")
    refuse(model.name(), fmt::format("model.type is {}", in_quotes(*text)));
  for (const char* key : {"byte_fallback", "ignore_merges"}) {
    const Value value = model.value(key);
    if (is_true(&value)) refuse(model.name(), fmt::format("model.{} is true", key));
  }
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    const Value value = model.value(key);
    const auto* affix = value.get_if<std::string>();
    if (affix != nullptr && !affix->empty())
      refuse(model.name(), fmt::format("model.{} is {}", key, in_quotes(*affix)));
  }
}

/// A sequence of one counts as that one.
void check_pre_tokenizer(Value part, const std::string& name) {
  if (type_of(part) == "Sequence") {
    const Value* parts = part.find("pretokenizers");
    const auto* list = parts == nullptr ? nullptr : parts->get_if<Value::List>();
    if (list != nullptr && list->items.size() == 1) part = Value(list->items.front());
  }
  if (part.is_none()) refuse(name, "there is no pre_tokenizer");
  if (type_of(part) != "ByteLevel")
    refuse(name, fmt::format("pre_tokenizer is {}", in_quotes(type_of(part))));
  if (is_true(part.find("add_prefix_space")))
    refuse(name, "pre_tokenizer.add_prefix_space is true");
  if (part.find("use_regex") != nullptr && !is_true(part.find("use_regex")))
    refuse(name, "pre_tokenizer.use_regex is false");
}

/// The merges as a text, one a line. Those of symbols that no byte spells can never apply: an empty
/// line, so that the lines count merges.
std::string read_merges(const JsonMember& member, const std::string& name) {
  JsonReader reader(member.text, name, member.line);
  std::string text, left, right;
  reader.expect('[');
  if (reader.take(']')) return text;
  do {
    if (reader.take('[')) {
      reader.read_string(left);
      reader.expect(',');
      reader.read_string(right);
      reader.expect(']');
      if (unspell(left) && unspell(right)) text.append(left).append(" ").append(right);
    } else {
      reader.read_string(left);
      if (left.find('\n') != std::string::npos)
        reader.fail_at_last("expected two symbols with a blank between");
      text.append(left);
    }
    text.push_back('\n');
  } while (reader.take(','));
  reader.expect(']');
  reader.expect_end();
  return text;
}

}  // namespace

VocabularySource parse_tokenizer_json(std::string_view text, const std::string& name) {
  const JsonObject file(text, name);
  const JsonMember& part = file.need("model");
  const JsonObject model(part.text, name, part.line);
  check_model(model);
  if (const Value normalizer = file.value("normalizer"); !normalizer.is_none())
    refuse(name, fmt::format("normalizer is {}", in_quotes(type_of(normalizer))));
  check_pre_tokenizer(file.value("pre_tokenizer"), name);
  const JsonMember &vocab = model.need("vocab"), &merges = model.need("merges");
  VocabularySource source;
  source.vocab_json = vocab.text;
  source.vocab_name = name;
  source.vocab_line = vocab.line;
  source.merges_txt = read_merges(merges, name);
  source.merges_name = name;
  source.merges_unit = "merge";
  source.added_tokens = added_tokens_of(file.value("added_tokens"), name);
  return source;
}

std::vector<AddedToken> added_tokens_of_tokenizer_json(std::string_view text,
                                                       const std::string& name) {
  return added_tokens_of(JsonObject(text, name).value("added_tokens"), name);
}

std::string make_tokenizer_json(std::string_view vocab_json, std::string_view merges_txt,
                                const std::vector<AddedToken>& added_tokens) {
  std::string merges;
  merges_txt.remove_prefix(std::min(merges_txt.size(), merges_txt.find('\n') + 1));  // its header
  while (!merges_txt.empty()) {
    const std::string_view line = merges_txt.substr(0, merges_txt.find('\n'));
    merges_txt.remove_prefix(line.size() + 1);
    merges.append(merges.empty() ? "\n      " : ",\n      ");
    append_json_string(merges, line);
  }
  return fmt::format(R"({{
  "version": "1.0",
  "truncation": null,
  "padding": null,
  "added_tokens": {},
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
                     added_tokens_json(added_tokens), vocab_json, merges);
}

}  // namespace precis
