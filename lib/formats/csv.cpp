// CSV reader and writer. The reader checks the bytes first, then goes over them once.
#include "lib/formats/csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <unordered_set>

#include "lib/base/errors.h"
#include "lib/base/files.h"
#include "lib/base/utf8.h"
#include "lib/base/words.h"

namespace precis {
namespace {

/// Line ends in a stretch of text; CRLF counts once.
int64_t count_line_ends(std::string_view text) {
  int64_t count = std::count(text.begin(), text.end(), '\n');
  for (size_t at = text.find('\r'); at != text.npos; at = text.find('\r', at + 1)) {
    if (at + 1 == text.size() || text[at + 1] != '\n') ++count;
  }
  return count;
}

int64_t line_at(std::string_view bytes, size_t offset) {
  return 1 + count_line_ends(bytes.substr(0, offset));
}

/// Throws on bytes that cannot be text, before any of them reaches a cell or a message.
void check_bytes(std::string_view bytes, const std::string& name) {
  if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF")) {
    throw DataError(fmt::format("{}: the file is UTF-16; save it as CSV in UTF-8", name));
  }
  const size_t valid = valid_utf8_length(bytes);
  const size_t zero = std::min(bytes.find('\0'), bytes.size());
  if (zero < valid) {
    throw DataError(fmt::format(
        "{}, line {}: a zero byte at offset {}: this is no text; give a CSV file in UTF-8", name,
        line_at(bytes, zero), zero));
  }
  if (valid < bytes.size()) {
    throw DataError(fmt::format(
        "{}, line {}: byte 0x{:02X} at offset {} is not UTF-8; save the file as CSV in UTF-8", name,
        line_at(bytes, valid), static_cast<unsigned char>(bytes[valid]), valid));
  }
}

/// Hands out one cell after another and knows the line it stands at.
class CsvScanner {
 public:
  CsvScanner(std::string_view bytes, const std::string& name) : bytes_(bytes), name_(name) {
    if (bytes_.starts_with(kByteOrderMark)) at_ = kByteOrderMark.size();
  }

  /// Goes to the start of the next row; false at the end of the file.
  bool next_row() {
    while (at_ < bytes_.size() && is_line_end(bytes_[at_])) end_line();
    return at_ < bytes_.size();
  }

  int64_t line() const { return line_; }

  /// Reads one cell and what ends it; true when that was a comma, so that another cell follows in
  /// this row.
  bool cell(std::string& out) {
    if (at_ < bytes_.size() && bytes_[at_] == '"') quoted(out);
    const size_t begin = at_;  // after a closing quote, too: "a"b is read as ab
    while (at_ < bytes_.size() && !kEndsCell[static_cast<unsigned char>(bytes_[at_])]) ++at_;
    out.append(bytes_, begin, at_ - begin);
    if (at_ == bytes_.size()) return false;
    if (bytes_[at_] == ',') {
      ++at_;
      return true;
    }
    end_line();
    return false;
  }

 private:
  static constexpr std::array<bool, 256> kEndsCell = [] {
    std::array<bool, 256> ends{};
    ends[','] = ends['\n'] = ends['\r'] = true;
    return ends;
  }();

  static bool is_line_end(char c) { return c == '\n' || c == '\r'; }

  void end_line() {
    at_ += bytes_.substr(at_).starts_with("\r\n") ? 2 : 1;
    ++line_;
  }

  /// From the opening quote to behind the closing one; doubled quotes stand for one.
  void quoted(std::string& out) {
    const size_t open = at_++;
    while (true) {
      const size_t quote = bytes_.find('"', at_);
      if (quote == bytes_.npos) {
        throw DataError(fmt::format(
            "{}, line {}: the quote that opens here is never closed; add the closing quote, "
            "or double the quotes inside the cell",
            name_, line_));
      }
      out.append(bytes_, at_, quote - at_);
      at_ = quote + 1;
      if (at_ == bytes_.size() || bytes_[at_] != '"') break;
      out.push_back('"');
      ++at_;
    }
    line_ += count_line_ends(bytes_.substr(open, at_ - open));
  }

  std::string_view bytes_;
  const std::string& name_;
  size_t at_ = 0;
  int64_t line_ = 1;
};

std::vector<std::string> read_row(CsvScanner& scanner, size_t expected_cells) {
  std::vector<std::string> cells;
  cells.reserve(expected_cells);
  while (scanner.cell(cells.emplace_back())) {
  }
  return cells;
}

/// Names for a message: quoted, cut to a readable number.
std::string list_names(const std::vector<std::string>& names) {
  constexpr size_t kMost = 12;
  std::string list;
  for (size_t i = 0; i < std::min(names.size(), kMost); ++i) {
    list += (i == 0 ? "" : ", ") + in_quotes(names[i]);
  }
  if (names.size() > kMost) list += fmt::format(" and {} more", names.size() - kMost);
  return list;
}

void check_header(const CsvTable& table, int64_t line) {
  std::unordered_set<std::string_view> seen;
  for (const std::string& column : table.header) {
    if (column.empty() || seen.insert(column).second)
      continue;  // empty ones are trailing commas or an index
    throw DataError(fmt::format("{}, line {}: two columns are called {}; rename or remove one",
                                table.name, line, in_quotes(column)));
  }
}

}  // namespace

size_t CsvTable::column(std::string_view wanted, std::string_view key) const {
  const auto found = std::find(header.begin(), header.end(), wanted);
  if (found != header.end()) return static_cast<size_t>(found - header.begin());
  const std::string meant = nearest(wanted, header);
  const std::string hint =
      meant.empty() ? "" : fmt::format(" (did you mean {}?)", in_quotes(meant));
  const std::string remedy = key.empty()
                                 ? "rename the column in the file"
                                 : fmt::format("rename the column in the file, or set {}={}", key,
                                               meant.empty() ? "NAME" : in_quotes(meant));
  throw DataError(fmt::format("{}: there is no column {}{}; its columns are {}; {}", name,
                              in_quotes(wanted), hint, list_names(header), remedy));
}

void CsvTable::require_rows() const {
  if (rows.empty()) {
    throw DataError(
        fmt::format("{}: there is a header ({}) and no row below it; add rows or give another file",
                    name, list_names(header)));
  }
}

std::string CsvTable::place(size_t row) const {
  return fmt::format("{}, row {} (line {})", name, row + 1, lines.at(row));
}

CsvTable read_csv(const std::filesystem::path& path) {
  return parse_csv(read_file(path), std::filesystem::absolute(path).lexically_normal().string());
}

CsvTable parse_csv(std::string_view bytes, const std::string& name) {
  check_bytes(bytes, name);
  CsvTable table{name, {}, {}, {}};
  CsvScanner scanner(bytes, table.name);
  if (!scanner.next_row()) {
    throw DataError(fmt::format(
        "{}: the file is empty; expected a line of column names and rows below it", table.name));
  }
  const int64_t header_line = scanner.line();
  table.header = read_row(scanner, 0);
  check_header(table, header_line);
  while (scanner.next_row()) {
    table.lines.push_back(scanner.line());
    table.rows.push_back(read_row(scanner, table.header.size()));
    if (const size_t cells = table.rows.back().size(); cells != table.header.size()) {
      throw DataError(
          fmt::format("{}: {} cell{} where the header has {} ({}); put cells that hold commas, "
                      "quotes or line ends in quotes",
                      table.place(table.rows.size() - 1), cells, cells == 1 ? "" : "s",
                      table.header.size(), list_names(table.header)));
    }
  }
  return table;
}

CsvWriter::CsvWriter(std::span<const std::string> header) : num_columns_(header.size()) {
  row(header);
}

void CsvWriter::row(std::span<const std::string> cells) {
  assert(cells.size() == num_columns_ && "a row has as many cells as the header");
  for (size_t i = 0; i < cells.size(); ++i) {
    const std::string& cell = cells[i];
    if (i > 0) text_.push_back(',');
    // A lone empty cell would be a blank line, and a leading byte order mark would be dropped:
    // quotes keep both.
    const bool lone = cell.empty() && cells.size() == 1;
    if (!lone && cell.find_first_of(",\"\r\n") == cell.npos && !cell.starts_with(kByteOrderMark)) {
      text_ += cell;
      continue;
    }
    text_.push_back('"');
    for (size_t at = 0; at < cell.size();) {
      const size_t end = std::min(cell.find('"', at), cell.size());
      text_.append(cell, at, end - at);
      if (end < cell.size()) text_ += "\"\"";
      at = end + 1;
    }
    text_.push_back('"');
  }
  text_.push_back('\n');
}

}  // namespace precis
