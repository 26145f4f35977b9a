// Fuzz target: any bytes as the pickle of a checkpoint whose archive and tensors are whole, and as
// the whole file. Refused with a DataError fit for people, or read as a model whose weights and
// moments have the sizes that its parameter table says, and that is written and read again alike.
#include <ATen/ATen.h>
#include <unistd.h>

#include <filesystem>

#include "lib/base/errors.h"
#include "lib/base/files.h"
#include "lib/base/utf8.h"
#include "lib/checkpoint/model_file.h"
#include "lib/formats/pickle_writer.h"
#include "lib/formats/pt_file.h"
#include "lib/formats/zip_writer.h"
#include "lib/model/gpt2/gpt2_shape.h"
#include "tests/fuzz/fuzz.h"

namespace precis {
namespace {

/// The file of this process, in memory where the machine has a place for that.
std::filesystem::path place() {
  const std::filesystem::path memory = "/dev/shm";
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::is_directory(memory, error)
                                           ? memory
                                           : std::filesystem::temp_directory_path();
  return folder / ("precis-fuzz-" + std::to_string(::getpid()) + ".pt");
}

/// Removes what stands there at the end.
struct Place {
  std::filesystem::path path = place();
  ~Place() { std::filesystem::remove(path); }
};

ModelFile small_model(bool trained) {
  Gpt2Shape shape;
  shape.n_layer = shape.n_head = 1;
  shape.n_embd = 2;
  shape.block_size = 3;
  shape.vocab_size = 4;
  ModelFile model;
  model.shape = shape.clone();
  model.flat = initial_parameters(model.table(), 1);
  model.tokenizer = VocabularyTexts{"{}", "", ""};
  model.prompt = PromptConfig{};
  model.generation = GenerationConfig{};
  model.end_tokens = {3};
  model.progress.iter = 7;
  if (trained) {
    model.frozen = {"transformer.wpe.weight"};
    const int64_t numel = model.table().trainable_numel();
    model.optimizer = OptimizerMoments{at::ones({numel}), at::ones({numel})};
    model.progress.optimizer_steps = 7;
  }
  return model;
}

/// A pickle, and the tensors that it speaks of.
struct Parts {
  explicit Parts(bool trained) : model(small_model(trained)) {
    value = checkpoint_value(model, {}, 1e-3, "train:\n");
    pickled = write_pickle(value);
  }
  ModelFile model;
  Value value;
  Pickled pickled;
};

const Parts& parts(bool trained) {
  static const Parts plain(false), with_moments(true);
  return trained ? with_moments : plain;
}

/// An archive as write_pt makes it, but for its pickle.
void write_archive(const std::filesystem::path& path, const std::string& pickle, bool trained) {
  AtomicFile file(path);
  ZipWriter zip(file);
  zip.add("archive/data.pkl", pickle);
  const auto& storages = parts(trained).pickled.storages;
  for (size_t i = 0; i < storages.size(); ++i)
    zip.add("archive/data/" + std::to_string(i), storages[i].bytes);
  zip.add("archive/version", "3\n");
  zip.finish();
  file.commit();
}

void check_model(const ModelFile& model, const std::filesystem::path& path) {
  const ParameterTable table = model.table();
  fuzz_require(model.flat.numel() == table.numel(), "weights of another size than the table's");
  if (model.optimizer)
    for (const at::Tensor& moments : {model.optimizer->exp_avg, model.optimizer->exp_avg_sq})
      fuzz_require(moments.numel() == table.trainable_numel(), "moments of another size");
  if (!model.warnings.empty() || !model.optimizer) return;  // is not written again as it is
  const at::Tensor flat = model.flat.clone();
  ModelFile same = model;
  same.flat = flat;
  write_pt(path, checkpoint_value(same, {}, 1e-3, ""));
  const ModelFile back = read_checkpoint(path);
  fuzz_require(back.flat.nan_to_num().equal(flat.nan_to_num()) &&
                   back.progress.iter == model.progress.iter && back.frozen == model.frozen,
               "a checkpoint that writing and reading change");
}

void read_and_check(const std::filesystem::path& path) {
  try {
    check_model(read_checkpoint(path), path);
  } catch (const DataError& error) {
    const std::string message = error.what();
    fuzz_require(message.find(path.filename().string()) != std::string::npos,
                 "a message that does not name the file");
    fuzz_require(is_utf8(message) && message.size() < 20'000, "a message unfit for people");
  }
}

}  // namespace

const std::vector<std::string>& fuzz_seeds() {
  static const std::vector<std::string> seeds = [] {
    const Place place;
    write_pt(place.path, parts(false).value);
    return std::vector<std::string>{parts(false).pickled.pickle, parts(true).pickled.pickle,
                                    read_file(place.path)};
  }();
  return seeds;
}

}  // namespace precis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const precis::Place place;
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  for (const bool trained : {false, true}) {
    precis::write_archive(place.path, bytes, trained);
    precis::read_and_check(place.path);
  }
  if (!bytes.starts_with("PK")) return 0;
  precis::write_file(place.path, bytes);
  precis::read_and_check(place.path);
  return 0;
}
