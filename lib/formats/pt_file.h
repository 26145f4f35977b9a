// Files of torch.save and torch.load, in its zip format (torch 1.6 and later).
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "lib/base/files.h"
#include "lib/formats/value.h"

namespace precis {

/// Reads a .pt file (or a pytorch_model.bin). Nothing in it is executed; every entry that is used
/// has its CRC checked. The arrays refer to the mapped file. Throws DataError naming the file, the
/// entry, and what is wrong.
Value read_pt(const std::filesystem::path& path);

/// The same over bytes that `owner` keeps alive; `file` is named in errors.
Value read_pt(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
              const std::string& file);

/// Writes a .pt file that torch.load(weights_only=True) reads, replacing the file that was there
/// when it is complete. The arrays' bytes go straight into the file. Throws DataError naming the
/// path when it cannot be written.
void write_pt(const std::filesystem::path& path, const Value& root, Links links = Links::kFollow);

}  // namespace precis
