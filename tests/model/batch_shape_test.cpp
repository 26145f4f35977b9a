// Batches of few sizes compute what they do without padding.
#include "lib/model/batch_shape.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "lib/ops/cross_entropy.h"
#include "tests/support/small_gpt.h"

namespace precis {
namespace {

using namespace testing;

bool equal(const RaggedBatch& a, const RaggedBatch& b) {
  return at::equal(a.tokens, b.tokens) && at::equal(a.rows.keys, b.rows.keys) &&
         at::equal(a.rows.positions, b.rows.positions) &&
         at::equal(a.segments.offsets, b.segments.offsets) &&
         at::equal(a.segments.keys, b.segments.keys) && at::equal(a.target_rows, b.target_rows) &&
         at::equal(a.targets, b.targets) && a.segments.host_offsets == b.segments.host_offsets;
}

RaggedBatch in_its_class(const RaggedBatch& batch) {
  return padded(batch, shape_class(batch));
}

/// A batch of so many samples of this length, each with this many targets.
RaggedBatch even_batch(int64_t samples, int64_t tokens, int64_t targets) {
  const std::vector<int32_t> some(static_cast<size_t>(tokens + 1), 1);
  return make_ragged_batch(
      std::vector<RaggedSample>(static_cast<size_t>(samples), {some, tokens + 1 - targets, 5}),
      true);
}

TEST(BatchShape, StandsForManyCounts) {
  std::set<int64_t> tokens, samples, targets;
  for (int64_t n = 245; n <= 267; ++n) {
    const BatchShape shape = shape_class(even_batch(n, 150, 20));
    tokens.insert(shape.tokens);
    samples.insert(shape.samples);
    targets.insert(shape.targets);
    EXPECT_LE(shape.tokens, n * 150 * 33 / 32 + shape.samples);
    EXPECT_LE(shape.targets, n * 20 * 9 / 8);
    EXPECT_LE(shape.samples, n * 3 / 2);
    EXPECT_EQ(shape.max_length, 256);
  }
  EXPECT_LE(tokens.size(), 5U);
  EXPECT_EQ(samples.size(), 1U);
  EXPECT_LE(targets.size(), 2U);
}

TEST(BatchShape, CanBeHadByEveryBatch) {
  for (const int64_t length : {1, 2, 3, 17, 64, 65, 700, 1024})
    for (const int64_t samples : {1, 2, 3, 5, 8, 31, 64, 100}) {
      const RaggedBatch batch = even_batch(samples, length, 1), out = in_its_class(batch);
      const BatchShape shape = shape_class(batch);
      EXPECT_EQ(shape_of(out), shape);
      EXPECT_GE(shape.tokens, 64);
      EXPECT_EQ(out.segments.host_offsets.back(), out.tokens.size(0));
      EXPECT_EQ(out.segments.offsets[shape.samples].item<int32_t>(), out.tokens.size(0));
      for (int64_t b = samples; b < shape.samples; ++b) {
        const int64_t begin = out.segments.host_offsets[static_cast<size_t>(b)],
                      rows = out.segments.host_offsets[static_cast<size_t>(b) + 1] - begin;
        ASSERT_TRUE(rows >= 1 && rows <= length) << samples << " of " << length;
        EXPECT_TRUE(at::equal(out.rows.positions.narrow(0, begin, rows), at::arange(rows)));
      }
    }
}

TEST(Padded, CountsWhatIsThereWithoutIt) {
  const RaggedBatch batch = batch_of(made_up_samples(small_shape())), out = in_its_class(batch);
  EXPECT_EQ(out.num_tokens(), batch.num_tokens());
  EXPECT_EQ(out.num_samples(), 5);
  EXPECT_EQ(out.num_targets(), 92);
  EXPECT_GT(out.tokens.size(0), batch.num_tokens());
  EXPECT_GT(out.targets.size(0), 92);
  EXPECT_TRUE(at::equal(out.tokens.narrow(0, 0, batch.num_tokens()), batch.tokens));
  EXPECT_TRUE(at::equal(out.target_rows.narrow(0, 0, 92), batch.target_rows));
}

TEST(Padded, TargetsThatCountNothingAreAtRowsOfNobody) {
  for (const int64_t targets : {1, 8, 9, 17}) {
    const RaggedBatch batch = even_batch(1, 60, targets), out = in_its_class(batch);
    const at::Tensor idle = out.targets.eq(ops::kNoTarget);
    EXPECT_EQ(idle.sum().item<int64_t>(), out.targets.size(0) - targets);
    EXPECT_TRUE(out.target_rows.ge(batch.num_tokens()).eq(idle).all().item<bool>());
    EXPECT_LT(out.target_rows.max().item<int64_t>(), out.tokens.size(0));
  }
}

TEST(Padded, LeavesABatchOfThatShapeAlone) {
  const RaggedBatch batch = batch_of(made_up_samples(small_shape()));
  const RaggedBatch out = padded(batch, shape_of(batch));
  EXPECT_TRUE(equal(out, batch));
  EXPECT_EQ(out.num_samples(), batch.num_samples());
}

TEST(Padded, RefusesSizesThatCannotBe) {
  const RaggedBatch batch = even_batch(2, 10, 1);
  EXPECT_THROW(padded(batch, {20, 2, 8, 10}), c10::Error) << "no row for the targets";
  EXPECT_THROW(padded(batch, {64, 3, 8, 64}), c10::Error) << "a sample longer than the longest";
  EXPECT_THROW(padded(batch, {21, 4, 8, 64}), c10::Error) << "a sample without rows";
  EXPECT_THROW(padded(in_its_class(batch), {1024, 64, 64, 64}), c10::Error) << "twice";
}

TEST(RaggedBatch, LiesInOnePieceOfMemory) {
  const RaggedBatch batch = in_its_class(batch_of(made_up_samples(small_shape())));
  const RaggedBatch piece = batch.in_one_piece(/*pinned=*/false);
  EXPECT_TRUE(equal(piece, batch));
  EXPECT_EQ(piece.num_tokens(), batch.num_tokens());
  const RaggedBatch copy = piece.in_memory(at::zeros_like(piece.memory));
  EXPECT_FALSE(equal(copy, batch));
  at::Tensor(copy.memory).copy_(piece.memory);
  EXPECT_TRUE(equal(copy, batch));
}

/// What a batch computes, by parameter.
void expect_the_same(const std::vector<MadeUpSample>& samples, double dropout) {
  const Gpt2Shape shape = small_shape();
  const ParameterTable table = shape.parameters();
  const Weights weights = make_weights(table, busy_parameters(table), at::kFloat);
  const RaggedBatch batch = batch_of(samples), filled = in_its_class(batch);
  ASSERT_GT(filled.padding.targets, 0);
  const LossAndGradient plain = run_batches(shape, weights, {batch}, dropout, 0.01),
                        other = run_batches(shape, weights, {filled}, dropout, 0.01);
  EXPECT_NEAR(other.loss, plain.loss, 1e-6 * plain.loss);
  ASSERT_TRUE(at::isfinite(other.gradient).all().item<bool>());
  for (const ParameterSlot& slot : table.slots())
    EXPECT_LT(relative_distance(table.view(other.gradient, slot), table.view(plain.gradient, slot)),
              1e-5)
        << slot.name;
  Gpt2Model model(shape, table, at::kCPU);
  const auto loss = model.loss(batch, weights).item<double>();
  EXPECT_NEAR(model.loss(filled, weights).item<double>(), loss, 1e-6 * loss);
}

TEST(Padded, ComputesTheSameLossAndGradients) {
  const auto samples = made_up_samples(small_shape());
  expect_the_same(samples, 0.3);
  expect_the_same({samples[0]}, 0);
  expect_the_same({samples[3]}, 0.3);  // one token
}

TEST(Padded, IsNoPartOfAnyGradient) {
  const Gpt2Shape shape = small_shape();
  const ParameterTable table = shape.parameters();
  const std::vector<MadeUpSample> samples = made_up_samples(shape);
  const RaggedBatch batch = in_its_class(batch_of(std::span(samples).first(2)));
  at::Tensor(batch.targets).fill_(ops::kNoTarget);
  for (const at::ScalarType type : {at::kFloat, at::kHalf}) {
    const LossAndGradient nothing =
        run_batches(shape, make_weights(table, busy_parameters(table), type), {batch}, 0.3, 1);
    EXPECT_EQ(nothing.loss, 0);
    EXPECT_TRUE(nothing.gradient.eq(0).all().item<bool>());
  }
}

}  // namespace
}  // namespace precis
