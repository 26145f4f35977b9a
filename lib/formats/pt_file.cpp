#include "lib/formats/pt_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lib/base/errors.h"
#include "lib/base/files.h"
#include "lib/formats/mapped_file.h"
#include "lib/formats/pickle_reader.h"
#include "lib/formats/pickle_writer.h"
#include "lib/formats/zip_reader.h"
#include "lib/formats/zip_writer.h"

namespace precis {

namespace {

constexpr std::string_view kPickleName = "/data.pkl";

/// What a file is that is no zip archive.
std::string_view describe_other(std::span<const std::byte> bytes) {
  if (bytes.empty()) return "is empty; expected a checkpoint of torch.save";
  const std::string_view text = as_text(bytes);
  if (text.starts_with("version https://git-lfs")) {
    return "is a Git LFS pointer, not the checkpoint itself; fetch it with: git lfs pull";
  }
  // How torch.save began a file before torch 1.6: a pickle of the number 0x1950a86a20f9469cfc6c.
  constexpr std::string_view kOldMagic = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
  if (text.substr(0, 32).find(kOldMagic) != std::string_view::npos) {
    return "is in the format of torch before 1.6, which is not read; load it in Python and save it "
           "again with torch.save, or use the model's .safetensors";
  }
  const auto first = std::to_integer<unsigned>(bytes[0]);
  if (first == 0x80 || first == '(' || first == 'c') {
    return "is a bare pickle, not the zip archive that torch.save writes; refused, nothing of it "
           "was run";
  }
  if (text.substr(0, 2) == "PK") return "is a damaged zip archive";
  return "is no checkpoint of torch.save: it does not begin as a zip archive";
}

/// The folder inside the archive that holds data.pkl: torch names it after the file.
std::string archive_root(const ZipReader& zip, const std::string& file) {
  std::string root;
  int found = 0;
  for (const ZipReader::Entry& entry : zip.entries()) {
    const size_t slash = entry.name.find('/');
    if (slash == std::string_view::npos || entry.name.substr(slash) != kPickleName) continue;
    root = entry.name.substr(0, slash + 1);
    ++found;
  }
  if (found == 1) return root;
  throw DataError(fmt::format(
      "{}: is a zip archive with {} entries named */data.pkl; a checkpoint has one", file, found));
}

}  // namespace

Value read_pt(const std::filesystem::path& path) {
  auto file = std::make_shared<const MappedFile>(path);
  return read_pt(file->bytes(), file, file->name());
}

Value read_pt(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
              const std::string& file) {
  if (!looks_like_zip(bytes)) throw DataError(fmt::format("{}: {}", file, describe_other(bytes)));
  ZipReader zip(bytes, file);
  const std::string root = archive_root(zip, file);
  if (zip.contains(root + "constants.pkl")) {
    throw DataError(fmt::format("{}: is a TorchScript program, not a checkpoint; refused", file));
  }
  if (zip.contains(root + "byteorder") && as_text(zip.read(root + "byteorder")) != "little") {
    throw DataError(
        fmt::format("{}: entry {}byteorder: only little-endian files are read", file, root));
  }
  StorageSource storages;
  storages.load = [&](std::string_view key) {
    return zip.read(fmt::format("{}data/{}", root, key));
  };
  storages.owner = std::move(owner);
  storages.max_copied = bytes.size();
  const std::string pickle = root + std::string(kPickleName.substr(1));
  return read_pickle(zip.read(pickle), storages, fmt::format("{}: entry {}", file, pickle));
}

void write_pt(const std::filesystem::path& path, const Value& root, Links links) {
  const Pickled pickled = write_pickle(root);
  AtomicFile file(path, links);
  ZipWriter zip(file);
  zip.add("archive/data.pkl", pickled.pickle);
  zip.add("archive/.format_version", "1");
  zip.add("archive/.storage_alignment", std::to_string(ZipWriter::kAlignment));
  zip.add("archive/byteorder", "little");
  for (size_t i = 0; i < pickled.storages.size(); ++i) {
    zip.add(fmt::format("archive/data/{}", i), pickled.storages[i].bytes);
  }
  zip.add("archive/version", "3\n");
  zip.finish();
  file.commit();
}

}  // namespace precis
