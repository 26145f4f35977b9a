#include "lib/eval/summarizer.h"

#include <fmt/format.h>

#include <chrono>
#include <cstring>
#include <string_view>
#include <utility>

#include "lib/base/errors.h"
#include "lib/base/utf8.h"
#include "lib/data/epoch_plan.h"
#include "lib/generate/generate.h"

namespace precis {
namespace {

/// row, length, bytes; one after another.
void pack(std::string& out, uint64_t row, const std::string& text) {
  const uint64_t head[] = {row, text.size()};
  out.append(reinterpret_cast<const char*>(head), sizeof(head));
  out += text;
}

void unpack(std::string_view packed,
            const std::function<void(size_t row, std::string text)>& take) {
  while (!packed.empty()) {
    uint64_t head[2];
    std::memcpy(head, packed.data(), sizeof(head));
    take(head[0], std::string(packed.substr(sizeof(head), head[1])));
    packed.remove_prefix(sizeof(head) + head[1]);
  }
}

/// Collective. The rows that are not among the root's, the same on every rank.
std::vector<size_t> rows_to_write(size_t count, const RowTexts& done, const World& world) {
  std::string is_done(count, '\0');
  for (const auto& [row, text] : done) is_done.at(row) = 1;
  is_done = world.broadcast(is_done);
  std::vector<size_t> rows;
  for (size_t row = 0; row < count; ++row)
    if (is_done[row] == 0) rows.push_back(row);
  return rows;
}

}  // namespace

std::string summary_text(const BpeTokenizer& tokenizer, std::span<const int32_t> tokens) {
  std::string text = replace_invalid_utf8(tokenizer.decode_text(tokens));
  // CSV readers stop at a zero byte.
  for (size_t zero = text.find('\0'); zero != std::string::npos; zero = text.find('\0', zero))
    text.replace(zero, 1, kReplacement);
  constexpr const char* kBlank = " \t\r\n\f\v";
  const size_t first = text.find_first_not_of(kBlank);
  return first == std::string::npos ? std::string()
                                    : text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::vector<Prompt> Summarizer::prompts_of_this_rank(std::span<const Example> examples,
                                                     std::span<const size_t> rows,
                                                     int64_t room) const {
  // Who takes which row is decided by the dialogues' lengths in bytes, which all ranks know without
  // encoding each other's rows.
  std::vector<double> costs;
  for (const size_t row : rows)
    costs.push_back(static_cast<double>(examples[row].dialogue.size()) + 200);
  const std::vector<int> rank_of = deal_out(costs, parts_.world.size());
  std::vector<Prompt> prompts;
  for (size_t i = 0; i < rows.size(); ++i)
    if (rank_of[i] == parts_.world.rank())
      prompts.push_back(
          {parts_.prompt.encode_prompt(examples[rows[i]].dialogue, room)->tokens, rows[i]});
  return prompts;
}

/// Writes this rank's summaries, and hands each in. Returns whether all are written.
bool Summarizer::write(std::span<const Prompt> prompts, const GenerationConfig& config,
                       WorkRounds& rounds) const {
  size_t written = 0;
  GenerateOptions options{.end_tokens = parts_.end_tokens};
  if (options.end_tokens.empty()) options.end_tokens = {parts_.tokenizer.end_of_text()};
  if (!parts_.model.device().is_cpu()) {  // a step costs the same for few rows and for many
    options.max_batch_rows = 128;
    options.max_batch_tokens = 65536;
  }
  options.suppressed_tokens = parts_.tokenizer.ids_without_token(parts_.shape.vocab_size);
  options.finished = [&](size_t prompt, const std::vector<int32_t>& tokens) {
    std::string packed;
    pack(packed, prompts[prompt].key, summary_text(parts_.tokenizer, tokens));
    rounds.give(packed);
    ++written;
  };
  options.should_stop = [&] { return rounds.should_stop(); };
  CachedDecoder decoder(parts_.model);
  generate(decoder, prompts, config, options);
  return written == prompts.size();
}

std::optional<std::vector<std::string>> Summarizer::summaries(std::span<const Example> examples,
                                                              const GenerationConfig& config,
                                                              const SummaryWatch& watch) const {
  const int64_t room = parts_.shape.block_size - config.max_new_tokens;
  if (room < 1 || !parts_.prompt.encode_prompt("", room))
    throw SharedError(ExitCode::kData,
                      fmt::format("the prompt around an empty dialogue and "
                                  "generation.max_new_tokens {} do not fit into the "
                                  "model's {} positions: ask for fewer new tokens",
                                  config.max_new_tokens, parts_.shape.block_size));
  const std::vector<size_t> rows = rows_to_write(examples.size(), watch.done, parts_.world);
  std::vector<std::string> texts(parts_.world.is_root() ? examples.size() : 0);
  for (const auto& [row, text] : watch.done) texts[row] = text;
  int64_t written = 0;
  const auto began = std::chrono::steady_clock::now();
  const auto receive = [&](std::string_view packed) {
    unpack(packed, [&](size_t row, std::string text) {
      texts[row] = std::move(text);
      ++written;
      if (watch.finished) watch.finished(row, texts[row]);
    });
    if (watch.progress)
      watch.progress(
          written, static_cast<int64_t>(rows.size()),
          std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
  };
  const std::vector<Prompt> prompts = prompts_of_this_rank(examples, rows, room);
  WorkRounds rounds(parts_.world, {.stop_requested = watch.stop_requested, .receive = receive});
  if (!rounds.finish(write(prompts, config, rounds))) return std::nullopt;
  return texts;
}

}  // namespace precis
