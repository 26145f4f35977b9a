// Fuzz target: any bytes as a config, the first line as overrides. What is refused is refused with
// a ConfigError fit for people; what is accepted comes back unchanged from its own dump.
#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "lib/base/errors.h"
#include "lib/base/utf8.h"
#include "lib/config/config_file.h"
#include "lib/config/describe.h"
#include "tests/config/sample_config.h"
#include "tests/fuzz/fuzz.h"

namespace precis {
namespace {

void check_message(const std::string& message, const std::string& input) {
  fuzz_require(!message.empty() && is_utf8(message), "a message that is no text");
  for (const char* name : {"yaml-cpp", "basic_string"})
    fuzz_require(message.find(name) == std::string::npos || input.find(name) != std::string::npos,
                 "a message that names a library");
  fuzz_require(message.size() < 20'000, "a message without end");
}

void fuzz_config(const std::string& bytes) {
  const size_t line_end = std::min(bytes.find('\n'), bytes.size());
  std::vector<Override> overrides;
  std::istringstream words(bytes.substr(0, line_end));
  for (std::string word; words >> word;) {
    const size_t equals = std::min(word.find('='), word.size());
    overrides.push_back({word.substr(0, equals), word.substr(std::min(equals + 1, word.size()))});
  }
  SampleConfig config;
  try {
    load_config_text(config.sections(), bytes.substr(std::min(line_end + 1, bytes.size())),
                     "x.yaml", overrides);
  } catch (const ConfigError& error) {
    check_message(error.what(), bytes);
    return;
  }
  const std::string dump = dump_yaml(config.sections());
  SampleConfig back;
  load_config_text(back.sections(), dump, "dump", {});
  fuzz_require(dump_yaml(back.sections()) == dump, "a config that its dump changes");
}

}  // namespace

const std::vector<std::string>& fuzz_seeds() {
  static const std::vector<std::string> seeds = {
      "train.max_iters=5 run.stages=train,predict\ntrain:\n  max_iters: 7\n  learning_rate: 1e-3\n "
      " dtype: bfloat16\n",
      "\nrun:\n  out_dir: ${HOME}/out\n  stages: [train, predict]\n  marker: "
      "\"TL;DR:\\n\\u2028\"\n  test_csv: ~\n",
      "\nmodel: {bias: false, n_layer: 12, scale: 0.5, dropout: 0.1, init_from: scratch}\n",
      "model.n_layer=null\nmodel:\n  n_layer: &n 3\nrun:\n  seed: *n\n  marker: |\n    one\n    "
      "two\n",
      "trian.max_iter=5\ntrain:\n  max_iters: -3\n  max_iters: 1.5\nmodel:\n  dropout: 1.5\n",
      "\n---\n# comment\n\"train\":\n  'max_iters': !!int 5\n...\n",
  };
  return seeds;
}

}  // namespace precis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  precis::fuzz_config(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
