// metrics.jsonl: the records of a run, one JSON object a line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "lib/report/append_file.h"
#include "lib/report/sink.h"

namespace precis {

/// The records of a file, in its order. A last line that was not finished is left out, a missing
/// file has no records. Throws DataError naming file and line where another line is no object.
std::vector<Record> read_json_lines(const std::filesystem::path& path);

/// Appends each record as one line with one write(2); never writes invalid JSON (to_json).
class JsonLinesSink : public Sink {
 public:
  /// Without `go_on_from` a file that was there is emptied: its run left no checkpoint to go on
  /// from.
  ///
  /// go_on_from: the run goes on at so many iterations done. Records of work that is done again
  /// are taken out (train records from that iteration on; records of any other kind whose `iter`,
  /// steps done, is larger) and so is an unfinished last line. All other lines stay byte for byte.
  JsonLinesSink(const std::filesystem::path& path, std::optional<int64_t> go_on_from);

  void write(const Record& record) override;
  void flush() override { file_.sync(); }

 private:
  AppendFile file_;
};

}  // namespace precis
