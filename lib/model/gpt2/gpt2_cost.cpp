// What a GPT-2 costs. Behind the last block's attention target rows alone are computed.
#include <algorithm>

#include "lib/model/gpt2/gpt2_shape.h"

namespace precis {
namespace {

constexpr int64_t kFloat = sizeof(float);

/// Weights of a block's matrices: attention's input and output, the two of the MLP.
constexpr int64_t block_weights(int64_t c) {
  return 3 * c * c + c * c + 4 * c * c + 4 * c * c;
}

/// Bytes a token takes, named as in gpt2_model.cpp; each may be a target.
int64_t token_bytes(const Gpt2Shape& shape, int64_t element) {
  const int64_t c = shape.n_embd;
  const int64_t streams = 2 * c * kFloat;                              // what both norms read
  const int64_t block = (1 + 3 + 1 + 1 + 1 + 4 + 4) * c * element;     // h1 qkv y mlp h2 fc gelu
  const int64_t statistics = (2 * 2 + shape.n_head) * kFloat;          // of norms, of attention
  const int64_t target_rows = 2 * c * kFloat + (1 + 1) * c * element;  // both streams; rows_y h
  const int64_t gradients = 2 * c * kFloat + (1 + 2) * c * element;    // residual; h, branch
  const int64_t block_gradients = (4 + 1 + 2 + 3 + 1) * c * element;   // fc h2 y qkv h1
  return shape.n_layer * (streams + block + statistics) + target_rows + gradients + block_gradients;
}

/// Rows, widths and sizes of a micro-batch as its operations see them.
struct Work {
  double n, m, blocks, c, e;  // tokens, targets, blocks, channels, bytes of an element
  double before() const { return blocks * n; }            // rows up to and with attention
  double behind() const { return (blocks - 1) * n + m; }  // and behind it
  double products(double rows, double in, double out) const {
    const double arrays = 3 * rows * (in + out) * e;  // forward, gradients of input and of weight
    return arrays + blocks * in * out * (2 * e + 2 * kFloat);
  }
};

OperationCount embedding_count(const Work& w) {
  return {"embedding with dropout", 2, w.n * w.c * kFloat * (3 + 5), 0};
}

/// One kernel forward; backward another, and one that adds up its partial sums.
OperationCount norm_count(const Work& w) {
  const double rows = w.before() + w.behind() + w.m;
  const double forward = 2 * (kFloat + w.e), backward = 2 * w.e + 3 * kFloat;
  return {"residual, dropout and norm", static_cast<int64_t>(2 * w.blocks + 1) * 3,
          rows * w.c * (forward + backward), 0};
}

OperationCount linear_count(const Work& w) {
  const double weights = 3 * w.c * w.c * w.before() + (1 + 4 + 4) * w.c * w.c * w.behind();
  const double bytes = w.products(w.before(), w.c, 3 * w.c) + w.products(w.behind(), w.c, w.c) +
                       2 * w.products(w.behind(), w.c, 4 * w.c);
  return {"linear layers", static_cast<int64_t>(w.blocks) * 4 * 3, bytes, 6 * weights};
}

/// Half of each square; the scores are made twice forward and twice backward: ten products.
OperationCount attention_count(const Work& w, double length) {
  const double bytes = w.before() * w.c * w.e * ((3 + 1) + 2 * (3 + 1 + 1) + 3);
  return {"attention with dropout", static_cast<int64_t>(w.blocks) * 3, bytes,
          10 * w.before() * length * w.c};
}

OperationCount bias_count(const Work& w) {
  return {"bias of attention's input", static_cast<int64_t>(w.blocks) * 2,
          w.before() * 3 * w.c * w.e, 0};
}

/// One kernel forward and one backward; the sums that a bias wants are added up by another. That of
/// tanh is made by the products before it, and sums by two kernels of their own.
OperationCount gelu_count(const Work& w, bool tanh, bool bias) {
  const int64_t launches = tanh ? (bias ? 2 : 0) : (bias ? 3 : 2);
  const double arrays = tanh ? (bias ? 3 : 2) : 2 + 3;
  return {"GELU", static_cast<int64_t>(w.blocks) * launches, w.behind() * 4 * w.c * w.e * arrays,
          0};
}

OperationCount selection_count(const Work& w) {
  const double rows = w.m * w.c * 4 * (kFloat + w.e) + w.n * w.c * (kFloat + w.e);
  return {"rows with targets", 2 + 2 + 4 + 1, rows, 0};
}

}  // namespace

std::vector<OperationCount> Gpt2Shape::operation_counts(const StepCounts& micro_batch,
                                                        int64_t element_size) const {
  const Work w{static_cast<double>(micro_batch.tokens),
               static_cast<double>(micro_batch.target_tokens), static_cast<double>(n_layer),
               static_cast<double>(n_embd), static_cast<double>(element_size)};
  const double length = w.n / static_cast<double>(std::max<int64_t>(1, micro_batch.samples));
  const int64_t rows = head_rows(/*in_place=*/true, element_size),
                pieces = (micro_batch.target_tokens + rows - 1) / rows;
  const double v = static_cast<double>(vocab_size);
  std::vector<OperationCount> all{embedding_count(w),
                                  norm_count(w),
                                  linear_count(w),
                                  attention_count(w, length),
                                  gelu_count(w, gelu_tanh, bias),
                                  selection_count(w)};
  if (bias) all.push_back(bias_count(w));
  all.push_back(
      {"head", 3 * pieces,
       3 * w.m * (v + w.c) * w.e + static_cast<double>(pieces) * v * w.c * (2 * w.e + 2 * kFloat),
       6 * w.m * v * w.c});
  all.push_back({"cross-entropy", 3 * pieces + 1, 3 * w.m * v * w.e, 0});
  return all;
}

ModelCost Gpt2Shape::cost(int64_t element_size) const {
  const int64_t c = n_embd, blocks = n_layer * block_weights(c), head = vocab_size * c;
  const int64_t behind_attention = block_weights(c) - 3 * c * c;
  return {.weights_per_token = static_cast<double>(blocks - behind_attention),
          .weights_per_target = static_cast<double>(behind_attention + head),
          .attention = static_cast<double>(n_layer * c),  // two products of half a square each
          .target_token = static_cast<double>(head) / static_cast<double>(blocks),
          .token_bytes = token_bytes(*this, element_size),
          // Logits and, in float32, their logarithm and their gradient.
          .head_bytes = kHeadRows * padded_vocabulary(vocab_size) * (element_size + 2 * kFloat)};
}

}  // namespace precis
