// The merges of a byte-pair vocabulary, and their application to one piece of text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace precis {

/// Working memory of merges, kept between pieces so that nothing is allocated for most of them.
struct MergeScratch {
  struct Candidate {
    uint32_t rank;
    uint32_t
        left;  ///< position of the left token; after rank, so that equal ranks merge from the left
    int32_t left_id;
    int32_t right_id;
  };
  std::vector<uint64_t> pairs;
  std::vector<uint32_t> previous;
  std::vector<uint32_t> next;
  std::vector<Candidate> heap;
};

/// Pair of tokens -> rank and merged token. Filled once, then read only.
class MergeTable {
 public:
  static constexpr uint32_t kNoRank = std::numeric_limits<uint32_t>::max();
  struct Merge {
    uint32_t rank = kNoRank;  ///< lower merges first
    int32_t id = -1;
  };

  explicit MergeTable(size_t num_merges);

  /// False if the pair is already there.
  bool add(int32_t left, int32_t right, Merge merge);
  /// rank kNoRank: the pair does not merge.
  Merge find(int32_t left, int32_t right) const;

  /// Merges ids until no neighbours merge: always the lowest rank, the leftmost of equal ones. Near
  /// linear in their number.
  void apply(std::vector<int32_t>& ids, MergeScratch& scratch) const;

 private:
  struct Slot {
    int32_t left = -1;
    int32_t right = -1;
    Merge merge;
  };
  /// The merge of a pair as one number: its rank, then its token.
  uint64_t ranked(int32_t left, int32_t right) const {
    const Merge merge = find(left, right);
    return uint64_t{merge.rank} << 32 | static_cast<uint32_t>(merge.id);
  }
  size_t slot_of(int32_t left, int32_t right) const;
  void apply_to_few(std::vector<int32_t>& ids, MergeScratch& scratch) const;
  void apply_to_many(std::vector<int32_t>& ids, MergeScratch& scratch) const;
  void push_candidate(const std::vector<int32_t>& ids, uint32_t left, uint32_t right,
                      MergeScratch& scratch) const;

  std::vector<Slot> slots_;
  int shift_;
};

}  // namespace precis
