#include "lib/formats/safetensors_header.h"

#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_set>

namespace precis {

namespace {

using Json = nlohmann::json;

/// Takes the JSON as it is parsed, so that no header, however deep or repetitive, builds more than
/// its own text.
class HeaderHandler : public nlohmann::json_sax<Json> {
 public:
  explicit HeaderHandler(SafetensorsHeader& header) : header_(header) {}

  const std::string& problem() const { return problem_; }

  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("true or false"); }
  bool number_float(double, const std::string& text) override { return unexpected(text); }
  bool binary(Json::binary_t&) override { return unexpected("binary data"); }

  bool number_integer(int64_t value) override {
    return fail_tensor(fmt::format("{} holds {}; no size or offset is negative", key_, value));
  }

  bool number_unsigned(uint64_t value) override {
    if (place_ != Place::kArray) return unexpected(std::to_string(value));
    if (value > uint64_t{std::numeric_limits<int64_t>::max()}) {
      return fail_tensor(fmt::format("{} holds {}, which is beyond any file", key_, value));
    }
    numbers().push_back(static_cast<int64_t>(value));
    return true;
  }

  bool string(std::string& value) override {
    if (place_ == Place::kMetadata) {
      header_.metadata.emplace_back(key_, value);
      return true;
    }
    if (place_ != Place::kTensor || key_ != "dtype") return unexpected(fmt::format("'{}'", value));
    header_.tensors.back().dtype = value;
    return true;
  }

  bool start_object(size_t) override {
    if (place_ == Place::kOutside) {
      place_ = Place::kTop;
      return true;
    }
    if (place_ != Place::kTop) return unexpected("an object");
    if (key_ == "__metadata__") {
      place_ = Place::kMetadata;
    } else {
      place_ = Place::kTensor;
      header_.tensors.push_back({key_, {}, {}, {}});
    }
    keys_.clear();
    return true;
  }

  bool end_object() override {
    if (place_ == Place::kTop) {
      place_ = Place::kOutside;
      return true;
    }
    if (place_ == Place::kTensor && keys_.size() != 3) {
      return fail_tensor("lacks one of dtype, shape and data_offsets");
    }
    place_ = Place::kTop;
    return true;
  }

  bool start_array(size_t) override {
    if (place_ != Place::kTensor || key_ == "dtype") return unexpected("a list");
    place_ = Place::kArray;
    return true;
  }

  bool end_array() override {
    place_ = Place::kTensor;
    return true;
  }

  bool key(std::string& name) override {
    auto& known = place_ == Place::kTop ? names_ : keys_;
    if (!known.insert(name).second) return fail(fmt::format("the header has '{}' twice", name));
    if (place_ == Place::kTensor && name != "dtype" && name != "shape" && name != "data_offsets") {
      return fail_tensor(fmt::format("has the unknown field '{}'", name));
    }
    key_ = name;
    return true;
  }

  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    return fail(fmt::format("the header is no valid JSON at its byte {}", position));
  }

 private:
  enum class Place { kOutside, kTop, kMetadata, kTensor, kArray };

  std::vector<int64_t>& numbers() {
    auto& tensor = header_.tensors.back();
    return key_ == "shape" ? tensor.shape : tensor.offsets;
  }

  bool fail(std::string what) {
    if (problem_.empty()) problem_ = std::move(what);
    return false;
  }

  bool fail_tensor(std::string_view what) {
    const bool in_tensor = place_ == Place::kTensor || place_ == Place::kArray;
    if (!in_tensor) return fail(fmt::format("the header: {}", what));
    return fail(fmt::format("tensor {}: {}", header_.tensors.back().name, what));
  }

  bool unexpected(std::string_view what) {
    return fail_tensor(key_.empty() ? fmt::format("holds {}", what)
                                    : fmt::format("'{}' is {}", key_, what));
  }

  SafetensorsHeader& header_;
  Place place_ = Place::kOutside;
  std::string key_;
  std::string problem_;
  std::unordered_set<std::string> names_;
  std::unordered_set<std::string> keys_;
};

}  // namespace

std::string parse_safetensors_header(std::string_view json, SafetensorsHeader& header) {
  HeaderHandler handler(header);
  if (!json.starts_with('{')) return "the header is no JSON object";
  if (Json::sax_parse(json.begin(), json.end(), &handler)) return {};
  return handler.problem().empty() ? "the header is no valid JSON" : handler.problem();
}

}  // namespace precis
