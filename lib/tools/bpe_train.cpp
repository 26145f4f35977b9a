#include "lib/tools/bpe_train.h"

#include <utility>
#include <vector>

#include "lib/base/files.h"
#include "lib/base/output_target.h"
#include "lib/formats/csv.h"
#include "lib/text/bpe_trainer.h"

namespace precis {
namespace {

/// Appends the texts of a file: a CSV file's cells but those of its column `id`, else the whole of
/// it.
void append_texts(const std::filesystem::path& path, std::vector<std::string>& texts) {
  if (path.extension() != ".csv") {
    texts.push_back(read_file(path));
    return;
  }
  CsvTable table = read_csv(path);
  for (std::vector<std::string>& row : table.rows)
    for (size_t column = 0; column < row.size(); ++column)
      if (table.header[column] != "id") texts.push_back(std::move(row[column]));
}

}  // namespace

std::vector<std::string> read_texts(std::span<const std::string> inputs) {
  std::vector<std::string> texts;
  for (const std::string& input : inputs) append_texts(input, texts);
  return texts;
}

BpeTokenizer train_vocabulary(std::span<const std::string> inputs,
                              const std::filesystem::path& output, int32_t size) {
  check_output_folder(output, "--output");
  BpeTokenizer tokenizer = train_bpe(read_texts(inputs), size);
  tokenizer.save(output);
  return tokenizer;
}

}  // namespace precis
