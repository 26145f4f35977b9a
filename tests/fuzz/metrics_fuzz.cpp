// Fuzz target: any bytes as the metrics.jsonl of a run that goes on. Its records that are not done
// again stay byte for byte, what is appended can be read, going on twice is going on once, and
// TensorBoard's file and the report can be made of whatever the records say.
#include <unistd.h>

#include <filesystem>

#include "lib/base/files.h"
#include "lib/base/utf8.h"
#include "lib/report/html_report.h"
#include "lib/report/json_lines.h"
#include "lib/report/tensorboard.h"
#include "tests/fuzz/fuzz.h"

namespace precis {
namespace {

namespace fs = std::filesystem;

/// A folder of this process, gone at the end.
struct Folder {
  fs::path path;
  Folder() {
    std::error_code error;
    const fs::path memory = "/dev/shm";
    path = (fs::is_directory(memory, error) ? memory : fs::temp_directory_path()) /
           ("precis-fuzz-" + std::to_string(::getpid()));
    fs::create_directories(path);
  }
  ~Folder() { fs::remove_all(path); }
};

/// Goes on from an iteration with one more record; what the file holds then.
std::string go_on(const fs::path& file, int64_t from) {
  const Tell tell = [](const std::string& sentence) {
    fuzz_require(is_utf8(sentence) && sentence.size() < 20'000, "a sentence unfit for people");
  };
  JsonLinesSink sink(file, from, tell);
  sink.write({{"kind", "train"}, {"iter", from}, {"loss", 1.5}});
  fuzz_require(sink.is_complete(), "a record that is not written");
  return read_file(file);
}

void check_records(const std::vector<Record>& records, int64_t from) {
  fuzz_require(!records.empty() && iteration_of(records.back()) == from, "a record that is lost");
  for (size_t i = 0; i + 1 < records.size(); ++i) {
    fuzz_require(records[i].is_object(), "a record that is no object");
    const auto iter = iteration_of(records[i]);
    fuzz_require(!iter || !is_kind(records[i], "train") || *iter < from,
                 "a record of work that is done again");
  }
}

void fuzz_metrics(const std::string& bytes) {
  static const Folder folder;
  const fs::path file = folder.path / "metrics.jsonl", board = folder.path / "tensorboard";
  const int64_t from = bytes.empty() ? 0 : static_cast<unsigned char>(bytes[0]) % 8;
  write_file(file, bytes);
  const std::string once = go_on(file, from);
  const std::vector<Record> records = read_json_lines(file);
  check_records(records, from);
  for (size_t begin = 0; begin + 1 < once.size();) {  // the last line is ours
    const size_t end = once.find('\n', begin);
    const std::string line = once.substr(begin, end - begin);
    fuzz_require(end + 1 == once.size() || bytes.find(line) != std::string::npos,
                 "a line that was not there");
    begin = end + 1;
  }
  fuzz_require(go_on(file, from) == once, "a file that changes when the run goes on again");
  TensorBoardSink sink(board, from, records);
  for (const Record& record : records) sink.write(record);
  if (bytes.size() % 4 == 0)  // as it takes longest by far
    fuzz_require(is_utf8(html_report({"x", {}, records, records.front(), {}, ""})),
                 "a report that is no text");
  fs::remove_all(folder.path);
  fs::create_directories(folder.path);
}

}  // namespace

const std::vector<std::string>& fuzz_seeds() {
  static const std::vector<std::string> seeds = {
      R"({"kind":"train","iter":0,"loss":7.25,"lr":0.001,"grad_norm":1.5,"time":1700000000.5})"
      "\n"
      R"({"kind":"eval","iter":0,"val_loss":7.5,"rouge1":0.25,"rouge2":null,"best":true})"
      "\n"
      R"({"kind":"train","iter":5,"loss":null,"samples_per_s":12.5,"step_ms":80})"
      "\n"
      R"({"kind":"stage","stage":"evaluate","iter":6,"weights":"00ff","settings":"x"})"
      "\n",
      R"({"kind":"train","iter":1e300,"loss":-1e308})"
      "\r\n\n"
      R"({"kind":["train"],"iter":"3"})"
      "\n[]\nnull\n7\n"
      R"({"kind":"eval","iter":-1,"val_loss":{"a":[1]}})"
      "\n{\"kind\":\"train\",\"it",
      R"({"iter":9007199254740993,"kind":"eval","val_loss":1e-320,"rouge1":{"fmeasure":2}})"
      "\n",
      R"({"val_loss":1,"num_examples":1e18,"rouge1":{"precision":0.5,"recall":1e9,"fmeasure":-1}})"
      "\n"
      "{\"kind\":\"\xFF\xC0\",\"iter\":2}\n"};
  return seeds;
}

}  // namespace precis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  precis::fuzz_metrics(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
