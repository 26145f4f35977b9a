#include "lib/generate/recorded_steps.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <functional>
#include <utility>

namespace precis {
namespace {

constexpr int64_t kStrideClass = 64;  // positions that a table of slots grows by
constexpr size_t kMostRecordings = 24;

int64_t round_up(int64_t n, int64_t to) {
  return (n + to - 1) / to * to;
}

/// Consecutive arrays in one tensor of bytes.
class Bytes {
 public:
  explicit Bytes(at::Tensor all) : all_(std::move(all)) {}
  at::Tensor take(at::IntArrayRef sizes, at::ScalarType type) {
    int64_t bytes = static_cast<int64_t>(c10::elementSize(type));
    for (const int64_t size : sizes) bytes *= size;
    const at::Tensor part = all_.narrow(0, std::exchange(used_, used_ + bytes), bytes);
    return part.view(type).view(sizes);
  }

 private:
  at::Tensor all_;
  int64_t used_ = 0;
};

}  // namespace

/// What differs from step to step, on the host and on the device, which goes on with it.
struct RecordedSteps::Arrays {
  struct Side {
    at::Tensor tokens, positions;  // [R] int64
    at::Tensor step;               // [1] int64: how many this run has taken
    at::Tensor uniforms;           // [steps, R] float64
    at::Tensor lengths, table;     // [R], [R, stride] int32

    Side(const Key& key, Bytes bytes)
        : tokens(bytes.take({key.rows}, at::kLong)),
          positions(bytes.take({key.rows}, at::kLong)),
          step(bytes.take({1}, at::kLong)),
          uniforms(bytes.take({key.steps, key.rows}, at::kDouble)),
          lengths(bytes.take({key.rows}, at::kInt)),
          table(bytes.take({key.rows, key.stride}, at::kInt)) {}
  };

  Arrays(const Key& key, at::Device device)
      : host_bytes(at::empty({size_of(key)},
                             at::TensorOptions(at::kByte).pinned_memory(device.is_cuda()))),
        bytes(at::empty({size_of(key)}, at::TensorOptions(at::kByte).device(device))),
        host(key, Bytes(host_bytes)),
        there(key, Bytes(bytes)) {}

  static int64_t size_of(const Key& key) {
    return static_cast<int64_t>(sizeof(int64_t)) * (2 * key.rows + 1 + key.steps * key.rows) +
           static_cast<int64_t>(sizeof(int32_t)) * key.rows * (1 + key.stride);
  }
  /// Throws away what the device has made of them.
  void upload() { bytes.copy_(host_bytes); }
  CachedRows rows() const {
    const auto *table = there.table.const_data_ptr<int32_t>(),
               *lengths = there.lengths.const_data_ptr<int32_t>();
    return {table, lengths, there.lengths.size(0), there.table.size(1), table, lengths};
  }

  at::Tensor host_bytes, bytes;
  Side host, there;
};

/// A step with its arrays; `work` has no other state, since a graph freezes it.
struct RecordedSteps::Recording {
  Recording(const Key& key, at::Device device)
      : arrays(key, device),
        chosen(at::empty({key.steps, key.rows}, arrays.there.tokens.options())) {}

  Arrays arrays;
  at::Tensor chosen;                                                    // [steps, R]
  std::shared_ptr<at::Tensor> logits = std::make_shared<at::Tensor>();  // of the last step
  std::function<void()> work;
  std::unique_ptr<DeviceGraph> graph;
  bool has_run = false, cannot_record = false;
};

CachePass RecordedSteps::append(KvCache& cache, int64_t tokens) {
  const CachePass pass = cache.append(tokens);
  const void* memory = pass.layers.empty() ? nullptr : pass.layers.front().const_data_ptr();
  if (std::exchange(cache_memory_, memory) != memory || recordings_.size() >= kMostRecordings)
    recordings_.clear();
  return pass;
}

RecordedSteps::Recording& RecordedSteps::recording(const Key& key, const CachePass& pass) {
  std::shared_ptr<Recording>& found = recordings_[key];
  if (found) return *found;
  found = std::make_shared<Recording>(key, model_.device());
  Arrays::Side& now = found->arrays.there;
  found->work = [model = &model_, weights = weights_, choice = choice_, now,
                 layers = std::vector<at::Tensor>(pass.layers.begin(), pass.layers.end()),
                 rows = found->arrays.rows(), logits = found->logits, chosen = found->chosen,
                 chooses = key.chooses] {
    *logits = model->next_logits({now.tokens, now.positions}, weights, {layers, 0, rows});
    if (!chooses) return;
    const at::Tensor uniforms = now.uniforms.index_select(0, now.step).squeeze(0),
                     next = choose_tokens(*logits, choice, uniforms);
    at::Tensor(chosen).index_copy_(0, now.step, next.unsqueeze(0));
    at::Tensor(now.tokens).copy_(next);
    for (at::Tensor counter : {now.positions, now.lengths, now.step}) counter.add_(1);
  };
  return *found;
}

/// A library that will not be recorded costs speed alone.
void RecordedSteps::run(Recording& recording) {
  if (!recording.has_run || recording.cannot_record) {
    recording.work();
    recording.has_run = true;
  } else if (recording.graph) {
    recording.graph->replay();
  } else {
    auto graph = make_(model_.device());
    try {
      graph->record(recording.work);
      recording.graph = std::move(graph);
    } catch (const c10::OutOfMemoryError&) {
      throw;
    } catch (const c10::Error&) {
      recording.cannot_record = true;
      recording.work();
    }
  }
}

/// Rows beyond those of the batch have a token, and a slot of their own for it, so that no kernel
/// needs to know of them.
void RecordedSteps::fill(Arrays& arrays, std::span<const int32_t> tokens, const KvCache& cache,
                         const CachePass& pass) {
  const Arrays::Side& host = arrays.host;
  const auto batch = static_cast<int64_t>(tokens.size());
  const int64_t rows = host.tokens.size(0), stride = host.table.size(1);
  auto *token = host.tokens.mutable_data_ptr<int64_t>(),
       *position = host.positions.mutable_data_ptr<int64_t>();
  auto *length = host.lengths.mutable_data_ptr<int32_t>(),
       *table = host.table.mutable_data_ptr<int32_t>();
  *host.step.mutable_data_ptr<int64_t>() = 0;
  for (int64_t row = 0; row < rows; ++row) {
    const bool is_text = row < batch;
    token[row] = is_text ? tokens[static_cast<size_t>(row)] : 0;
    length[row] = is_text ? pass.rows.lengths[row] : 1;
    position[row] = length[row] - 1;
    int32_t* slots = table + row * stride;
    std::fill_n(slots, stride, is_text ? 0 : cache.spare_slot(row - batch));
    if (is_text) std::copy_n(pass.rows.table + row * pass.rows.stride, pass.rows.stride, slots);
  }
}

at::Tensor RecordedSteps::unrecorded_logits(std::span<const int32_t> tokens, KvCache& cache) {
  const CachePass pass = append(cache, 1);
  Arrays arrays({static_cast<int64_t>(tokens.size()), pass.rows.stride, 1, false}, model_.device());
  fill(arrays, tokens, cache, pass);
  arrays.upload();
  CachedRows rows = arrays.rows();
  rows.table = arrays.host.table.const_data_ptr<int32_t>();
  rows.lengths = arrays.host.lengths.const_data_ptr<int32_t>();
  return model_.next_logits({arrays.there.tokens, arrays.there.positions}, weights_,
                            {pass.layers, 0, rows});
}

at::Tensor RecordedSteps::logits(std::span<const int32_t> tokens, KvCache& cache) {
  if (!records()) return unrecorded_logits(tokens, cache);
  const auto rows = static_cast<int64_t>(tokens.size());
  const CachePass pass = append(cache, 1);
  Recording& step = recording(
      {round_up(rows, KvCache::kSpareSlots), round_up(pass.rows.stride, kStrideClass), 1, false},
      pass);
  fill(step.arrays, tokens, cache, pass);
  step.arrays.upload();
  run(step);
  return step.logits->narrow(0, 0, rows);
}

std::vector<int32_t> RecordedSteps::choose(std::span<const int32_t> tokens, KvCache& cache,
                                           const TokenChoice& choice,
                                           std::span<const double> uniforms, int64_t steps) {
  const auto rows = static_cast<int64_t>(tokens.size());
  if (!choice.same_as(std::exchange(choice_, choice))) recordings_.clear();
  const CachePass pass = append(cache, steps);
  Recording& step = recording(
      {round_up(rows, KvCache::kSpareSlots), round_up(pass.rows.stride, kStrideClass), steps, true},
      pass);
  fill(step.arrays, tokens, cache, pass);
  auto* drawn = step.arrays.host.uniforms.mutable_data_ptr<double>();
  const int64_t padded = step.arrays.host.tokens.size(0);
  std::fill_n(drawn, steps * padded, 0.0);
  if (choice.draws())
    for (int64_t i = 0; i < steps; ++i)
      std::ranges::copy(uniforms.subspan(static_cast<size_t>(i * rows), tokens.size()),
                        drawn + i * padded);
  step.arrays.upload();
  for (int64_t i = 0; i < steps; ++i) run(step);
  const at::Tensor chosen = step.chosen.narrow(1, 0, rows).to(at::kCPU, at::kInt).contiguous();
  const auto* first = chosen.const_data_ptr<int32_t>();
  return {first, first + chosen.numel()};
}

}  // namespace precis
