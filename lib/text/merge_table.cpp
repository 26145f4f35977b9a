#include "lib/text/merge_table.h"

#include <algorithm>
#include <bit>

namespace precis {

namespace {

/// Above this many tokens a heap beats searching the minimum anew for each merge.
constexpr size_t kFew = 96;

constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();

bool merges_later(const MergeScratch::Candidate& a, const MergeScratch::Candidate& b) {
  return a.rank != b.rank ? a.rank > b.rank : a.left > b.left;
}

}  // namespace

MergeTable::MergeTable(size_t num_merges)
    : slots_(std::bit_ceil(num_merges * 2 + 2)), shift_(64 - std::countr_zero(slots_.size())) {}

size_t MergeTable::slot_of(int32_t left, int32_t right) const {
  const uint64_t pair = uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
  const uint64_t mixed = (pair ^ (pair >> 29)) * 0x9E3779B97F4A7C15ULL;
  return static_cast<size_t>((mixed ^ (mixed >> 32)) * 0xD6E8FEB86659FD93ULL >> shift_);
}

bool MergeTable::add(int32_t left, int32_t right, Merge merge) {
  size_t at = slot_of(left, right);
  for (; slots_[at].left >= 0; at = (at + 1) & (slots_.size() - 1))
    if (slots_[at].left == left && slots_[at].right == right) return false;
  slots_[at] = {left, right, merge};
  return true;
}

MergeTable::Merge MergeTable::find(int32_t left, int32_t right) const {
  for (size_t at = slot_of(left, right);; at = (at + 1) & (slots_.size() - 1)) {
    const Slot& slot = slots_[at];
    if (slot.left == left && slot.right == right) return slot.merge;
    if (slot.left < 0) return {};
  }
}

void MergeTable::apply(std::vector<int32_t>& ids, MergeScratch& scratch) const {
  if (ids.size() <= kFew) {
    apply_to_few(ids, scratch);
  } else {
    apply_to_many(ids, scratch);
  }
}

void MergeTable::apply_to_few(std::vector<int32_t>& ids, MergeScratch& scratch) const {
  if (ids.size() < 2) return;
  std::vector<uint64_t>& pairs = scratch.pairs;  // the merges of (i, i + 1)
  pairs.resize(ids.size() - 1);
  for (size_t i = 0; i < pairs.size(); ++i) pairs[i] = ranked(ids[i], ids[i + 1]);
  size_t num_pairs = pairs.size();
  const auto drop = [](auto& values, size_t at, size_t size) {
    for (; at + 1 < size; ++at) values[at] = values[at + 1];
  };
  while (num_pairs > 0) {
    size_t i = 0;
    for (size_t k = 1; k < num_pairs; ++k) i = pairs[k] < pairs[i] ? k : i;
    if (pairs[i] >> 32 == kNoRank) break;
    ids[i] = static_cast<int32_t>(pairs[i]);
    drop(ids, i + 1, num_pairs + 1);
    drop(pairs, i, num_pairs);
    --num_pairs;
    if (i < num_pairs) pairs[i] = ranked(ids[i], ids[i + 1]);
    if (i > 0) pairs[i - 1] = ranked(ids[i - 1], ids[i]);
  }
  ids.resize(num_pairs + 1);
}

void MergeTable::push_candidate(const std::vector<int32_t>& ids, uint32_t left, uint32_t right,
                                MergeScratch& scratch) const {
  if (left == kNone || right == kNone) return;
  const Merge merge = find(ids[left], ids[right]);
  if (merge.rank == kNoRank) return;
  scratch.heap.push_back({merge.rank, left, ids[left], ids[right]});
  std::push_heap(scratch.heap.begin(), scratch.heap.end(), merges_later);
}

void MergeTable::apply_to_many(std::vector<int32_t>& ids, MergeScratch& scratch) const {
  const auto n = static_cast<uint32_t>(ids.size());
  std::vector<uint32_t>& previous = scratch.previous;
  std::vector<uint32_t>& next = scratch.next;
  std::vector<MergeScratch::Candidate>& heap = scratch.heap;
  previous.resize(n);
  next.resize(n);
  heap.clear();
  for (uint32_t i = 0; i < n; ++i) {
    previous[i] = i == 0 ? kNone : i - 1;
    next[i] = i + 1 == n ? kNone : i + 1;
  }
  for (uint32_t i = 0; i + 1 < n; ++i) push_candidate(ids, i, i + 1, scratch);
  constexpr int32_t kGone = -1;  // the token was merged into its left neighbour
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), merges_later);
    const MergeScratch::Candidate pair = heap.back();
    heap.pop_back();
    const uint32_t right = next[pair.left];
    if (ids[pair.left] != pair.left_id || right == kNone || ids[right] != pair.right_id)
      continue;  // one of them changed
    ids[pair.left] = find(pair.left_id, pair.right_id).id;
    ids[right] = kGone;
    next[pair.left] = next[right];
    if (next[right] != kNone) previous[next[right]] = pair.left;
    push_candidate(ids, previous[pair.left], pair.left, scratch);
    push_candidate(ids, pair.left, next[pair.left], scratch);
  }
  std::erase(ids, kGone);
}

}  // namespace precis
