#include "lib/report/html_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string_view>

#include "lib/report/chart.h"
#include "lib/report/markup.h"
#include "lib/report/page_style.h"
#include "lib/report/sample_cards.h"
#include "lib/report/series.h"

namespace precis {

namespace {

struct RougeType {
  const char* key;
  const char* name;
};
constexpr std::array kRougeTypes = {RougeType{"rouge1", "ROUGE-1"}, RougeType{"rouge2", "ROUGE-2"},
                                    RougeType{"rougeL", "ROUGE-L"},
                                    RougeType{"rougeLsum", "ROUGE-Lsum"}};
constexpr size_t kNumCurves = 3;  // Lsum is computed at the end only

/// The F measure of a type in evaluation.json.
std::optional<double> final_score(const Record& evaluation, const char* type, const char* part) {
  const auto found = evaluation.find(type);
  return found == evaluation.end() ? std::nullopt : number_in(*found, part);
}

std::string section(std::string_view heading, const std::string& content) {
  if (content.empty()) return {};
  return fmt::format("<h2>{}</h2>\n{}", heading, content);
}

class Tiles {
 public:
  void add(std::string_view name, std::string_view value, std::string_view more) {
    html_ += fmt::format(
        "<dl class=\"card\"><dt>{}</dt><dd class=\"value\">{}</dd><dd class=\"more\">{}</dd></dl>",
        name, value, more);
  }
  std::string html() const {
    return html_.empty() ? html_ : fmt::format("<div class=\"tiles\">{}</div>\n", html_);
  }

 private:
  std::string html_;
};

/// The finite point whose value `better` prefers to all others.
template <class Better>
std::optional<Point> best_of(const Curve& curve, Better better) {
  std::optional<Point> best;
  for (const Point& point : curve)
    if (std::isfinite(point.y) && (!best || better(point.y, best->y))) best = point;
  return best;
}

/// Wide enough to calm the noise of single batches, short enough to follow the run.
double smoothing_span(size_t points) {
  return std::clamp(static_cast<double>(points) / 40, 1.0, 100.0);
}

void add_rouge_tiles(Tiles& tiles, const ReportInput& input) {
  for (size_t i = 0; i < kNumCurves; ++i) {
    const auto& [key, name] = kRougeTypes[i];
    if (const auto final = final_score(input.evaluation, key, "fmeasure")) {
      const auto count = number_in(input.evaluation, "num_examples");
      tiles.add(name, fmt::format("{:.4f}", *final),
                count ? fmt::format("F, over {} dialogues", grouped(*count)) : std::string("F"));
    } else if (const auto best = best_of(curve_of(input.records, "eval", key), std::greater<>())) {
      tiles.add(name, fmt::format("{:.4f}", best->y),
                fmt::format("F, best, after {} iterations", grouped(best->x)));
    }
  }
}

std::string tiles_of(const ReportInput& input) {
  Tiles tiles;
  add_rouge_tiles(tiles, input);
  const Curve val_loss = curve_of(input.records, "eval", "val_loss");
  if (const auto best = best_of(val_loss, std::less<>()))
    tiles.add("Validation loss", fmt::format("{:.4f}", best->y),
              fmt::format("best, after {} iterations; perplexity {}", grouped(best->x),
                          short_number(std::exp(best->y), 3)));
  const Curve loss = curve_of(input.records, "train", "loss");
  const Curve smooth = smoothed(loss, smoothing_span(loss.size()));
  if (!smooth.empty())
    tiles.add("Training loss", fmt::format("{:.4f}", smooth.back().y),
              fmt::format("smoothed, after {} iterations", grouped(loss.back().x + 1)));
  const double samples = median(curve_of(input.records, "train", "samples_per_s"));
  const double tokens = median(curve_of(input.records, "train", "tokens_per_s"));
  if (std::isfinite(samples))
    tiles.add("Speed", fmt::format("{}/s", short_number(samples, 3)),
              std::isfinite(tokens)
                  ? fmt::format("samples, median; {} tokens/s", short_number(tokens, 3))
                  : std::string("samples, median"));
  return tiles.html();
}

Chart loss_chart(const ReportInput& input) {
  using Style = ChartSeries::Style;
  const Curve loss = curve_of(input.records, "train", "loss");
  Chart chart{"Loss", "nats per target token", false, {}};
  if (!loss.empty()) {
    chart.series.push_back({"train, each iteration", "", 1, Style::kFaint, loss});
    chart.series.push_back(
        {"train, smoothed", "train", 1, Style::kLine, smoothed(loss, smoothing_span(loss.size()))});
  }
  const Curve val_loss = curve_of(input.records, "eval", "val_loss");
  if (!val_loss.empty()) chart.series.push_back({"validation", "val", 2, Style::kDots, val_loss});
  return chart;
}

Chart rouge_chart(const ReportInput& input) {
  Chart chart{"ROUGE", "F measure on validation dialogues", true, {}};
  for (size_t i = 0; i < kNumCurves; ++i) {
    const auto& [key, name] = kRougeTypes[i];
    const Curve curve = curve_of(input.records, "eval", key);
    if (!curve.empty())
      chart.series.push_back({name, fmt::format("R-{}", name[6]), static_cast<int>(i) + 1,
                              ChartSeries::Style::kDots, curve});
  }
  return chart;
}

/// A field of the train records, as it is; with more than a few points also smoothed.
Chart train_chart(const ReportInput& input, const char* key, Chart chart, bool smooth) {
  const Curve curve = curve_of(input.records, "train", key);
  constexpr size_t kFew = 50;
  const bool both = smooth && curve.size() > kFew;
  chart.series.push_back({"each iteration", "", 1,
                          both ? ChartSeries::Style::kFaint : ChartSeries::Style::kLine, curve});
  if (both)
    chart.series.push_back({"smoothed", "", 1, ChartSeries::Style::kLine,
                            smoothed(curve, smoothing_span(curve.size()))});
  return chart;
}

std::string charts(const ReportInput& input) {
  const std::string figures =
      chart_figure(loss_chart(input)) + chart_figure(rouge_chart(input)) +
      chart_figure(train_chart(input, "lr", {"Learning rate", "", true, {}}, false)) +
      chart_figure(
          train_chart(input, "grad_norm", {"Gradient norm", "before clipping", true, {}}, true)) +
      chart_figure(
          train_chart(input, "samples_per_s", {"Speed", "samples per second", true, {}}, true)) +
      chart_figure(
          train_chart(input, "tokens_per_s", {"Throughput", "tokens per second", true, {}}, true));
  return figures.empty() ? figures : fmt::format("<div class=\"charts\">{}</div>\n", figures);
}

std::string rouge_table(const Record& evaluation) {
  std::string rows;
  for (const auto& [key, name] : kRougeTypes) {
    if (!final_score(evaluation, key, "fmeasure")) continue;
    rows += fmt::format("<tr><th scope=\"row\">{}</th>", name);
    for (const char* part : {"precision", "recall", "fmeasure"}) {
      const auto score = final_score(evaluation, key, part);
      rows += fmt::format("<td class=\"n\">{}</td>",
                          score ? fmt::format("{:.4f}", *score) : std::string("n/a"));
    }
    rows += "</tr>";
  }
  if (rows.empty()) return {};
  std::string about;
  if (const auto iter = iteration_of(evaluation))
    about += fmt::format("Weights after {} iterations", grouped(static_cast<double>(*iter)));
  if (const auto count = number_in(evaluation, "num_examples"))
    about += fmt::format("{}{} dialogues", about.empty() ? "" : ", ", grouped(*count));
  if (const auto loss = number_in(evaluation, "val_loss"))
    about += fmt::format("{}validation loss {:.4f}", about.empty() ? "" : ", ", *loss);
  return fmt::format(
      "<div class=\"card scroll\"><p class=\"note\">{}</p><table><thead><tr><th></th><th "
      "class=\"n\">"
      "Precision</th><th class=\"n\">Recall</th><th "
      "class=\"n\">F</th></tr></thead><tbody>{}</tbody>"
      "</table></div>\n",
      about, rows);
}

/// The figures behind the dots, for those who cannot or do not want to read curves.
std::string evaluations_table(const std::vector<Record>& records) {
  constexpr std::array kColumns = {"val_loss", "rouge1", "rouge2", "rougeL"};
  constexpr size_t kMostRows = 1000;
  std::string rows;
  size_t count = 0, left_out = 0;
  for (const Record& record : records) {
    const auto iter = iteration_of(record);
    if (!iter || !is_kind(record, "eval")) continue;
    if (++count > kMostRows) {
      ++left_out;
      continue;
    }
    const auto best = record.find("best");
    const bool is_best = best != record.end() && best->is_boolean() && best->get<bool>();
    rows += fmt::format("<tr><th scope=\"row\" class=\"n\">{}</th>",
                        grouped(static_cast<double>(*iter)));
    for (const char* column : kColumns) {
      const auto value = number_in(record, column);
      rows += fmt::format("<td class=\"n\">{}</td>",
                          value ? fmt::format("{:.4f}", *value) : std::string("–"));
    }
    rows += fmt::format("<td>{}</td></tr>", is_best ? "best so far" : "");
  }
  if (rows.empty()) return {};
  const std::string more =
      left_out == 0 ? std::string()
                    : fmt::format("<p class=\"note\">{} more are in metrics.jsonl.</p>", left_out);
  return fmt::format(
      "<details class=\"card scroll\"><summary>All evaluations ({})</summary><table><thead><tr>"
      "<th class=\"n\">Iterations</th><th class=\"n\">Validation loss</th><th class=\"n\">ROUGE-1"
      "</th><th class=\"n\">ROUGE-2</th><th class=\"n\">ROUGE-L</th><th></th></tr></thead><tbody>{}"
      "</tbody></table>{}</details>\n",
      count, rows, more);
}

std::string facts_table(const ReportInput& input) {
  std::string html;
  for (const auto& [name, value] : input.facts)
    html += fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td></tr>", escape_html(name),
                        escape_html(value));
  if (!html.empty())
    html = fmt::format(
        "<div class=\"card\"><table class=\"facts\"><tbody>{}</tbody></table></div>\n", html);
  if (!input.config_yaml.empty())
    html += fmt::format(
        "<details class=\"card\"><summary>config.yaml</summary><pre>{}</pre></details>\n",
        escape_html(input.config_yaml));
  return html;
}

std::string samples_part(const std::vector<ReportSample>& samples) {
  if (samples.empty()) return {};
  return "<p class=\"lead\"><u>Marked</u>: names, numbers and words of more than three letters "
         "that "
         "the reference has too.</p>\n" +
         sample_cards(samples);
}

/// The page has no script, loads nothing and sends nothing: whatever a text should smuggle in, a
/// browser does neither. Its own style stands in the page.
constexpr const char* kContentPolicy =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

}  // namespace

std::string html_report(const ReportInput& input) {
  const std::string title = escape_html(input.title.empty() ? "Training report" : input.title);
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
      "<meta name=\"color-scheme\" content=\"light "
      "dark\"><title>{}</title>\n<style>{}</style></head>\n"
      "<body><main>\n<header><h1>{}</h1><p class=\"lead\">GPT-2 fine-tuned on dialogue "
      "summarisation"
      "</p></header>\n{}{}{}{}{}<footer>Made by Precis from metrics.jsonl, evaluation.json and "
      "evaluation.csv of the run folder.</footer>\n</main></body></html>\n",
      kContentPolicy, title, kPageStyle, title, tiles_of(input),
      section("Scores of the final evaluation", rouge_table(input.evaluation)),
      section("Curves", charts(input) + evaluations_table(input.records)),
      section("Samples", samples_part(input.samples)), section("What was run", facts_table(input)));
}

}  // namespace precis
