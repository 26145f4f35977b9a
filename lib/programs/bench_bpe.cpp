#include "lib/programs/bench_bpe.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/errors.h"
#include "lib/formats/csv.h"
#include "lib/text/bpe_tokenizer.h"
#include "lib/text/bpe_trainer.h"
#include "lib/text/encode_all.h"
#include "lib/tools/bpe_train.h"

namespace precis {

std::string_view quickstart_dialogues();  // see precis_embed in lib/CMakeLists.txt

namespace {

constexpr int32_t kVocabSize = 1500;        // as configs/quickstart/vocabulary
constexpr size_t kBytesOfARound = 8 << 20;  // at least: starting a thread is nothing beside it

std::vector<std::string> texts_of(const BenchSettings& settings) {
  if (!settings.input.empty()) return read_texts(settings.input);
  const CsvTable table = parse_csv(quickstart_dialogues(), "configs/quickstart/validation.csv");
  std::vector<std::string> texts;
  for (const std::vector<std::string>& row : table.rows)
    for (const char* column : {"dialogue", "summary"}) texts.push_back(row[table.column(column)]);
  return texts;
}

size_t num_bytes(const std::vector<std::string>& texts) {
  size_t bytes = 0;
  for (const std::string& text : texts) bytes += text.size();
  return bytes;
}

/// Once more and once more, until there are enough.
std::vector<std::string> repeated(const std::vector<std::string>& texts) {
  const size_t bytes = num_bytes(texts);
  if (bytes == 0) throw DataError("bench.input: there is no text in it");
  std::vector<std::string> all;
  for (size_t have = 0; have < kBytesOfARound; have += bytes)
    all.insert(all.end(), texts.begin(), texts.end());
  return all;
}

}  // namespace

nlohmann::ordered_json bench_bpe(World&, const DeviceSetup& setup, const BenchSettings& settings) {
  const std::vector<std::string> given = texts_of(settings);
  const std::vector<std::string> texts = repeated(given);
  const BpeTokenizer tokenizer = settings.vocab.value.empty()
                                     ? train_bpe(given, kVocabSize)
                                     : BpeTokenizer::load(settings.vocab.value);
  const double megabytes = static_cast<double>(num_bytes(texts)) * 1e-6;
  const std::set<int> threads{1, 2, setup.threads};
  std::vector<std::vector<double>> rates(threads.size());
  size_t num_tokens = 0;
  for (int64_t round = 0; round <= settings.repeats; ++round) {  // in turn: what disturbs one
    auto rates_of_these = rates.begin();                         // disturbs the others, too
    for (const int num_threads : threads) {
      const auto began = std::chrono::steady_clock::now();
      const auto ids = encode_all(tokenizer, texts, num_threads);
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - began;
      if (round > 0) rates_of_these->push_back(megabytes / seconds.count());  // 0: to warm up
      ++rates_of_these;
      num_tokens = 0;
      for (const auto& of_text : ids) num_tokens += of_text.size();
    }
  }
  nlohmann::ordered_json result{
      {"texts", texts.size()}, {"megabytes", megabytes}, {"tokens", num_tokens}};
  auto rates_of_these = rates.begin();
  for (const int num_threads : threads) {
    std::ranges::sort(*rates_of_these);
    result["mb_per_s"][std::to_string(num_threads)] = {
        {"median", (*rates_of_these)[rates_of_these->size() / 2]},
        {"best", rates_of_these->back()}};
    ++rates_of_these;
  }
  return result;
}

}  // namespace precis
