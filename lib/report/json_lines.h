// metrics.jsonl: the records of a run, one JSON object a line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "lib/base/append_file.h"
#include "lib/report/sink.h"

namespace precis {

/// The records of a file, in its order. Lines that are no object are left out: one that was not
/// finished, or what a disk made of it. A file that is missing or cannot be read has no records.
std::vector<Record> read_json_lines(const std::filesystem::path& path);

/// Appends each record as one line, as AppendFile does it; never writes invalid JSON (to_json).
class JsonLinesSink : public Sink {
 public:
  /// Without `go_on_from` a file that was there is emptied: its run left no checkpoint to go on
  /// from.
  ///
  /// go_on_from: the run goes on at so many iterations done. Records of work that is done again
  /// are taken out (train records from that iteration on; records of any other kind whose `iter`,
  /// steps done, is larger) and so is an unfinished last line. All other lines stay byte for byte.
  /// A file with other lines that are no record is damaged: `tell` hears of it, it is kept under
  /// another name, and its records go on.
  JsonLinesSink(const std::filesystem::path& path, std::optional<int64_t> go_on_from,
                const Tell& tell = {});

  void write(const Record& record) override;
  void flush() override { file_.sync(); }
  bool is_complete() const override { return file_.is_complete(); }

 private:
  AppendFile file_;
};

}  // namespace precis
