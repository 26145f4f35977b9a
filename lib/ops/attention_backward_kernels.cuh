// The backward of attention_kernels.cuh in two kernels without a sum in memory, so that it comes
// out the same each time: one over tiles of queries for their gradient, one over tiles of keys for
// those of keys and values. Both make the scores again from log-sum-exp. Source: Dao et al.,
// FlashAttention, 2022, algorithm 4.
#pragma once

#include "lib/ops/attention_kernels.cuh"

namespace precis::kernels {

/// What both kernels read, and where their tiles lie in shared memory: queries, the gradient of
/// their output, keys, values, scores, and two arrays of weights.
template <typename T, int kWidth, int kQueries>
struct AttentionBackward {
  static constexpr int kThreads = 128;
  using QueryRows = SharedTile<T, kQueries, kWidth>;
  using KeyRows = SharedTile<T, kKeys, kWidth>;
  using Scores = SharedTile<float, kQueries, kKeys>;
  using Weights = SharedTile<T, kQueries, kKeys>;
  using Mine = ScoreRow<kQueries>;
  using Part = typename Mine::Part;
  static constexpr int kGradOut = QueryRows::kBytes, kKeyRows = 2 * QueryRows::kBytes,
                       kValueRows = kKeyRows + KeyRows::kBytes,
                       kScores = kValueRows + KeyRows::kBytes, kKept = kScores + Scores::kBytes,
                       kGradScores = kKept + Weights::kBytes,
                       kSharedBytes = kGradScores + Weights::kBytes;
  AttentionShape shape;
  Span<const T> qkv, out, grad_out;
  Span<const float> log_sum_exp;  ///< [H, N]
  Span<float> dots;               ///< [H, N]: of each query's output and its gradient
  Span<T> grad_qkv;

  PRECIS_DEVICE int64_t start_of(const HeadTile& tile, int which, int64_t row) const {
    return (tile.begin + row) * 3 * shape.width() + which * shape.width() +
           tile.head * shape.head_size;
  }
  /// Where a row of out or grad_out begins.
  PRECIS_DEVICE int64_t out_start(const HeadTile& tile, int64_t row) const {
    return (tile.begin + row) * shape.width() + tile.head * shape.head_size;
  }
  /// Where a query's number in log_sum_exp and dots is.
  PRECIS_DEVICE int64_t query_at(const HeadTile& tile, int64_t row) const {
    return tile.head * shape.num_rows + tile.begin + row;
  }
  template <class Block>
  PRECIS_DEVICE void load_queries(const Block& block, const HeadTile& tile, int first,
                                  int rows) const {
    const int d = static_cast<int>(shape.head_size);
    QueryRows(block, 0).load(block, kThreads, qkv, start_of(tile, 0, first), 3 * shape.width(),
                             rows, d);
    QueryRows(block, kGradOut)
        .load(block, kThreads, grad_out, out_start(tile, first), shape.width(), rows, d);
  }
  template <class Block>
  PRECIS_DEVICE void load_keys(const Block& block, const HeadTile& tile, int first,
                               int rows) const {
    const int d = static_cast<int>(shape.head_size);
    KeyRows(block, kKeyRows)
        .load(block, kThreads, qkv, start_of(tile, 1, first), 3 * shape.width(), rows, d);
    KeyRows(block, kValueRows)
        .load(block, kThreads, qkv, start_of(tile, 2, first), 3 * shape.width(), rows, d);
  }
  /// rows @ of^T into the tile of scores, from which each thread then has its part.
  template <class Block>
  PRECIS_DEVICE Part products(const Block& block, int rows, int of) const {
    ProductTiles<Block, T, kQueries, kKeys> tiles;
    tiles.clear(block);
    tiles.template add<kWidth, false, true>(block, QueryRows(block, rows), KeyRows(block, of));
    Scores scores(block, kScores);
    tiles.store(block, scores);
    block.sync();
    const Part part = Mine(block).read(scores);
    block.sync();  // the tile of scores may be written again
    return part;
  }
  /// From queries `first` on and key tile `key_tile`: the weights that values were added up by
  /// (kept), and the gradient of the scores. All threads may read them after a sync.
  template <class Block>
  PRECIS_DEVICE void weigh(const Block& block, const HeadTile& tile, int first, int rows,
                           int key_tile, float log_sum, float dot) const {
    const Mine mine(block);
    Part kept = products(block, 0, kKeyRows), grad = products(block, kGradOut, kValueRows);
    const int query = first + mine.row, seen = query - key_tile * kKeys;
    PRECIS_UNROLL
    for (int i = 0; i < Mine::kBlocks; ++i) {
      float keep[kPerPhilox];
      mine.multipliers(shape, tile, query, key_tile, i, keep);
      PRECIS_UNROLL
      for (int k = 0; k < kPerPhilox; ++k) {
        const bool counts = mine.column(i, k) <= seen && mine.row < rows;
        const float p = counts ? expf(kept.x[i][k] * shape.scale - log_sum) : 0.0F;
        kept.x[i][k] = p * keep[k];
        grad.x[i][k] = p * (grad.x[i][k] * keep[k] - dot) * shape.scale;
      }
    }
    mine.template write<T>(Weights(block, kKept), kept);
    mine.template write<T>(Weights(block, kGradScores), grad);
  }
  template <class Block>
  PRECIS_DEVICE Span<float> scratch(const Block& block) const {
    return block.template shared<float>(kScores, kThreads / kWarp * 256);
  }
};

/// The gradient of the queries, and `dots`, which the other kernel reads.
template <typename T, int kWidth, int kQueries>
struct AttentionQueryGradient : AttentionBackward<T, kWidth, kQueries> {
  // In float32 nvcc aims at more than shared memory allows, and spills; else it may choose.
  static constexpr int kBlocksPerSm = sizeof(T) == 4 ? 2 : 0;
  using Base = AttentionBackward<T, kWidth, kQueries>;
  using Mine = typename Base::Mine;

  template <class Block>
  PRECIS_DEVICE void operator()(const Block& block) const {
    const HeadTile tile(this->shape, block.index(), kQueries, /*late_first=*/true);
    if (tile.empty()) return;
    const Mine mine(block);
    this->load_queries(block, tile, tile.first, tile.rows);
    const bool live = mine.row < tile.rows;
    const int64_t at = this->query_at(tile, tile.first + (live ? mine.row : 0));
    const float dot = out_dot(block, tile, live);
    if (live && mine.part == 0) this->dots[at] = dot;
    ProductTiles<Block, T, kQueries, kWidth> sums;
    sums.clear(block);
    const int last = (tile.first + tile.rows - 1) / kKeys;
    for (int j = 0; j <= last; ++j) {
      const int64_t left = tile.length - int64_t{j} * kKeys;
      this->load_keys(block, tile, j * kKeys, static_cast<int>(left < kKeys ? left : kKeys));
      block.sync();
      this->weigh(block, tile, tile.first, tile.rows, j, this->log_sum_exp[at], dot);
      block.sync();
      sums.template add<kKeys, false, false>(block,
                                             typename Base::Weights(block, Base::kGradScores),
                                             typename Base::KeyRows(block, Base::kKeyRows));
      block.sync();
    }
    sums.write(block, this->scratch(block), this->grad_qkv, this->start_of(tile, 0, tile.first),
               3 * this->shape.width(), tile.rows, static_cast<int>(this->shape.head_size));
  }

 private:
  template <class Block>
  PRECIS_DEVICE float out_dot(const Block& block, const HeadTile& tile, bool live) const {
    const Mine mine(block);
    float dot = 0;
    if (live) {
      const int64_t row = this->out_start(tile, tile.first + mine.row);
      for (int64_t d = mine.part; d < this->shape.head_size; d += Mine::kPerRow)
        dot += static_cast<float>(this->out[row + d]) * static_cast<float>(this->grad_out[row + d]);
    }
    return Mine::sum(block, dot);
  }
};

/// The gradients of keys and values; `dots` are there.
template <typename T, int kWidth, int kQueries>
struct AttentionKeyGradient : AttentionBackward<T, kWidth, kQueries> {
  using Base = AttentionBackward<T, kWidth, kQueries>;
  using Mine = typename Base::Mine;

  template <class Block>
  PRECIS_DEVICE void operator()(const Block& block) const {
    const HeadTile tile(this->shape, block.index(), kKeys, /*late_first=*/false);
    if (tile.empty()) return;
    const Mine mine(block);
    this->load_keys(block, tile, tile.first, tile.rows);
    ProductTiles<Block, T, kKeys, kWidth> grad_k, grad_v;
    grad_k.clear(block);
    grad_v.clear(block);
    const int length = static_cast<int>(tile.length);
    // The first queries that see these keys are at the tile's own beginning.
    for (int first = tile.first; first < length; first += kQueries) {
      const int rows = length - first < kQueries ? length - first : kQueries;
      this->load_queries(block, tile, first, rows);
      block.sync();
      const int64_t at = this->query_at(tile, first + (mine.row < rows ? mine.row : 0));
      this->weigh(block, tile, first, rows, tile.first / kKeys, this->log_sum_exp[at],
                  this->dots[at]);
      block.sync();
      grad_v.template add<kQueries, true, false>(block, typename Base::Weights(block, Base::kKept),
                                                 typename Base::QueryRows(block, Base::kGradOut));
      grad_k.template add<kQueries, true, false>(block,
                                                 typename Base::Weights(block, Base::kGradScores),
                                                 typename Base::QueryRows(block, 0));
      block.sync();
    }
    const auto columns = static_cast<int>(this->shape.head_size);
    grad_k.write(block, this->scratch(block), this->grad_qkv, this->start_of(tile, 1, tile.first),
                 3 * this->shape.width(), tile.rows, columns);
    grad_v.write(block, this->scratch(block), this->grad_qkv, this->start_of(tile, 2, tile.first),
                 3 * this->shape.width(), tile.rows, columns);
  }
};

}  // namespace precis::kernels
