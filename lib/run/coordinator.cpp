#include "lib/run/coordinator.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <utility>

#include "lib/base/errors.h"
#include "lib/base/files.h"
#include "lib/config/describe.h"
#include "lib/formats/csv.h"
#include "lib/model/model_family.h"
#include "lib/report/console.h"
#include "lib/report/html_report.h"
#include "lib/report/json_lines.h"
#include "lib/report/tensorboard.h"

namespace precis {

namespace fs = std::filesystem;

namespace {

/// How long a run that ends waits for a disk to take what it has not taken yet.
constexpr std::chrono::seconds kPatience{5};

}  // namespace

Coordinator::Coordinator(RunConfig& config, bool is_root, Log& log)
    : config_(config),
      is_root_(is_root),
      log_(log),
      folder_{config.run.out_dir.value},
      config_yaml_(dump_yaml(config.sections())),
      files_([&log](const std::string& sentence) { log.warn(sentence); }),
      checkpoints_(folder_, [this] { reporter_.flush(); }) {
  if (!is_root_) return;
  std::error_code error;
  fs::create_directories(folder_.path(), error);
  if (error || !fs::is_directory(folder_.path()))
    throw ConfigError(fmt::format("run.out_dir {} cannot be made a folder: {}",
                                  fs::absolute(folder_.path()).string(),
                                  error ? error.message() : "it is a file"));
}

void Coordinator::open(const Inputs& inputs, bool trains) {
  if (!is_root_) return;
  log_.open(folder_.path() / "train.log");
  folder_.remove_leftovers();
  keep_aside(inputs.damaged);
  if (trains && inputs.resumed_last) number_last(inputs.iter);
  write("config.yaml", config_yaml_);
  write_vocabulary_ = [&tokenizer = *inputs.tokenizer, folder = folder_.path()] {
    tokenizer.save(folder, Links::kReplace);
  };
  files_.write("the vocabulary", write_vocabulary_);
  const fs::path metrics = folder_.path() / "metrics.jsonl";
  std::optional<int64_t> go_on_from = inputs.iter;
  if (trains && !inputs.resumed) go_on_from.reset();
  if (!trains) {  // evaluation adds to what is there
    constexpr int64_t kEverything = int64_t{1} << 60;
    go_on_from = kEverything;
  }
  const Tell tell = [&log = log_](const std::string& sentence) { log.warn(sentence); };
  reporter_.add(std::make_unique<JsonLinesSink>(metrics, go_on_from, tell));
  reporter_.add(std::make_unique<ConsoleSink>(log_, config_.report.log_interval));
  if (config_.report.tensorboard && trains)
    reporter_.add(std::make_unique<TensorBoardSink>(folder_.path() / "tensorboard", go_on_from,
                                                    read_json_lines(metrics), tell));
}

void Coordinator::record(Record record) {
  if (!is_root_) return;
  require_held();
  record["time"] =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  reporter_.write(record);
  tell_failures();
  constexpr std::chrono::seconds kRest{1};
  if (std::chrono::steady_clock::now() - tended_ > kRest) tend();
}

/// What should be in the folder and is not.
void Coordinator::tend() {
  std::error_code error;
  const fs::file_type config = fs::status(folder_.path() / "config.yaml", error).type();
  if (config == fs::file_type::not_found && write_vocabulary_) make_folder_anew();
  files_.retry();
  if (files_.is_complete())
    for (Record& note : std::exchange(notes_, {})) {
      reporter_.write(note);
      remove_kept_rows(note.value("stage", ""));
    }
  tended_ = std::chrono::steady_clock::now();
}

void Coordinator::make_folder_anew() {
  // Not those above it: where they are gone as well, so is a disk, which may come back.
  std::error_code error;
  if (fs::create_directory(folder_.path(), error))
    log_.warn(fmt::format("{}: was removed; made anew with what this run knows",
                          fs::absolute(folder_.path()).string()));
  write("config.yaml", config_yaml_);
  files_.write("the vocabulary", write_vocabulary_);
}

void Coordinator::keep_aside(std::span<const fs::path> damaged) {
  if (!is_root_) return;
  for (const fs::path& path : damaged)
    if (const auto aside = precis::keep_aside(path))
      log_.info(
          fmt::format("{} is kept as {}", path.filename().string(), aside->filename().string()));
}

/// What a process that was killed while it saved may not have come to.
void Coordinator::number_last(int64_t iter) {
  try {
    folder_.number_last(iter, config_.checkpoint.keep_last);
  } catch (const DataError& failure) {
    log_.warn(failure.what());
  }
}

CheckpointWriter::State Coordinator::state_of(const ModelFile& state, double learning_rate) const {
  ModelFile rest = state;
  rest.flat.reset();
  rest.optimizer.reset();
  return {state.progress.iter,
          {state.flat, state.optimizer->exp_avg, state.optimizer->exp_avg_sq},
          [this, rest, learning_rate](std::span<const at::Tensor> copies) {
            ModelFile file = rest;
            file.flat = copies[0];
            file.optimizer = OptimizerMoments{copies[1], copies[2]};
            return checkpoint_value(file, config_.train, learning_rate, config_yaml_);
          }};
}

void Coordinator::tell_failures() {
  for (const std::string& why : checkpoints_.take_failures())
    log_.warn(fmt::format("a checkpoint was not saved: {}; going on, and trying again", why));
  for (const std::string& name : checkpoints_.take_repairs())
    log_.warn(fmt::format("{} is saved again", name));
}

void Coordinator::save_best(const ModelFile& state, double learning_rate) {
  if (!is_root_) return;
  require_held();
  checkpoints_.save_best(state_of(state, learning_rate));
  tell_failures();
}

void Coordinator::save_last(const ModelFile& state, double learning_rate) {
  if (!is_root_) return;
  require_held();
  checkpoints_.save_last(state_of(state, learning_rate), config_.checkpoint.keep_last);
  tell_failures();
}

void Coordinator::finish_saves() {
  if (!is_root_) return;
  checkpoints_.finish(kPatience);
  tell_failures();
  reporter_.flush();
}

void Coordinator::settle_saves() {
  try {
    finish_saves();
  } catch (const DataError& failure) {
    if (!folder_.to_evaluate()) throw;
    log_.warn(fmt::format("{}\ngoing on with what is saved; the last try comes at the end",
                          failure.what()));
  }
}

void Coordinator::finish() {
  if (!is_root_) return;
  const auto until = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    tend();
    reporter_.flush();
    if (files_.is_complete() && reporter_.is_complete() && log_.is_complete()) break;
    if (std::chrono::steady_clock::now() > until)
      throw DataError(fmt::format(
          "{}{}the run is done, but not all of it could be written: mend that and run the same "
          "line again",
          files_.reasons(), files_.is_complete() ? "" : "\n"));
    constexpr std::chrono::milliseconds kPause{250};
    std::this_thread::sleep_for(kPause);
  }
  finish_saves();
}

void Coordinator::write(const std::string& name, const std::string& content) {
  if (!is_root_) return;
  files_.write(name, [path = folder_.path() / name, content] {
    write_file(path, content, Links::kReplace);
  });
}

bool Coordinator::is_up_to_date(const std::string& stage, const std::string& weights,
                                const std::string& settings, const std::string& file) const {
  if (!fs::exists(folder_.path() / file)) return false;
  bool same = false;
  for (const Record& record : read_json_lines(folder_.path() / "metrics.jsonl")) {
    if (record.value("kind", "") != "stage" || record.value("stage", "") != stage) continue;
    same = record.value("weights", "") == weights && record.value("settings", "") == settings;
  }
  return same;
}

void Coordinator::note_stage(const std::string& stage, int64_t iter, const std::string& weights,
                             const std::string& settings) {
  if (!is_root_) return;
  const Record note{{"kind", "stage"},
                    {"stage", stage},
                    {"iter", iter},
                    {"weights", weights},
                    {"settings", settings}};
  if (!files_.is_complete()) {
    notes_.push_back(note);  // it would say of an older file that it is of these weights
    return;
  }
  record(note);
  remove_kept_rows(stage);
}

fs::path Coordinator::rows_file(const std::string& stage) const {
  return folder_.path() / (stage + ".rows.jsonl");
}

std::unique_ptr<KeptRows> Coordinator::kept_rows(const std::string& stage,
                                                 const RowsOrigin& origin) {
  if (!is_root_) return nullptr;
  return std::make_unique<KeptRows>(
      rows_file(stage), origin, [&log = log_](const std::string& sentence) { log.warn(sentence); });
}

void Coordinator::remove_kept_rows(const std::string& stage) const {
  if (!is_root_) return;
  std::error_code ignored;  // it does no harm where it stays
  if (fs::is_regular_file(rows_file(stage), ignored)) fs::remove(rows_file(stage), ignored);
}

void Coordinator::require_held() const {
  if (lock_ != nullptr) lock_->require_held();
}

void Coordinator::write_report(const Inputs& inputs) {
  if (!is_root_ || !config_.report.html) return;
  try {
    write("report.html", html_report(report_of(inputs)));
  } catch (const DataError& unreadable) {  // one of the files it is made of
    log_.warn(fmt::format("report.html is not made: {}", unreadable.what()));
  }
}

ReportInput Coordinator::report_of(const Inputs& inputs) const {
  ReportInput page;
  page.title = fmt::format("Precis: {}", folder_.path().filename().string());
  page.records = read_json_lines(folder_.path() / "metrics.jsonl");
  page.config_yaml = config_yaml_;
  const ModelShape& shape = *inputs.shape;
  page.facts = {{"model", fmt::format("{}, {}, vocabulary {}", shape.family().title(),
                                      shape.words(), shape.vocab_size)},
                {"parameters", fmt::format("{:.2f} million",
                                           static_cast<double>(shape.parameters().numel()) / 1e6)},
                {"training rows", fmt::format("{}", inputs.split.train.size())},
                {"validation rows", fmt::format("{}", inputs.split.validation.size())},
                {"initial weights", config_.model.init_from.value}};
  if (const fs::path file = folder_.path() / "evaluation.json"; fs::exists(file))
    page.evaluation = Record::parse(read_file(file), nullptr, false);
  if (const fs::path file = folder_.path() / "evaluation.csv"; fs::exists(file)) {
    constexpr size_t kSamples = 12;
    const CsvTable table = read_csv(file);
    const size_t predicted = table.column("prediction"), reference = table.column("reference");
    const size_t scores[] = {table.column("rouge1"), table.column("rouge2"),
                             table.column("rougeL")};
    for (size_t i = 0; i < std::min({kSamples, table.rows.size(), inputs.split.validation.size()});
         ++i) {
      const Example& example = inputs.split.validation[i];
      if (table.rows[i][reference] != example.summary) break;  // of another data set
      const auto number = [&](size_t k) {
        return std::strtod(table.rows[i][scores[k]].c_str(), nullptr);
      };
      page.samples.push_back({example.id, example.dialogue, example.summary,
                              table.rows[i][predicted], number(0), number(1), number(2)});
    }
  }
  return page;
}

}  // namespace precis
