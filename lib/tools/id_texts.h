// Token ids as text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace precis {

/// The digits of ids, made once: most of a text's ids are a few hundred, and a look-up is several
/// times as fast as a division.
class IdTexts {
 public:
  /// For the ids below num_ids, with a separator of at most two bytes between them.
  IdTexts(int32_t num_ids, std::string_view separator);

  /// Appends ids, which are not negative.
  void append_to(std::string& out, std::span<const int32_t> ids) const;

 private:
  /// A few bytes and, in the last one, how many they are.
  using Entry = uint64_t;
  static constexpr size_t kMostBytes = sizeof(Entry) - 1;

  char* write(int32_t id, char* out) const;

  std::vector<Entry> entries_;  // by id, of those whose digits and separator fit
  std::string separator_;
};

}  // namespace precis
