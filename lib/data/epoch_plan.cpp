#include "lib/data/epoch_plan.h"

#include <algorithm>
#include <numeric>

#include "lib/base/random.h"

namespace precis {

std::vector<int64_t> shuffled(int64_t n, uint64_t key) {
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  RandomStream stream(mix_key({key, 0x5368756666}));
  for (int64_t i = n - 1; i > 0; --i)
    std::swap(order[static_cast<size_t>(i)], order[stream.below(static_cast<uint64_t>(i) + 1)]);
  return order;
}

EpochPlan::EpochPlan(int64_t num_samples, int64_t global_batch_size, uint64_t seed)
    : num_samples_(num_samples), global_batch_size_(global_batch_size), seed_(seed) {}

std::vector<PlannedSample> EpochPlan::step(int64_t iteration) const {
  const std::lock_guard lock(mutex_);
  std::vector<PlannedSample> samples;
  for (int64_t i = 0; i < global_batch_size_; ++i) {
    const int64_t ordinal = iteration * global_batch_size_ + i;
    const int64_t epoch = ordinal / num_samples_;
    if (epoch != epoch_) {
      order_ = shuffled(num_samples_, mix_key({seed_, static_cast<uint64_t>(epoch)}));
      epoch_ = epoch;
    }
    samples.push_back({order_[static_cast<size_t>(ordinal % num_samples_)], ordinal});
  }
  return samples;
}

uint64_t EpochPlan::digest(const std::vector<PlannedSample>& samples) {
  uint64_t digest = 0;
  for (const PlannedSample& s : samples)
    digest = mix_key({digest, static_cast<uint64_t>(s.sample), static_cast<uint64_t>(s.ordinal)});
  return digest;
}

std::vector<int> deal_out(const std::vector<double>& costs, int bins) {
  std::vector<size_t> order(costs.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return costs[a] > costs[b]; });
  std::vector<double> load(static_cast<size_t>(bins), 0.0);
  std::vector<int> bin_of(costs.size());
  for (const size_t item : order) {
    const auto lightest = std::min_element(load.begin(), load.end()) - load.begin();
    bin_of[item] = static_cast<int>(lightest);
    load[static_cast<size_t>(lightest)] += costs[item];
  }
  return bin_of;
}

StepPlan plan_step(const std::vector<PlannedSample>& samples, const DialogueDataset& data,
                   int64_t budget, int world_size, double target_cost) {
  StepPlan plan;
  plan.counts.samples = static_cast<int64_t>(samples.size());
  std::vector<double> tokens;
  int64_t longest = 0;
  for (const PlannedSample& s : samples) {
    tokens.push_back(static_cast<double>(data.input_tokens(s.sample)));
    longest = std::max(longest, data.input_tokens(s.sample));
    plan.counts.tokens += data.input_tokens(s.sample);
    plan.counts.target_tokens += data.target_tokens(s.sample);
  }
  const auto most = static_cast<int64_t>(samples.size());
  // An even number: two ranks, the usual case, then have the same work, and the cut is one for any
  // number of ranks.
  const auto even = [&](int64_t count) {
    return std::min(most, count > 1 ? count + count % 2 : count);
  };
  int64_t count = even(std::clamp<int64_t>((plan.counts.tokens + budget - 1) / budget, 1, most));
  count = std::max(count, std::min<int64_t>(world_size, most));
  const auto cut = [&](int64_t bins) {
    const std::vector<int> bin_of = deal_out(tokens, static_cast<int>(bins));
    plan.micro_batches.assign(static_cast<size_t>(bins), {});
    std::vector<int64_t> load(static_cast<size_t>(bins), 0);
    for (size_t i = 0; i < samples.size(); ++i) {
      plan.micro_batches[static_cast<size_t>(bin_of[i])].push_back(samples[i]);
      load[static_cast<size_t>(bin_of[i])] += static_cast<int64_t>(tokens[i]);
    }
    return *std::max_element(load.begin(), load.end());
  };
  while (cut(count) > std::max(budget, longest) && count < most)
    count = even(count + 1);  // memory is planned for the budget
  std::vector<double> costs;
  for (const auto& micro_batch : plan.micro_batches) {
    double cost = 0;
    for (const PlannedSample& s : micro_batch)
      cost += static_cast<double>(data.input_tokens(s.sample)) +
              target_cost * static_cast<double>(data.target_tokens(s.sample));
    costs.push_back(cost);
  }
  plan.rank_of = deal_out(costs, world_size);
  return plan;
}

std::vector<PlannedSample> largest_micro_batch(const DialogueDataset& data, int64_t budget,
                                               int64_t most) {
  std::vector<int64_t> order(static_cast<size_t>(data.size()));
  std::iota(order.begin(), order.end(), int64_t{0});
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return data.input_tokens(a) > data.input_tokens(b);
  });
  std::vector<PlannedSample> samples;
  int64_t tokens = 0;
  for (int64_t i = 0; i < most; ++i) {
    const int64_t sample = order[static_cast<size_t>(i % data.size())];
    tokens += data.input_tokens(sample);
    if (i > 0 && tokens > budget) break;
    samples.push_back({sample, i});
  }
  return samples;
}

}  // namespace precis
