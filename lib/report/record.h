// What the program reports while it runs: records, one JSON object each.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace precis {

/// One thing that happened, as one JSON object: `kind` ("train", "eval", ...) and fields in the
/// order they were added. The names of the fields are those of metrics.jsonl.
using Record = nlohmann::ordered_json;

/// The number under `key`; nothing where it is absent, null or no number. May be NaN or infinite.
std::optional<double> number_in(const Record& record, std::string_view key);

/// `iter` of a record as an integer; nothing where it is absent or no number.
std::optional<int64_t> iteration_of(const Record& record);

/// The text under `key`; empty where it is absent or no text.
std::string text_in(const Record& record, std::string_view key);

/// Whether `kind` is this one.
bool is_kind(const Record& record, std::string_view kind);

/// One line of JSON that is always valid: numbers that are not finite become null, bytes that are
/// no UTF-8 the replacement character.
std::string to_json(const Record& record);

}  // namespace precis
