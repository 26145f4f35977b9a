#include "lib/train/recorded_passes.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "lib/tensor/memory_shortage.h"

namespace precis {

void RecordedPasses::Pass::operator()() const {
  at::Tensor(loss).add_(model->train(batch, weights, gradients, train));
}

RecordedPasses::RecordedPasses(LanguageModel& model, const Weights& weights,
                               const Gradients& gradients, Recording recording)
    : model_(model),
      weights_(weights),
      gradients_(gradients),
      recording_(std::move(recording)),
      loss_(at::zeros({}, at::TensorOptions(model.device()).dtype(at::kDouble))),
      scale_(at::ones({}, at::TensorOptions(model.device()))) {}

void RecordedPasses::begin(double scale) {
  loss_.zero_();
  scale_.fill_(scale);
}

RecordedPasses::Pass RecordedPasses::pass(const RaggedBatch& batch, double dropout,
                                          GradientsFinal gradients_final) const {
  return {&model_, weights_, gradients_, batch, {dropout, scale_, std::move(gradients_final)},
          loss_};
}

void RecordedPasses::run(const RaggedBatch& batch, double dropout,
                         const GradientsFinal& gradients_final) {
  try {
    if (recording_.make_graph && batch.memory.defined())
      run_recorded(batch, dropout, gradients_final);
    else
      pass(batch, dropout, gradients_final)();
  } catch (...) {
    records_.clear();
    throw;
  }
}

void RecordedPasses::run_recorded(const RaggedBatch& batch, double dropout,
                                  const GradientsFinal& gradients_final) {
  drop_moved();
  Record& record = record_of({shape_of(batch), dropout, static_cast<bool>(gradients_final)});
  const bool is_known = record.last_use > 0;
  record.last_use = ++uses_;
  if (record.graph) {
    record.memory.copy_(batch.memory);
    record.graph->replay();
  } else if (!is_known || !make_record(record, batch, gradients_final)) {
    pass(batch, dropout, gradients_final)();
  }
}

/// Runs and records a batch whose kind was seen before. False: it could not be recorded, nothing
/// was run, and nothing will be recorded any more.
bool RecordedPasses::make_record(Record& record, const RaggedBatch& batch,
                                 const GradientsFinal& gradients_final) {
  auto graph = recording_.make_graph(model_.device());
  RaggedBatch fixed = batch.in_memory(batch.memory.clone());
  fixed.segments.host_offsets.clear();  // those of the batches to come differ
  const auto told = std::make_shared<bool>(false);
  GradientsFinal cut;
  if (gradients_final)
    cut = [graph = graph.get(), told, gradients_final](int64_t count) {
      graph->cut([told, gradients_final, count] {
        *told = true;
        gradients_final(count);
      });
    };
  try {
    graph->record(pass(fixed, record.kind.dropout, cut));
  } catch (const std::exception& failed) {
    if (*told || is_out_of_memory(std::current_exception())) throw;
    give_up(failed.what());
    return false;
  }
  record.memory = fixed.memory;
  record.graph = std::move(graph);
  return true;
}

void RecordedPasses::give_up(std::string reason) {
  recording_.make_graph = nullptr;
  records_.clear();
  if (!recording_.warn) return;
  reason.erase(std::min(reason.find('\n'), reason.size()));
  recording_.warn(fmt::format(
      "a training step cannot be recorded on this device ({}): its kernels are started one by one, "
      "with the same results. train.cuda_graphs=false says so from the beginning",
      reason));
}

/// The record of a kind, made where it is new; the one that was not used for longest then goes.
RecordedPasses::Record& RecordedPasses::record_of(const Kind& kind) {
  const auto found =
      std::ranges::find_if(records_, [&](const auto& record) { return record->kind == kind; });
  if (found != records_.end()) return **found;
  if (records_.size() >= recording_.most)
    records_.erase(
        std::ranges::min_element(records_, {}, [](const auto& r) { return r->last_use; }));
  records_.push_back(std::make_unique<Record>(Record{kind}));
  return *records_.back();
}

/// Records read and write where the model's scratch memory was.
void RecordedPasses::drop_moved() {
  if (const int64_t moves = std::exchange(moves_, model_.settle_scratch()); moves != moves_)
    for (const auto& record : records_) record->graph = nullptr;
}

}  // namespace precis
