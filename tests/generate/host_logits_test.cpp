// What a device finds (here the CPU's own operations stand for it) is what the passes over host
// rows find.
#include "lib/generate/host_logits.h"

#include <ATen/ops/empty.h>
#include <gtest/gtest.h>

#include <cmath>

#include "lib/base/random.h"

namespace precis {
namespace {

/// [4, 900] in steps of 1/8, so that many tie.
at::Tensor random_logits() {
  at::Tensor logits = at::empty({4, 900}, at::kFloat);
  RandomStream random(3);
  auto* value = logits.mutable_data_ptr<float>();
  for (int64_t i = 0; i < logits.numel(); ++i)
    value[i] = static_cast<float>(std::round(8 * random.normal()) / 8);
  return logits;
}

TEST(HostLogits, DeviceTopKKeepsWhatTheRowsKeep) {
  const at::Tensor logits = random_logits();
  HostLogits host;
  host.load(logits);
  size_t ties = 0;
  for (const int64_t k : {1, 5, 20}) {
    const auto kept = kept_by_top_k(logits, k);
    ASSERT_EQ(kept.size(), 4U);
    for (int64_t row = 0; row < 4; ++row) {
      std::vector<Candidate> best, expected;
      top_candidates(host.row(row), k, best);
      collect_at_least(host.row(row), best.back().score, expected);
      const auto& got = kept[static_cast<size_t>(row)];
      ASSERT_EQ(got.size(), expected.size());
      for (size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i].token, expected[i].token);
      ties += expected.size() > static_cast<size_t>(k);
    }
  }
  EXPECT_GT(ties, 3U);
  EXPECT_EQ(kept_by_top_k(logits, 5000).front().size(), 900U);
}

TEST(HostLogits, DeviceLogProbabilitiesAreThoseOfTheRows) {
  const at::Tensor logits = random_logits();
  const auto found = top_log_probabilities(logits, 6);
  HostLogits host;
  host.load(logits);
  for (int64_t row = 0; row < 4; ++row) {
    log_softmax_in_place(host.row(row));
    std::vector<Candidate> expected;
    top_candidates(host.row(row), 6, expected);
    const auto& got = found[static_cast<size_t>(row)];
    ASSERT_EQ(got.size(), 6U);
    for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i].score, expected[i].score, 2e-6);
    for (size_t i = 1; i < got.size(); ++i) EXPECT_TRUE(better(got[i - 1], got[i]));
  }
}

TEST(HostLogits, ArgmaxOfEachRow) {
  const at::Tensor logits = random_logits();
  auto* value = logits.mutable_data_ptr<float>();
  value[3 * 900 + 899] = 9;
  value[1 * 900 + 400] = value[1 * 900 + 500] = 9;
  const auto tokens = argmax_rows(logits);
  EXPECT_EQ(tokens[3], 899);
  EXPECT_EQ(tokens[1], 400) << "the first of those that tie";
}

}  // namespace
}  // namespace precis
