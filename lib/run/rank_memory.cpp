#include "lib/run/rank_memory.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "lib/base/host_memory.h"
#include "lib/generate/generate.h"
#include "lib/run/micro_batch_size.h"

namespace precis {
namespace {

double gigabytes(int64_t bytes) {
  return static_cast<double>(bytes) / 1e9;
}

/// Of as many positions as are decoded at a time at most; a single text may have all of them.
int64_t cache_bytes(const ModelShape& shape, at::ScalarType type) {
  const CacheShape cache = shape.make_model(shape.parameters(), at::kCPU)->cache_shape();
  const GenerateOptions limits;
  const int64_t positions =
      std::max(shape.block_size,
               std::min(limits.max_batch_tokens, limits.max_batch_rows * shape.block_size));
  return positions * cache.layers * cache.width * static_cast<int64_t>(c10::elementSize(type));
}

/// What the ranks of this rank's node take together.
int64_t of_node(const World& world, int64_t mine) {
  int64_t sum = 0;
  for (const std::string& theirs : world.all_gather(fmt::format("{} {}", world.node(), mine))) {
    const size_t blank = theirs.find(' ');
    if (std::stoi(theirs.substr(0, blank)) == world.node()) sum += std::stoll(theirs.substr(blank));
  }
  return sum;
}

std::string too_much(const std::string& who, int64_t need, const MemoryRoom& room) {
  return fmt::format(
      "{} about {:.2f} GB of memory, and of {} {:.2f} GB are left: the run may have to go on with "
      "smaller micro-batches, or be ended by the system. Fewer ranks, a smaller "
      "train.micro_batch_tokens or data.block_size, or a smaller model need less",
      who, gigabytes(need), room.bound, gigabytes(room.bytes));
}

}  // namespace

RankMemory planned_memory(const RunConfig& config, const DeviceSetup& setup,
                          const ModelShape& shape, bool is_root) {
  const ParameterTable table = shape.parameters();
  RankMemory memory;
  constexpr int64_t kFloat = sizeof(float);
  if (config.has_stage("train")) {
    memory.state = state_bytes(table.numel(), table.trainable_numel(), setup.element_size());
    memory.activations = activation_bytes(shape.cost(setup.element_size()),
                                          planned_micro_batch_tokens(config, setup, shape));
    if (is_root) memory.copy = (table.numel() + 2 * table.trainable_numel()) * kFloat;
    memory.decodes_in_training = config.eval.rouge_examples > 0;
  }
  const bool decodes = config.has_stage("evaluate") ||
                       (config.has_stage("predict") && !config.data.test_csv.value.empty());
  const auto element = static_cast<int64_t>(c10::elementSize(setup.generation_dtype));
  if (decodes) memory.weights = table.numel() * (kFloat + (element < kFloat ? element : 0));
  if (decodes || memory.decodes_in_training) {
    memory.packed = packed_bytes(table, setup.generation_dtype, setup.generation_form);
    memory.cache = cache_bytes(shape, setup.generation_dtype);
  }
  return memory;
}

std::vector<std::string> memory_warnings(const World& world, const RankMemory& mine) {
  const int64_t node = of_node(world, mine.most());
  std::string warning;
  if (const auto room = machine_memory(); world.local_rank() == 0 && room && node > room->bytes)
    warning = too_much(fmt::format("the {} rank{} of node {} need{}", world.local_size(),
                                   world.local_size() == 1 ? "" : "s", world.node(),
                                   world.local_size() == 1 ? "s" : ""),
                       node, *room);
  std::string own;
  if (const auto room = process_memory(); room && mine.most() > room->bytes)
    own = too_much("a rank needs", mine.most(), *room);
  std::vector<std::string> warnings;
  for (std::string& theirs : world.all_gather(warning))
    if (!theirs.empty()) warnings.push_back(std::move(theirs));
  const std::vector<std::string> of_ranks = world.all_gather(own);
  const auto first = std::ranges::find_if(of_ranks, [](const auto& said) { return !said.empty(); });
  if (first != of_ranks.end()) warnings.push_back(*first);  // ranks are mostly limited alike
  return warnings;
}

}  // namespace precis
