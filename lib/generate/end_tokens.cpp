#include "lib/generate/end_tokens.h"

#include <fmt/format.h>

#include "lib/base/errors.h"

namespace precis {

EndTokens read_end_tokens(const Value& ids, const std::string& where, int64_t vocab_size,
                          std::vector<std::string>& warnings) {
  const auto* list = ids.get_if<Value::List>();
  const std::vector<Value> all = list == nullptr ? std::vector<Value>{ids} : list->items;
  EndTokens end_tokens;
  for (const Value& item : all) {
    const auto id = item.integer();
    if (!id)
      throw DataError(fmt::format("{}: expected an id of the vocabulary or a list of ids, got {}",
                                  where, typed_text(item)));
    if (*id < 0 || *id >= vocab_size) {
      warnings.push_back(
          fmt::format("{}: {} is no id of the model's {}; passed over", where, *id, vocab_size));
    } else if (const auto token = static_cast<int32_t>(*id); !is_end(end_tokens, token)) {
      end_tokens.push_back(token);
    }
  }
  return end_tokens;
}

Value end_tokens_json(const EndTokens& end_tokens) {
  if (end_tokens.size() == 1) return int64_t{end_tokens.front()};
  Value::List ids;
  for (const int32_t id : end_tokens) ids.items.emplace_back(int64_t{id});
  return ids;
}

}  // namespace precis
