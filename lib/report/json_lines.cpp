#include "lib/report/json_lines.h"

#include <fmt/format.h>

#include <string_view>

#include "lib/base/errors.h"
#include "lib/base/files.h"

namespace precis {

namespace fs = std::filesystem;

namespace {

/// Calls visit(record, line) for each line that is a record. Returns the number of the first line
/// before the last that is none; 0 where there is no such line.
template <class Visit>
size_t for_each_record(std::string_view content, Visit visit) {
  size_t bad = 0;
  for (size_t begin = 0, number = 1; begin < content.size(); ++number) {
    const size_t end = content.find('\n', begin);
    const bool last = end == std::string_view::npos;
    const std::string_view line = content.substr(begin, last ? end : end - begin);
    begin = last ? content.size() : end + 1;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const Record record = Record::parse(line, nullptr, /*allow_exceptions=*/false);
    if (record.is_object())
      visit(record, line);
    else if (!last && bad == 0)
      bad = number;
  }
  return bad;
}

/// The content; empty where there is none; nothing where it cannot be read, with the reason told.
std::optional<std::string> content_of(const fs::path& path, const Tell& tell) {
  std::error_code error;
  if (!fs::exists(path, error)) return "";
  try {
    return read_file(path);
  } catch (const DataError& unreadable) {
    if (tell) tell(unreadable.what());
    return std::nullopt;
  }
}

/// Gives a file another name, and says what for. `why` follows its path.
void keep_with_words(const fs::path& path, const std::string& why, const Tell& tell) {
  const std::optional<fs::path> aside = keep_aside(path);
  if (tell)
    tell(fmt::format("{}: {}{}; the records that are whole go on", fs::absolute(path).string(), why,
                     aside ? fmt::format(" (kept as {})", aside->filename().string()) : ""));
}

bool is_done_again(const Record& record, int64_t go_on_from) {
  const std::optional<int64_t> iter = iteration_of(record);
  if (!iter) return false;
  // Train records count the iteration itself, from 0; all others count the iterations done.
  return is_kind(record, "train") ? *iter >= go_on_from : *iter > go_on_from;
}

/// What the file is to hold before anything is appended.
std::string kept_lines(const fs::path& path, std::optional<int64_t> go_on_from, const Tell& tell) {
  if (!go_on_from) return {};
  const std::optional<std::string> content = content_of(path, tell);
  if (!content) {  // another takes its place, and it may yet be readable by somebody
    keep_with_words(path, "cannot be read", tell);
    return {};
  }
  std::string kept;
  kept.reserve(content->size());
  const size_t bad = for_each_record(*content, [&](const Record& record, std::string_view line) {
    if (!is_done_again(record, *go_on_from)) kept.append(line).push_back('\n');
  });
  if (bad > 0) keep_with_words(path, fmt::format("is damaged: line {} is no record", bad), tell);
  return kept;
}

}  // namespace

std::vector<Record> read_json_lines(const fs::path& path) {
  std::vector<Record> records;
  for_each_record(content_of(path, {}).value_or(""),
                  [&](const Record& record, std::string_view) { records.push_back(record); });
  return records;
}

JsonLinesSink::JsonLinesSink(const fs::path& path, std::optional<int64_t> go_on_from,
                             const Tell& tell)
    : file_(path, tell, kept_lines(path, go_on_from, tell)) {}

void JsonLinesSink::write(const Record& record) {
  file_.append(to_json(record) + "\n");
}

}  // namespace precis
