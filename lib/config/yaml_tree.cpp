// YAML events to a tree. The events are taken rather than the library's nodes: nodes hide which
// scalars were null, make cycles of aliases, and read the first of several documents only.
#include "lib/config/yaml_tree.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>
// The umbrella header leaves this one out.
#include <yaml-cpp/eventhandler.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <string_view>
#include <utility>

#include "lib/base/utf8.h"

namespace precis {
namespace {

constexpr size_t kMostNodes = 100'000;  // aliases of aliases grow exponentially

int line_of(const YAML::Mark& mark) {
  return mark.is_null() ? 0 : mark.line + 1;
}
int column_of(const YAML::Mark& mark) {
  return mark.is_null() ? 0 : mark.column + 1;
}

size_t count_nodes(const YamlNode& node) {
  size_t count = 1;
  for (const YamlNode& item : node.items) count += count_nodes(item);
  return count;
}

class TreeBuilder : public YAML::EventHandler {
 public:
  YamlNode take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    leaf(YamlNode{YamlNode::Kind::kNull, line_of(mark), "", {}}, anchor, mark);
  }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                const std::string& value) override {
    leaf(YamlNode{YamlNode::Kind::kScalar, line_of(mark), value, {}}, anchor, mark);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchored_.find(anchor);
    if (found == anchored_.end())
      throw YamlError(line_of(mark), column_of(mark), "an alias refers to what it is a part of");
    count(count_nodes(found->second), mark);
    add(YamlNode(found->second));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::kList, anchor, mark);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::kMap, anchor, mark);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    YamlNode node;
    YAML::anchor_t anchor;
  };

  void count(size_t nodes, const YAML::Mark& mark) {
    num_nodes_ += nodes;
    if (num_nodes_ > kMostNodes)
      throw YamlError(line_of(mark), column_of(mark),
                      fmt::format("more than {} values, aliases counted", kMostNodes));
  }
  void leaf(YamlNode node, YAML::anchor_t anchor, const YAML::Mark& mark) {
    count(1, mark);
    finish(std::move(node), anchor);
  }
  void open(YamlNode::Kind kind, YAML::anchor_t anchor, const YAML::Mark& mark) {
    count(1, mark);
    open_.push_back({YamlNode{kind, line_of(mark), "", {}}, anchor});
  }
  void close() {
    Open last = std::move(open_.back());
    open_.pop_back();
    finish(std::move(last.node), last.anchor);
  }
  void finish(YamlNode node, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) anchored_[anchor] = node;
    add(std::move(node));
  }
  void add(YamlNode node) {
    (open_.empty() ? root_ : open_.back().node.items.emplace_back()) = std::move(node);
  }

  YamlNode root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, YamlNode> anchored_;
  size_t num_nodes_ = 0;
};

/// The parser's messages name its tokens; people know lines, colons and brackets.
std::string plain_words(const std::string& message) {
  static const std::pair<std::string_view, const char*> kWords[] = {
      {YAML::ErrorMsg::END_OF_SEQ_FLOW, "a list that was opened with [ is not closed with ]"},
      {YAML::ErrorMsg::END_OF_MAP_FLOW, "a map that was opened with { is not closed with }"},
      {YAML::ErrorMsg::END_OF_MAP, "this line's indentation fits no line above it"},
      {YAML::ErrorMsg::END_OF_SEQ, "this line's indentation fits no line above it"},
      {YAML::ErrorMsg::EOF_IN_SCALAR, "a text in quotes has no closing quote"},
      {YAML::ErrorMsg::TAB_IN_INDENTATION,
       "a tab is used for indentation, where only blanks may stand"},
      {YAML::ErrorMsg::MAP_VALUE,
       "a colon where no value can follow: either this line is not indented with blanks like its "
       "neighbours, or a line "
       "has two colons (quote a text that holds one)"},
      {YAML::ErrorMsg::UNKNOWN_TOKEN,
       "a value cannot begin with this character (put the text in quotes)"},
      {YAML::ErrorMsg::UNKNOWN_ANCHOR, "an alias (*name) whose anchor (&name) is not above it"},
      {YAML::ErrorMsg::INVALID_ESCAPE,
       "an unknown escape after a backslash (in double quotes, \\\\ is a backslash)"},
      {YAML::ErrorMsg::INVALID_UNICODE, "an escape (\\x, \\u, \\U) that names no character"},
      {YAML::ErrorMsg::INVALID_HEX, "an escape (\\x, \\u, \\U) whose digits are not hexadecimal"},
      {YAML::ErrorMsg::BAD_FILE, "lists or maps lie too deep in each other"},
  };
  for (const auto& [theirs, ours] : kWords)
    if (message.starts_with(theirs)) return ours;
  return message;
}

YamlNode parse_checked(const std::string& text) {
  std::istringstream stream(text);
  TreeBuilder builder;
  try {
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    YamlNode root = builder.take();
    TreeBuilder rest;
    if (parser.HandleNextDocument(rest))
      throw YamlError(rest.take().line, 0,
                      "a second document begins (after --- or ...), where one is expected");
    return root;
  } catch (const YAML::Exception& error) {
    throw YamlError(line_of(error.mark), column_of(error.mark), plain_words(error.msg));
  }
}

/// The first scalar that holds the text, or null.
const YamlNode* find_text(const YamlNode& node, std::string_view text) {
  if (node.text.find(text) != std::string::npos) return &node;
  for (const YamlNode& item : node.items)
    if (const YamlNode* found = find_text(item, text)) return found;
  return nullptr;
}

/// The parser takes the end of the file for a closing quote, so that one missing quote would
/// swallow all keys below it: a comment put after the end must not become part of a value.
void check_quotes(const std::string& text) {
  constexpr std::string_view kMark = "# \u2402 end of the file";
  const YamlNode* swallower = nullptr;
  const YamlNode root = parse_checked(fmt::format("{}\n{}\n", text, kMark));
  swallower = find_text(root, kMark);
  if (swallower != nullptr)
    throw YamlError(swallower->line, 0, "the text in quotes that begins here has no closing quote");
}

void check_bytes(const std::string& text) {
  const auto line_at = [&](size_t offset) {
    return 1 + static_cast<int>(std::count(
                   text.begin(), text.begin() + static_cast<std::ptrdiff_t>(offset), '\n'));
  };
  const size_t bad = valid_utf8_length(text);
  if (bad < text.size())
    throw YamlError(
        line_at(bad), 0,
        fmt::format("not UTF-8 (byte 0x{:02x})", static_cast<unsigned char>(text[bad])));
  const auto is_control = [](unsigned char c) {
    return (c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7F;
  };
  const auto control = std::find_if(text.begin(), text.end(), is_control);
  if (control != text.end())
    throw YamlError(
        line_at(static_cast<size_t>(control - text.begin())), 0,
        fmt::format("not a text file (byte 0x{:02x})", static_cast<unsigned char>(*control)));
}

}  // namespace

YamlNode parse_yaml(const std::string& text) {
  check_bytes(text);
  YamlNode root = parse_checked(text);
  check_quotes(text);
  return root;
}

}  // namespace precis
