// Porter's five steps on a word in place. Steps 2 to 4 are tables of rules: the first rule whose
// suffix matches decides.
#include "lib/metrics/porter_stemmer.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace precis {
namespace {

bool is_vowel_letter(char c) {
  return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u';
}

/// Whether a letter is a consonant, told what the one before it is: y is one at the start and after
/// a vowel.
bool is_consonant_after(char letter, bool follows_consonant, bool is_first) {
  if (letter == 'y') return is_first || !follows_consonant;
  return !is_vowel_letter(letter);
}

bool is_consonant(std::string_view word, size_t at) {
  size_t run = 0;  // letters y that end at `at`: each turns the answer of the one before it around
  while (run < at && word[at - run] == 'y') ++run;
  const bool base = !is_vowel_letter(word[at - run]);
  return base != (run % 2 == 1);
}

/// Porter's m: how many times a vowel is followed by a consonant.
int measure(std::string_view stem) {
  int changes = 0;
  bool consonant = true;  // so that a first consonant is no change
  for (size_t i = 0; i < stem.size(); ++i) {
    const bool next = is_consonant_after(stem[i], consonant, i == 0);
    if (next && !consonant) ++changes;
    consonant = next;
  }
  return changes;
}

bool contains_vowel(std::string_view stem) {
  for (size_t i = 0; i < stem.size(); ++i) {
    // All before it are consonants, so a y is a vowel but at the start.
    if (is_vowel_letter(stem[i]) || (stem[i] == 'y' && i > 0)) return true;
  }
  return false;
}

bool ends_double_consonant(std::string_view word) {
  const size_t n = word.size();
  return n >= 2 && word[n - 1] == word[n - 2] && is_consonant(word, n - 1);
}

/// Porter's *o: ends consonant, vowel, consonant other than w, x, y. NLTK: vowel, consonant is
/// enough of a whole stem.
bool ends_cvc(std::string_view word) {
  const size_t n = word.size();
  if (n == 2) return !is_consonant(word, 0) && is_consonant(word, 1);
  if (n < 3) return false;
  const char last = word[n - 1];
  return is_consonant(word, n - 3) && !is_consonant(word, n - 2) && is_consonant(word, n - 1) &&
         last != 'w' && last != 'x' && last != 'y';
}

void replace_end(std::string& word, size_t length, std::string_view replacement) {
  word.replace(word.size() - length, length, replacement);
}

std::string_view without_end(const std::string& word, size_t length) {
  return std::string_view(word).substr(0, word.size() - length);
}

struct Rule {
  std::string_view suffix;
  std::string_view replacement;
};

constexpr uint32_t letter_bit(char c) {
  return uint32_t{1} << (static_cast<unsigned char>(c) & 31);
}

/// The rules of a step. Most words end in a letter that ends no suffix, which the bits of letters
/// tell at once.
template <size_t N>
struct Step {
  std::array<Rule, N> rules;
  uint32_t last_letters = 0;

  explicit constexpr Step(const std::array<Rule, N>& all) : rules(all) {
    for (const Rule& rule : rules) last_letters |= letter_bit(rule.suffix.back());
  }
};

/// Applies the first rule whose suffix matches, provided that the measure of what is before it is
/// above `bound`.
template <size_t N>
void apply_rules(std::string& word, const Step<N>& step, int bound) {
  if ((step.last_letters & letter_bit(word.back())) == 0) return;
  for (const Rule& rule : step.rules) {
    if (word.back() != rule.suffix.back() || !word.ends_with(rule.suffix)) continue;
    if (measure(without_end(word, rule.suffix.size())) > bound) {
      replace_end(word, rule.suffix.size(), rule.replacement);
    }
    return;
  }
}

constexpr Step<20> kStep2(
    {{{"ational", "ate"}, {"tional", "tion"}, {"enci", "ence"},   {"anci", "ance"},
      {"izer", "ize"},    {"bli", "ble"},     {"entli", "ent"},   {"eli", "e"},
      {"ousli", "ous"},   {"ization", "ize"}, {"ation", "ate"},   {"ator", "ate"},
      {"alism", "al"},    {"iveness", "ive"}, {"fulness", "ful"}, {"ousness", "ous"},
      {"aliti", "al"},    {"iviti", "ive"},   {"biliti", "ble"},  {"fulli", "ful"}}});

constexpr Step<7> kStep3({{{"icate", "ic"},
                           {"ative", ""},
                           {"alize", "al"},
                           {"iciti", "ic"},
                           {"ical", "ic"},
                           {"ful", ""},
                           {"ness", ""}}});

constexpr Step<18> kStep4({{{"al", ""},
                            {"ance", ""},
                            {"ence", ""},
                            {"er", ""},
                            {"ic", ""},
                            {"able", ""},
                            {"ible", ""},
                            {"ant", ""},
                            {"ement", ""},
                            {"ment", ""},
                            {"ent", ""},
                            {"ou", ""},
                            {"ism", ""},
                            {"ate", ""},
                            {"iti", ""},
                            {"ous", ""},
                            {"ive", ""},
                            {"ize", ""}}});

void step_1a(std::string& word) {
  if (word.back() != 's') return;
  if (word.ends_with("ies")) {
    replace_end(word, 3, word.size() == 4 ? "ie" : "i");
  } else if (word.ends_with("sses")) {
    replace_end(word, 2, "");
  } else if (!word.ends_with("ss")) {
    word.pop_back();
  }
}

/// What follows a removed -ed or -ing.
void mend_1b(std::string& stem) {
  if (stem.ends_with("at") || stem.ends_with("bl") || stem.ends_with("iz")) {
    stem.push_back('e');
  } else if (ends_double_consonant(stem)) {
    const char last = stem.back();
    if (last != 'l' && last != 's' && last != 'z') stem.pop_back();
  } else if (measure(stem) == 1 && ends_cvc(stem)) {
    stem.push_back('e');
  }
}

void step_1b(std::string& word) {
  if (word.ends_with("ied")) {
    replace_end(word, 3, word.size() == 4 ? "ie" : "i");
  } else if (word.ends_with("eed")) {
    if (measure(without_end(word, 3)) > 0) word.pop_back();
  } else {
    const size_t length = word.ends_with("ed") ? 2 : word.ends_with("ing") ? 3 : 0;
    if (length == 0 || !contains_vowel(without_end(word, length))) return;
    replace_end(word, length, "");
    mend_1b(word);
  }
}

void step_1c(std::string& word) {
  const size_t n = word.size();
  if (n > 2 && word[n - 1] == 'y' && is_consonant(word, n - 2)) word[n - 1] = 'i';
}

void step_2(std::string& word) {
  // NLTK takes -alli first and goes through the step again; -al matches no further -alli.
  if (word.ends_with("alli")) {
    if (measure(without_end(word, 4)) == 0) return;
    replace_end(word, 2, "");
  }
  if (word.ends_with("logi")) {  // the l counts as part of the stem, for geo-, theo-
    if (measure(without_end(word, 3)) > 0) word.pop_back();
    return;
  }
  apply_rules(word, kStep2, 0);
}

void step_4(std::string& word) {
  if (!word.ends_with("ion")) {
    apply_rules(word, kStep4, 1);
    return;
  }
  const std::string_view stem = without_end(word, 3);
  if (measure(stem) > 1 && (stem.back() == 's' || stem.back() == 't')) replace_end(word, 3, "");
}

void step_5(std::string& word) {
  if (word.back() == 'e') {
    const std::string_view stem = without_end(word, 1);
    const int m = measure(stem);
    if (m > 1 || (m == 1 && !ends_cvc(stem))) word.pop_back();
  }
  if (word.ends_with("ll") && measure(without_end(word, 1)) > 1) word.pop_back();
}

struct IrregularForm {
  std::string_view word;
  std::string_view stem;
};

constexpr std::array<IrregularForm, 16> kIrregular = {{{"sky", "sky"},
                                                       {"skies", "sky"},
                                                       {"dying", "die"},
                                                       {"lying", "lie"},
                                                       {"tying", "tie"},
                                                       {"news", "news"},
                                                       {"innings", "inning"},
                                                       {"inning", "inning"},
                                                       {"outings", "outing"},
                                                       {"outing", "outing"},
                                                       {"cannings", "canning"},
                                                       {"canning", "canning"},
                                                       {"howe", "howe"},
                                                       {"proceed", "proceed"},
                                                       {"exceed", "exceed"},
                                                       {"succeed", "succeed"}}};

}  // namespace

void porter_stem(std::string& word) {
  for (const IrregularForm& form : kIrregular) {
    if (word.size() == form.word.size() && word == form.word) {
      word = form.stem;
      return;
    }
  }
  if (word.size() <= 2) return;
  step_1a(word);
  step_1b(word);
  step_1c(word);
  step_2(word);
  apply_rules(word, kStep3, 0);
  step_4(word);
  step_5(word);
}

}  // namespace precis
