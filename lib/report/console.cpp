#include "lib/report/console.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace precis {

namespace {

/// 12:34, 1:02:03 or 2 d 01:02:03.
std::string clock_text(double seconds) {
  constexpr int64_t kDay = 86400;
  const auto whole = static_cast<int64_t>(std::min(std::max(seconds, 0.0), 1e9));
  const int64_t days = whole / kDay, hours = whole % kDay / 3600;
  const int64_t minutes = whole % 3600 / 60, rest = whole % 60;
  if (days > 0) return fmt::format("{} d {:02}:{:02}:{:02}", days, hours, minutes, rest);
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, minutes, rest);
  return fmt::format("{:02}:{:02}", minutes, rest);
}

/// Three digits that matter, and no exponent: 0.412, 39.4, 7021.
std::string rate_text(double value) {
  return fmt::format("{:.{}f}", value, value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3);
}

/// The parts of a line, and how they are made from a record.
class Parts {
 public:
  explicit Parts(const Record& record) : record_(record) {}

  /// Adds `pattern` with the number; null, how a number that is not finite is written, shows as
  /// nan.
  void add(std::string_view key, std::string_view pattern) {
    if (!record_.contains(std::string(key))) return;
    parts_.push_back(
        fmt::format(fmt::runtime(pattern), number_in(record_, key).value_or(std::nan(""))));
  }
  void add_rate(std::string_view key, std::string_view unit) {
    if (const auto value = number_in(record_, key))
      parts_.push_back(fmt::format("{} {}", rate_text(*value), unit));
  }
  void add_text(std::string text) { parts_.push_back(std::move(text)); }
  bool empty() const { return parts_.empty(); }
  std::string line() const { return fmt::format("{}", fmt::join(parts_, " | ")); }

 private:
  const Record& record_;
  std::vector<std::string> parts_;
};

std::string over_examples(const Record& record, std::string_view key) {
  const auto count = number_in(record, key);
  return count ? fmt::format(" (over {:.0f} examples)", *count) : std::string();
}

}  // namespace

std::string train_line(const Record& record) {
  Parts parts(record);
  parts.add("iter", "iter {:.0f}");
  parts.add("loss", "loss {:.4f}");
  parts.add("lr", "lr {:.2g}");
  parts.add("grad_norm", "grad norm {:.2f}");
  parts.add_rate("step_ms", "ms");
  parts.add_rate("samples_per_s", "samples/s");
  parts.add_rate("tokens_per_s", "tokens/s");
  if (const auto mfu = number_in(record, "mfu")) {
    const std::string peak = text_in(record, "mfu_peak");
    parts.add_text(fmt::format("MFU {:.1f} %{}", 100 * *mfu,
                               peak.empty() ? "" : fmt::format(" (of {})", peak)));
  }
  const auto eta = number_in(record, "eta_seconds");
  if (eta && std::isfinite(*eta)) parts.add_text("ETA " + clock_text(*eta));
  return parts.line();
}

std::string eval_block(const Record& record) {
  const auto best = record.find("best");
  const bool is_best = best != record.end() && best->is_boolean() && best->get<bool>();
  std::string block = fmt::format("evaluation after {} iterations{}",
                                  iteration_of(record).value_or(0), is_best ? ", best so far" : "");
  if (const auto loss = number_in(record, "val_loss"))
    block += fmt::format("\n  val loss {:.4f}{}", *loss, over_examples(record, "num_examples"));
  Parts rouge(record);
  for (const auto& [key, name] :
       {std::pair{"rouge1", "ROUGE-1"}, {"rouge2", "ROUGE-2"}, {"rougeL", "ROUGE-L"}})
    if (const auto score = number_in(record, key))
      rouge.add_text(fmt::format("{} {:.4f}", name, *score));
  if (!rouge.empty())
    block += fmt::format("\n  {}{}", rouge.line(), over_examples(record, "rouge_num_examples"));
  if (const auto empty = number_in(record, "num_empty_summaries"); empty && *empty > 0)
    block +=
        fmt::format("\n  {:.0f} of the summaries {} empty", *empty, *empty == 1 ? "is" : "are");
  return block;
}

void ConsoleSink::write(const Record& record) {
  if (is_kind(record, "eval")) {
    log_.info(eval_block(record));
  } else if (is_kind(record, "train")) {
    const int64_t interval = std::max<int64_t>(log_interval_, 1);
    if (iteration_of(record).value_or(0) % interval == 0) log_.info(train_line(record));
  }
}

}  // namespace precis
