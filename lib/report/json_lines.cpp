#include "lib/report/json_lines.h"

#include <fmt/format.h>

#include <string_view>

#include "lib/base/errors.h"
#include "lib/base/files.h"

namespace precis {

namespace fs = std::filesystem;

namespace {

/// Calls visit(record, line) for each finished line that is not blank.
template <class Visit>
void for_each_record(const fs::path& path, std::string_view content, Visit visit) {
  for (size_t begin = 0, number = 1; begin < content.size(); ++number) {
    const size_t end = content.find('\n', begin);
    const bool last = end == std::string_view::npos;
    const std::string_view line = content.substr(begin, last ? end : end - begin);
    begin = last ? content.size() : end + 1;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const Record record = Record::parse(line, nullptr, /*allow_exceptions=*/false);
    if (record.is_object()) {
      visit(record, line);
    } else if (!last) {
      throw DataError(
          fmt::format("{}: line {}: expected one JSON object a line, got '{}'; repair or remove "
                      "that line",
                      fs::absolute(path).string(), number, line.substr(0, 60)));
    }
  }
}

bool is_done_again(const Record& record, int64_t go_on_from) {
  const std::optional<int64_t> iter = iteration_of(record);
  if (!iter) return false;
  // Train records count the iteration itself, from 0; all others count the iterations done.
  return is_kind(record, "train") ? *iter >= go_on_from : *iter > go_on_from;
}

std::string kept_lines(const fs::path& path, int64_t go_on_from) {
  if (!fs::exists(path)) return {};
  const std::string content = read_file(path);
  std::string kept;
  kept.reserve(content.size());
  for_each_record(path, content, [&](const Record& record, std::string_view line) {
    if (!is_done_again(record, go_on_from)) kept.append(line).push_back('\n');
  });
  return kept;
}

/// The path itself, once the file holds what is to stay.
const fs::path& prepared(const fs::path& path, std::optional<int64_t> go_on_from) {
  write_file(path, go_on_from ? kept_lines(path, *go_on_from) : std::string());
  return path;
}

}  // namespace

std::vector<Record> read_json_lines(const fs::path& path) {
  std::vector<Record> records;
  if (!fs::exists(path)) return records;
  const std::string content = read_file(path);
  for_each_record(path, content,
                  [&](const Record& record, std::string_view) { records.push_back(record); });
  return records;
}

JsonLinesSink::JsonLinesSink(const fs::path& path, std::optional<int64_t> go_on_from)
    : file_(prepared(path, go_on_from), AppendFile::Existing::kKeep) {}

void JsonLinesSink::write(const Record& record) {
  file_.append(to_json(record) + "\n");
}

}  // namespace precis
