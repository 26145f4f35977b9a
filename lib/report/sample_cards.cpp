#include "lib/report/sample_cards.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "lib/report/markup.h"

namespace precis {

namespace {

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         static_cast<uint8_t>(c) >= 0x80;
}

std::string lower(std::string_view word) {
  std::string result(word);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

/// Calls visit(piece, whether it is a word) for the pieces of the text, in order.
template <class Visit>
void for_each_piece(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const bool word = is_word(text.front());
    const auto end =
        std::find_if(text.begin(), text.end(), [word](char c) { return is_word(c) != word; });
    const auto length = static_cast<size_t>(end - text.begin());
    visit(text.substr(0, length), word);
    text.remove_prefix(length);
  }
}

/// Whether a word is worth a mark: a longer one, a name, a number; not "a", "to", "and".
bool tells_much(std::string_view word) {
  const char first = word.front();
  return word.size() > 3 || (first >= 'A' && first <= 'Z') || (first >= '0' && first <= '9');
}

std::string marked(std::string_view prediction, std::string_view reference) {
  std::set<std::string> known;
  for_each_piece(reference, [&](std::string_view piece, bool word) {
    if (word) known.insert(lower(piece));
  });
  std::string html;
  for_each_piece(prediction, [&](std::string_view piece, bool word) {
    const bool shared = word && tells_much(piece) && known.count(lower(piece)) > 0;
    html += fmt::format(fmt::runtime(shared ? "<u>{}</u>" : "{}"), escape_html(piece));
  });
  return html;
}

/// A line of a dialogue; "Name: ..." with the name set apart.
std::string utterance(std::string_view text) {
  constexpr size_t kLongestName = 24;
  const size_t colon = text.find(": ");
  if (colon == std::string_view::npos || colon == 0 || colon > kLongestName)
    return escape_html(text);
  return fmt::format("<b>{}</b>{}", escape_html(text.substr(0, colon + 1)),
                     escape_html(text.substr(colon + 1)));
}

std::string dialogue(std::string_view text) {
  std::string html;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    html += fmt::format("<p>{}</p>", utterance(line));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return html;
}

}  // namespace

std::string sample_cards(const std::vector<ReportSample>& samples) {
  std::string html;
  for (const ReportSample& sample : samples)
    html += fmt::format(
        "<article class=\"card sample\"><header><b>{}</b><span class=\"scores\">"
        "<span>ROUGE-1 <b>{:.3f}</b></span> <span>ROUGE-2 <b>{:.3f}</b></span> "
        "<span>ROUGE-L <b>{:.3f}</b></span></span></header><div class=\"columns\">"
        "<section class=\"dialogue\" tabindex=\"0\" aria-label=\"Dialogue\"><h4>Dialogue</h4>{}"
        "</section><section><h4>Reference</h4><p>{}</p></section>"
        "<section><h4>Prediction</h4><p>{}</p></section></div></article>\n",
        escape_html(sample.id), sample.rouge1, sample.rouge2, sample.rougeL,
        dialogue(sample.dialogue), escape_html(sample.reference),
        marked(sample.prediction, sample.reference));
  return html;
}

}  // namespace precis
