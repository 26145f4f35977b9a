// CSV: RFC 4180 in UTF-8, read as Python's csv module reads it. Cells are texts and stay as they
// are: no trimming, no numbers, line ends inside quotes byte for byte. Rows may end in LF, CRLF or
// CR; blank lines are skipped; a byte order mark is dropped. What differs from Python: a quote that
// is never closed and rows of another length are errors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace precis {

/// A CSV file in memory. Every row has as many cells as the header.
struct CsvTable {
  std::string name;                            ///< the file, absolute, for errors
  std::vector<std::string> header;             ///< names are distinct, but for empty ones
  std::vector<std::vector<std::string>> rows;  ///< without the header
  std::vector<int64_t> lines;  ///< line of the file (from 1) at which each row begins

  /// Index of a column. `key` is the setting that names it ("data.summary_column"), if there is
  /// one. Throws DataError that names the file, the columns that are there, the nearest one and
  /// what to change.
  size_t column(std::string_view wanted, std::string_view key = {}) const;

  /// Throws DataError when there is a header and nothing below it.
  void require_rows() const;

  /// "FILE, row 3 (line 7)", for errors about a row (index from 0, shown from 1).
  std::string place(size_t row) const;
};

/// Throws DataError naming file, row and line: no such file, empty file, another number of cells
/// than the header, a quote that is never closed, bytes that are not UTF-8, zero bytes, two columns
/// of one name.
CsvTable read_csv(const std::filesystem::path& path);

/// The same for bytes in memory; `name` stands for the file in errors.
CsvTable parse_csv(std::string_view bytes, const std::string& name);

/// Builds CSV text: rows end in "\n", a cell is quoted only where it must be (as Python's
/// csv.writer).
class CsvWriter {
 public:
  explicit CsvWriter(std::span<const std::string> header);
  /// As many cells as the header has.
  void row(std::span<const std::string> cells);
  /// All rows so far, the header first.
  const std::string& text() const { return text_; }

 private:
  size_t num_columns_;
  std::string text_;
};

}  // namespace precis
