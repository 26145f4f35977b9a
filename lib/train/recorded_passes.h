// Forward and backward of micro-batches, recorded where sizes come again: for a small model the
// host takes longer to start the kernels of a micro-batch than the GPU to run them.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/model/batch_shape.h"
#include "lib/model/language_model.h"
#include "lib/tensor/device_graph.h"

namespace precis {

/// Whether micro-batches are recorded, and how.
struct Recording {
  MakeDeviceGraph make_graph;                    ///< empty: nothing is recorded
  std::function<void(const std::string&)> warn;  ///< called once, should recording fail; or empty
  size_t most = 32;  ///< kinds of batches kept in mind; the one not seen for longest goes first
};

/// Runs the micro-batches of one model. Batches in one piece of memory are run as they come the
/// first time that one of their sizes does, recorded the second time, and after that only their
/// numbers are copied to where the record reads them. Not thread-safe.
class RecordedPasses {
 public:
  using GradientsFinal = std::function<void(int64_t count)>;

  /// The model, and the memory of weights and gradients, stay where they are as long as this lives.
  RecordedPasses(LanguageModel& model, const Weights& weights, const Gradients& gradients,
                 Recording recording);
  RecordedPasses(const RecordedPasses&) = delete;
  RecordedPasses& operator=(const RecordedPasses&) = delete;

  /// The loss is 0, and gradients are multiplied by this from now on.
  void begin(double scale);
  /// Adds to loss and gradients. `gradients_final`: as TrainPass has it; empty: nobody is told.
  /// After an exception all records are gone, and so is the memory that they held.
  void run(const RaggedBatch& batch, double dropout, const GradientsFinal& gradients_final);
  /// Of all that ran since begin(): float64 scalar on the device, the same one every time.
  const at::Tensor& loss() const { return loss_; }

 private:
  /// What decides which kernels are started, where its numbers do not lie in memory.
  struct Kind {
    BatchShape shape;
    double dropout = 0;
    bool tells = false;  // gradients_final is called
    bool operator==(const Kind&) const = default;
  };
  struct Record {
    Kind kind;
    int64_t last_use = 0;
    at::Tensor memory = {};                   // of the batch that the graph reads
    std::unique_ptr<DeviceGraph> graph = {};  // null: seen once
  };
  /// All of a pass, by value: a record repeats it with the numbers and addresses it has here.
  struct Pass {
    LanguageModel* model;
    Weights weights;
    Gradients gradients;
    RaggedBatch batch;
    TrainPass train;
    at::Tensor loss;
    void operator()() const;
  };

  Pass pass(const RaggedBatch& batch, double dropout, GradientsFinal gradients_final) const;
  void run_recorded(const RaggedBatch& batch, double dropout,
                    const GradientsFinal& gradients_final);
  bool make_record(Record& record, const RaggedBatch& batch, const GradientsFinal& gradients_final);
  Record& record_of(const Kind& kind);
  void drop_moved();
  void give_up(std::string reason);

  LanguageModel& model_;
  const Weights& weights_;
  const Gradients& gradients_;
  Recording recording_;
  at::Tensor loss_, scale_;
  std::vector<std::unique_ptr<Record>> records_;
  int64_t moves_ = 0;  // of scratch memory before the records were made
  int64_t uses_ = 0;
};

}  // namespace precis
