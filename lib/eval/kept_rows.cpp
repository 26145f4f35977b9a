#include "lib/eval/kept_rows.h"

#include <fmt/format.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "lib/base/digest_text.h"
#include "lib/base/errors.h"
#include "lib/base/files.h"
#include "lib/base/random.h"

namespace precis {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

KeptRows::KeptRows(fs::path path, const RowsOrigin& origin, Tell tell)
    : path_(std::move(path)),
      origin_(origin),
      tell_(std::move(tell)),
      head_(Json{{"kind", "rows"},
                 {"weights", origin.weights},
                 {"settings", origin.settings},
                 {"rows", origin.num_rows}}
                .dump() +
            "\n") {
  std::error_code error;
  const fs::file_type type = fs::status(path_, error).type();
  if (type == fs::file_type::not_found) return;
  is_usable_ = type == fs::file_type::regular;
  if (is_usable_)
    read();
  else
    tell_(fmt::format("{}: is no file: rows that are done are not kept",
                      fs::absolute(path_).string()));
}

void KeptRows::read() {
  try {
    take(read_file(path_));
  } catch (const DataError& unreadable) {
    tell_(unreadable.what());
  }
}

void KeptRows::take(std::string_view content) {
  const std::string name = path_.filename().string();
  if (!content.starts_with(head_)) {
    found_ = fmt::format("{} is of other weights, settings or rows: begun anew", name);
    return;
  }
  content.remove_prefix(head_.size());
  size_t num_damaged = 0;
  while (!content.empty()) {
    const size_t end = content.find('\n');
    num_damaged += end == std::string_view::npos || !take_line(content.substr(0, end));
    content.remove_prefix(end == std::string_view::npos ? content.size() : end + 1);
  }
  is_whole_ = num_damaged == 0;
  found_ =
      fmt::format("{} of {} rows are done and taken from {}", rows_.size(), origin_.num_rows, name);
  if (num_damaged > 0)
    found_ += fmt::format("; {} damaged line{} left out", num_damaged,
                          num_damaged == 1 ? " is" : "s are");
}

/// Whether the line is a row of this origin.
bool KeptRows::take_line(std::string_view line) {
  const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return false;
  const auto row = json.find("row"), text = json.find("summary"), check = json.find("check");
  if (row == json.end() || text == json.end() || check == json.end()) return false;
  if (!row->is_number_unsigned() || !text->is_string() || !check->is_string()) return false;
  const auto number = row->get<size_t>();
  const auto& summary = text->get_ref<const std::string&>();
  if (number >= origin_.num_rows || check->get<std::string>() != check_of(number, summary))
    return false;
  rows_[number] = summary;
  return true;
}

std::string KeptRows::check_of(size_t row, const std::string& text) const {
  return digest_text(mix_key({digest_of_text(head_), row, digest_of_text(text)}));
}

std::string KeptRows::line_of(size_t row, const std::string& text) const {
  return Json{{"row", row}, {"summary", text}, {"check", check_of(row, text)}}.dump() + "\n";
}

void KeptRows::keep(size_t row, const std::string& text) {
  if (!is_usable_) return;
  if (!file_) {
    std::optional<std::string> content;
    if (!is_whole_) {
      content = head_;
      for (const auto& [done, summary] : rows_) *content += line_of(done, summary);
    }
    file_ = std::make_unique<AppendFile>(path_, tell_, std::move(content));
  }
  file_->append(line_of(row, text));
}

}  // namespace precis
