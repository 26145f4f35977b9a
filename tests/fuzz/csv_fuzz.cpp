// Fuzz target: any bytes as a CSV file. Refused with a DataError fit for people, or read as rows of
// the header's length whose cells the writer and the reader pass on unchanged.
#include "lib/formats/csv.h"

#include "lib/base/errors.h"
#include "lib/base/utf8.h"
#include "tests/fuzz/fuzz.h"

namespace precis {
namespace {

constexpr const char* kFile = "x.csv";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

void check_message(const std::string& message) {
  fuzz_require(message.find(kFile) != std::string::npos, "a message that does not name the file");
  fuzz_require(is_utf8(message), "a message that is no text");
  fuzz_require(message.size() < 20'000, "a message without end");
}

void check_shape(const CsvTable& table, const std::string& bytes) {
  fuzz_require(!table.header.empty() && table.lines.size() == table.rows.size(),
               "a table without a header, or rows without lines");
  const auto num_lines = static_cast<int64_t>(bytes.size()) + 1;
  int64_t last = 1;
  for (size_t row = 0; row < table.rows.size(); ++row) {
    fuzz_require(table.rows[row].size() == table.header.size(), "a row of another length");
    fuzz_require(table.lines[row] > last && table.lines[row] <= num_lines,
                 "rows whose lines do not ascend");
    last = table.lines[row];
  }
}

void check_columns(const CsvTable& table) {
  for (size_t i = 0; i < table.header.size(); ++i) {
    if (table.header[i].empty()) continue;  // several columns may have no name
    fuzz_require(table.column(table.header[i]) == i, "a column that its name does not find");
  }
  try {
    table.column("summary", "data.summary_column");
  } catch (const DataError& error) {
    check_message(error.what());
  }
}

void fuzz_csv(const std::string& bytes) {
  CsvTable table;
  try {
    table = parse_csv(bytes, kFile);
  } catch (const DataError& error) {
    check_message(error.what());
    return;
  }
  check_shape(table, bytes);
  check_columns(table);
  if (table.header[0].starts_with(kByteOrderMark)) return;  // would be dropped when read again
  CsvWriter writer(table.header);
  for (const std::vector<std::string>& row : table.rows) writer.row(row);
  const CsvTable back = parse_csv(writer.text(), kFile);
  fuzz_require(back.header == table.header && back.rows == table.rows,
               "cells that writing and reading change");
}

}  // namespace

const std::vector<std::string>& fuzz_seeds() {
  static const std::vector<std::string> seeds = {
      "id,dialogue,summary\n1,\"#Person1#: Hi, \"\"you\"\"!\r\n#Person2#: Yes?\",A greeting.\n"
      "007,\"\",\" b \"\n",
      "\xEF\xBB\xBFid,dialogue\r\n\r\n1,caf\xC3\xA9 \xF0\x9F\x99\x82\r\n2,\"x\"y\r\n",
      "a,,\r1,\"\r\n\",\r,,\"\"\r",
      "a\n\"\"\n\"\"\"\"\n",
      "a,b\n1,2,3\n",
      "a,a\n1,2\n",
      "a,b\n\"1,2\n",
      "",
      "id,summary\n1,\xE2\x80\xA8\xC2\xA0\t\x01'\\;\n"};
  return seeds;
}

}  // namespace precis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  precis::fuzz_csv(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
