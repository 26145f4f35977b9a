// Causal attention of ragged samples with dropout by Philox, forward. Tiles of keys are dropout
// groups, so that each Philox number is made once. Two passes over the keys: the first finds each
// query's log-sum-exp, the second adds up values by probabilities that are final. Products go
// through Block::Matrix alone. Source: Dao et al., FlashAttention, 2022.
#pragma once

#include "lib/ops/dropout_kernels.cuh"

namespace precis::kernels {

constexpr int kKeys = static_cast<int>(kDropoutGroup);  // of a tile

/// Where samples and heads lie; what all attention kernels are given.
struct AttentionShape {
  Span<const int32_t> offsets;  ///< [B + 1]
  Span<const int64_t> keys;     ///< [B]; empty where nothing is dropped
  int64_t num_rows, num_samples, n_head, head_size, max_length;
  Dropout dropout;
  float scale;  ///< of scores

  PRECIS_DEVICE int64_t width() const { return n_head * head_size; }
};

/// A tile of kRows queries or keys of one head: which rows of the arrays it is.
struct HeadTile {
  int64_t sample, head, begin, length;  ///< of the sample: its first row, and how many
  int first;                            ///< the tile's first row in the sample
  int rows;                             ///< that are there

  /// Tiles are numbered by their place, then head, then sample; late tiles, whose queries see most
  /// keys, come first where `late_first`.
  template <class Shape>
  PRECIS_DEVICE HeadTile(const Shape& shape, int64_t index, int tile_rows, bool late_first) {
    const int64_t tiles = (shape.max_length + tile_rows - 1) / tile_rows;
    const int64_t heads = shape.num_samples * shape.n_head;
    const int64_t place = index / heads;
    sample = index % heads / shape.n_head;
    head = index % shape.n_head;
    begin = shape.offsets[sample];
    length = shape.offsets[sample + 1] - begin;
    first = static_cast<int>(late_first ? tiles - 1 - place : place) * tile_rows;
    rows = static_cast<int>(length - first < tile_rows ? length - first : tile_rows);
  }
  PRECIS_DEVICE bool empty() const { return rows <= 0; }
};

/// A [kRows, kWidth] array of T in shared memory. Rows are 8 apart more than they are wide, so that
/// neighbours are in other banks.
template <typename T, int kRows, int kWidth>
struct SharedTile {
  static constexpr int kStride = kWidth + 8;
  static constexpr int kBytes = kRows * kStride * static_cast<int>(sizeof(T));
  Span<T> data;

  template <class Block>
  PRECIS_DEVICE SharedTile(const Block& block, int offset)
      : data(block.template shared<T>(offset, kRows * kStride)) {}
  PRECIS_DEVICE T* run(int row, int column, int count) const {
    return data.at(row * kStride + column, count);
  }
  /// The 16 x 16 matrix from here on.
  PRECIS_DEVICE const T* matrix(int row, int column) const {
    return data.at(row * kStride + column, 15 * kStride + 16);
  }
  PRECIS_DEVICE T* matrix(int row, int column) {
    return data.at(row * kStride + column, 15 * kStride + 16);
  }

  /// Fills it with `rows` rows of `from`, which begin `stride` apart at `start` and are head_size
  /// long; the rest is 0.
  template <class Block>
  PRECIS_DEVICE void load(const Block& block, int threads, Span<const T> from, int64_t start,
                          int64_t stride, int rows, int head_size) const {
    using Some = Pack<T>;
    constexpr int kPack = Some::kCount, kPacks = kWidth / kPack;
    // Then all rows begin at whole packs.
    const bool whole = head_size % kPack == 0 && begins_pack(from.data);
    for (int i = block.thread(); i < kRows * kPacks; i += threads) {
      const int row = i / kPacks, column = i % kPacks * kPack;
      const int64_t source = start + row * stride + column;
      Some pack;
      PRECIS_UNROLL
      for (T& x : pack.x) x = static_cast<T>(0.0F);
      if (row < rows && column < head_size) {
        if (whole)
          pack = *reinterpret_cast<const Some*>(from.at(source, kPack));
        else
          for (int k = 0; k < kPack && column + k < head_size; ++k) pack.x[k] = from[source + k];
      }
      *reinterpret_cast<Some*>(data.at(row * kStride + column, kPack)) = pack;
    }
  }
};

/// 16 x 16 tiles of a product [kRows, kColumns], shared out over the four warps of a block.
template <class Block, typename T, int kRows, int kColumns>
struct ProductTiles {
  using Matrix = typename Block::template Matrix<T>;
  static constexpr int kWarps = 4, kAcross = kColumns / 16, kMine = kRows / 16 * kAcross / kWarps;
  static_assert(kMine >= 1, "a warp has a tile at least");
  typename Matrix::Accumulator sums[kMine];

  PRECIS_DEVICE static int row(const Block& block, int i) {
    return (block.warp() * kMine + i) / kAcross * 16;
  }
  PRECIS_DEVICE static int column(const Block& block, int i) {
    return (block.warp() * kMine + i) % kAcross * 16;
  }
  PRECIS_DEVICE void clear(const Block& block) {
    PRECIS_UNROLL
    for (int i = 0; i < kMine; ++i) Matrix::clear(block, sums[i]);
  }
  /// += a @ b over kInner columns of a. kTransposedA: a is stored as its transpose; likewise b.
  template <int kInner, bool kTransposedA, bool kTransposedB, class Left, class Right>
  PRECIS_DEVICE void add(const Block& block, const Left& a, const Right& b) {
    PRECIS_UNROLL
    for (int k = 0; k < kInner; k += 16) {
      typename Matrix::template A<kTransposedA> left;
      PRECIS_UNROLL
      for (int i = 0; i < kMine; ++i) {
        const int m = row(block, i), n = column(block, i);
        if (i % kAcross == 0)  // else the tile before has the same rows
          Matrix::load(block, left, kTransposedA ? a.matrix(k, m) : a.matrix(m, k), Left::kStride);
        typename Matrix::template B<kTransposedB> right;
        Matrix::load(block, right, kTransposedB ? b.matrix(n, k) : b.matrix(k, n), Right::kStride);
        Matrix::multiply_add(block, sums[i], left, right);
      }
    }
  }
  template <class Tile>
  PRECIS_DEVICE void store(const Block& block, Tile& to) const {
    PRECIS_UNROLL
    for (int i = 0; i < kMine; ++i)
      Matrix::store(block, sums[i], to.matrix(row(block, i), column(block, i)), Tile::kStride);
  }
  /// Into rows of an array in memory, which begin `stride` apart at `start`: as many rows and
  /// columns as there are. `scratch`: 256 floats of shared memory a warp.
  PRECIS_DEVICE void write(const Block& block, Span<float> scratch, Span<T> to, int64_t start,
                           int64_t stride, int rows, int columns) const {
    PRECIS_UNROLL
    for (int i = 0; i < kMine; ++i) {
      float* tile = scratch.at(block.warp() * 256, 256);
      Matrix::store(block, sums[i], tile, 16);
      block.sync_warp();
      for (int at = block.lane(); at < 256; at += kWarp) {
        const int r = row(block, i) + at / 16, column_there = column(block, i) + at % 16;
        if (r < rows && column_there < columns)
          to[start + r * stride + column_there] = static_cast<T>(tile[at]);
      }
      block.sync_warp();
    }
  }
};

/// How the threads of a block share out a [kQueries, kKeys] tile of scores: some threads a row,
/// each with whole Philox blocks of it.
template <int kQueries>
struct ScoreRow {
  static constexpr int kThreads = 128, kPerRow = kThreads / kQueries, kBlocks = 8 / kPerRow;
  int row, part;  ///< the row of the tile; which of the row's threads this is

  template <class Block>
  PRECIS_DEVICE explicit ScoreRow(const Block& block)
      : row(block.thread() / kPerRow), part(block.thread() % kPerRow) {}
  /// Column k of this thread's Philox block i.
  PRECIS_DEVICE int column(int i, int k) const { return part * kBlocks + i + 8 * k; }
  /// What a thread has of a tile.
  struct Part {
    float x[kBlocks][kPerPhilox];
  };
  template <typename T>
  struct alignas(kBlocks * sizeof(T)) Run {
    T x[kBlocks];  // of as many Philox blocks, the same number of each: neighbours
  };
  template <class Tile>
  PRECIS_DEVICE Part read(const Tile& tile) const {
    Part part_of;
    PRECIS_UNROLL
    for (int k = 0; k < kPerPhilox; ++k) {
      const auto run = *reinterpret_cast<const Run<float>*>(tile.run(row, column(0, k), kBlocks));
      PRECIS_UNROLL
      for (int i = 0; i < kBlocks; ++i) part_of.x[i][k] = run.x[i];
    }
    return part_of;
  }
  template <typename T, class Tile>
  PRECIS_DEVICE void write(const Tile& tile, const Part& part_of) const {
    PRECIS_UNROLL
    for (int k = 0; k < kPerPhilox; ++k) {
      Run<T> run;
      PRECIS_UNROLL
      for (int i = 0; i < kBlocks; ++i) run.x[i] = static_cast<T>(part_of.x[i][k]);
      *reinterpret_cast<Run<T>*>(tile.run(row, column(0, k), kBlocks)) = run;
    }
  }
  /// The sum over a row's threads, in each of them.
  template <class Block>
  static PRECIS_DEVICE float sum(const Block& block, float x) {
    PRECIS_UNROLL
    for (int mask = kPerRow / 2; mask > 0; mask /= 2) x += block.shuffle_xor(x, mask);
    return x;
  }
  template <class Block>
  static PRECIS_DEVICE float max(const Block& block, float x) {
    PRECIS_UNROLL
    for (int mask = kPerRow / 2; mask > 0; mask /= 2) {
      const float other = block.shuffle_xor(x, mask);
      x = other > x ? other : x;
    }
    return x;
  }
  /// Multipliers of its Philox block i, of query `query` and the tile of keys.
  PRECIS_DEVICE void multipliers(const AttentionShape& shape, const HeadTile& tile, int64_t query,
                                 int key_tile, int i, float (&keep)[kPerPhilox]) const {
    const uint64_t key = shape.dropout.active()
                             ? shape.dropout.key(static_cast<uint64_t>(shape.keys[tile.sample]))
                             : 0;
    philox_multipliers(shape.dropout, key, int64_t{key_tile} * 8 + part * kBlocks + i, query,
                       tile.head, keep);
  }
};

/// out [N, C] and log_sum_exp [H, N] from qkv [N, 3C]. kWidth: head_size rounded up to what tiles
/// have; kQueries: of a block.
template <typename T, int kWidth, int kQueries>
struct AttentionForward {
  static constexpr int kThreads = 128;
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
  // Shared memory has room for one; nvcc aims at four, and spills.
  static constexpr int kBlocksPerSm = 1;
#endif
  using Queries = SharedTile<T, kQueries, kWidth>;
  using KeyRows = SharedTile<T, kKeys, kWidth>;
  using Scores = SharedTile<float, kQueries, kKeys>;
  using Weights = SharedTile<T, kQueries, kKeys>;
  static constexpr int kKeyOffset = Queries::kBytes, kScores = kKeyOffset + KeyRows::kBytes,
                       kWeights = kScores + Scores::kBytes,
                       kSharedBytes = kWeights + Weights::kBytes;
  AttentionShape shape;
  Span<const T> qkv;
  Span<T> out;
  Span<float> log_sum_exp;  ///< empty: not wanted

  template <class Block>
  PRECIS_DEVICE void operator()(const Block& block) const {
    const HeadTile tile(shape, block.index(), kQueries, /*late_first=*/true);
    if (tile.empty()) return;
    const Queries q(block, 0);
    q.load(block, kThreads, qkv, start_of(tile, 0, tile.first), 3 * shape.width(), tile.rows,
           static_cast<int>(shape.head_size));
    const float top = log_sums(block, tile, q);
    ProductTiles<Block, T, kQueries, kWidth> sums;
    sums.clear(block);
    for (int j = 0; j <= last_tile(tile); ++j) {
      score(block, tile, q, j);
      weigh(block, tile, j, top);
      const KeyRows v(block, kKeyOffset);
      load_keys(block, tile, 2, j);
      block.sync();
      sums.template add<kKeys, false, false>(block, Weights(block, kWeights), v);
      block.sync();
    }
    sums.write(block, block.template shared<float>(kScores, kThreads / kWarp * 256), out,
               (tile.begin + tile.first) * shape.width() + tile.head * shape.head_size,
               shape.width(), tile.rows, static_cast<int>(shape.head_size));
  }

 private:
  PRECIS_DEVICE static int last_tile(const HeadTile& tile) {
    return (tile.first + tile.rows - 1) / kKeys;
  }
  /// Where q (0), k (1) or v (2) of a row of the sample begins.
  PRECIS_DEVICE int64_t start_of(const HeadTile& tile, int which, int64_t row) const {
    return (tile.begin + row) * 3 * shape.width() + which * shape.width() +
           tile.head * shape.head_size;
  }
  template <class Block>
  PRECIS_DEVICE void load_keys(const Block& block, const HeadTile& tile, int which, int j) const {
    const int64_t left = tile.length - int64_t{j} * kKeys;
    KeyRows(block, kKeyOffset)
        .load(block, kThreads, qkv, start_of(tile, which, int64_t{j} * kKeys), 3 * shape.width(),
              static_cast<int>(left < kKeys ? left : kKeys), static_cast<int>(shape.head_size));
  }
  /// Scores of the queries and key tile j, without their scale; all threads may read them.
  template <class Block>
  PRECIS_DEVICE void score(const Block& block, const HeadTile& tile, const Queries& q,
                           int j) const {
    load_keys(block, tile, 1, j);
    block.sync();
    ProductTiles<Block, T, kQueries, kKeys> products;
    products.clear(block);
    products.template add<kWidth, false, true>(block, q, KeyRows(block, kKeyOffset));
    Scores scores(block, kScores);
    products.store(block, scores);
    block.sync();
  }
  /// The log-sum-exp of this thread's query; written where it is wanted.
  template <class Block>
  PRECIS_DEVICE float log_sums(const Block& block, const HeadTile& tile, const Queries& q) const {
    const ScoreRow<kQueries> mine(block);
    float top = -INFINITY, total = 0;
    for (int j = 0; j <= last_tile(tile); ++j) {
      score(block, tile, q, j);
      const auto scores = mine.read(Scores(block, kScores));
      const int seen = tile.first + mine.row - j * kKeys;  // the last column that counts
      PRECIS_UNROLL
      for (int i = 0; i < ScoreRow<kQueries>::kBlocks; ++i) PRECIS_UNROLL
      for (int k = 0; k < kPerPhilox; ++k) {
        if (mine.column(i, k) > seen) continue;
        const float s = scores.x[i][k] * shape.scale;
        if (s > top) {
          total = total * expf(top - s) + 1;
          top = s;
        } else {
          total += expf(s - top);
        }
      }
      block.sync();
    }
    const float row_top = ScoreRow<kQueries>::max(block, top);
    // A thread that saw no key has a top of minus infinity, and nothing to add.
    const float share = total == 0 ? 0 : total * expf(top - row_top);
    const float result = row_top + logf(ScoreRow<kQueries>::sum(block, share));
    if (!log_sum_exp.empty() && mine.part == 0 && mine.row < tile.rows)
      log_sum_exp[tile.head * shape.num_rows + tile.begin + tile.first + mine.row] = result;
    return result;
  }
  /// Probabilities, with dropout, of key tile j.
  template <class Block>
  PRECIS_DEVICE void weigh(const Block& block, const HeadTile& tile, int j, float top) const {
    const ScoreRow<kQueries> mine(block);
    auto weights = mine.read(Scores(block, kScores));
    const int seen = tile.first + mine.row - j * kKeys;
    PRECIS_UNROLL
    for (int i = 0; i < ScoreRow<kQueries>::kBlocks; ++i) {
      float keep[kPerPhilox];
      mine.multipliers(shape, tile, tile.first + mine.row, j, i, keep);
      PRECIS_UNROLL
      for (int k = 0; k < kPerPhilox; ++k) {
        const bool counts = mine.column(i, k) <= seen && mine.row < tile.rows;
        float& weight = weights.x[i][k];
        weight = counts ? expf(weight * shape.scale - top) * keep[k] : 0.0F;
      }
    }
    mine.template write<T>(Weights(block, kWeights), weights);
  }
};

}  // namespace precis::kernels
