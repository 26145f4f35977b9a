#include "lib/report/record.h"

#include <cmath>

namespace precis {

std::optional<double> number_in(const Record& record, std::string_view key) {
  const auto found = record.find(std::string(key));
  if (found == record.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

std::optional<int64_t> iteration_of(const Record& record) {
  constexpr double kLargest = 9007199254740992.0;  // 2^53: above, a double is no exact integer
  const std::optional<double> iter = number_in(record, "iter");
  if (!iter || !(std::abs(*iter) <= kLargest)) return std::nullopt;
  return static_cast<int64_t>(*iter);
}

std::string text_in(const Record& record, std::string_view key) {
  const auto found = record.find(std::string(key));
  if (found == record.end() || !found->is_string()) return {};
  return found->get<std::string>();
}

bool is_kind(const Record& record, std::string_view kind) {
  const auto found = record.find("kind");
  return found != record.end() && found->is_string() &&
         found->get_ref<const std::string&>() == kind;
}

std::string to_json(const Record& record) {
  return record.dump(-1, ' ', false, Record::error_handler_t::replace);
}

}  // namespace precis
