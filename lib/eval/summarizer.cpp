#include "lib/eval/summarizer.h"

#include <fmt/format.h>

#include <chrono>
#include <cstring>

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

void unpack(const std::string& packed, std::vector<std::string>& texts) {
  for (size_t at = 0; at < packed.size();) {
    uint64_t head[2];
    std::memcpy(head, packed.data() + at, sizeof(head));
    texts[head[0]] = packed.substr(at + sizeof(head), head[1]);
    at += sizeof(head) + head[1];
  }
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

/// The new tokens of this rank's prompts.
std::vector<std::vector<int32_t>> Summarizer::decode(const std::vector<Prompt>& prompts,
                                                     int64_t num_examples,
                                                     const GenerationConfig& config,
                                                     const Progress& progress) const {
  const auto began = std::chrono::steady_clock::now();
  GenerateOptions options{.end_tokens = parts_.end_tokens};
  if (options.end_tokens.empty()) options.end_tokens = {parts_.tokenizer.end_of_text()};
  if (!parts_.model.device().is_cpu()) {  // a step costs the same for few rows and for many
    options.max_batch_rows = 128;
    options.max_batch_tokens = 65536;
  }
  options.suppressed_tokens = parts_.tokenizer.ids_without_token(parts_.shape.vocab_size);
  if (progress && parts_.world.is_root())
    options.progress = [&](size_t done) {
      const double share = static_cast<double>(done) / static_cast<double>(prompts.size());
      progress(static_cast<int64_t>(share * static_cast<double>(num_examples)), num_examples,
               std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
    };
  CachedDecoder decoder(parts_.model);
  return generate(decoder, prompts, config, options);
}

std::vector<std::string> Summarizer::summaries(std::span<const Example> examples,
                                               const GenerationConfig& config,
                                               const Progress& progress) const {
  const int64_t room = parts_.shape.block_size - config.max_new_tokens;
  if (room < 1 || !parts_.prompt.encode_prompt("", room))
    throw SharedError(ExitCode::kData,
                      fmt::format("the prompt around an empty dialogue and "
                                  "generation.max_new_tokens {} do not fit into the "
                                  "model's {} positions: ask for fewer new tokens",
                                  config.max_new_tokens, parts_.shape.block_size));
  // Who takes which row is decided by the dialogues' lengths in bytes, which all ranks know without
  // encoding each other's rows.
  std::vector<double> costs;
  for (const Example& example : examples)
    costs.push_back(static_cast<double>(example.dialogue.size()) + 200);
  const std::vector<int> rank_of = deal_out(costs, parts_.world.size());
  std::vector<Prompt> prompts;
  for (size_t row = 0; row < examples.size(); ++row) {
    if (rank_of[row] != parts_.world.rank()) continue;
    prompts.push_back({parts_.prompt.encode_prompt(examples[row].dialogue, room)->tokens, row});
  }
  const auto generated = decode(prompts, static_cast<int64_t>(examples.size()), config, progress);
  std::string packed;
  for (size_t i = 0; i < prompts.size(); ++i)
    pack(packed, prompts[i].key, summary_text(parts_.tokenizer, generated[i]));
  const std::vector<std::string> all = parts_.world.gather(packed);
  std::vector<std::string> texts(parts_.world.is_root() ? examples.size() : 0);
  for (const std::string& part : all) unpack(part, texts);
  return texts;
}

}  // namespace precis
