#include "lib/ops/split_product.h"

#ifdef __AMX_BF16__  // the flags of the build say so for this file on x86
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/ops/split_tiles.h"
#endif

namespace precis::cpu::amx {

#ifdef __AMX_BF16__
namespace {

/// Eight tiles of 16 rows of 64 bytes, as the instruction reads it (Intel's manual, LDTILECFG).
struct TileConfig {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(TileConfig) == 64);

/// Tiles 0 to 3 are the sums, 4 and 5 of two strips of the left side, 6 and 7 of the right one.
class AmxTiles {
 public:
  AmxTiles() {
    const TileConfig config;
    _tile_loadconfig(&config);
  }
  AmxTiles(const AmxTiles&) = delete;
  AmxTiles& operator=(const AmxTiles&) = delete;
  ~AmxTiles() { _tile_release(); }

  void clear() {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  void load(const float* from, int64_t stride) {
    const int64_t bytes = stride * 4;
    _tile_loadd(0, from, bytes);
    _tile_loadd(1, from + 16, bytes);
    _tile_loadd(2, from + 16 * stride, bytes);
    _tile_loadd(3, from + 16 * stride + 16, bytes);
  }
  void store(float* to, int64_t stride) {
    const int64_t bytes = stride * 4;
    _tile_stored(0, to, bytes);
    _tile_stored(1, to + 16, bytes);
    _tile_stored(2, to + 16 * stride, bytes);
    _tile_stored(3, to + 16 * stride + 16, bytes);
  }
  /// The products of the largest parts come last, when the small ones are in the sums; in an order
  /// in which every other product needs tiles of one side only.
  void add(const uint16_t* a, const uint16_t* b, bool one_strip) {
    left(a, one_strip);
    right(b + 4 * kTile);
    multiply(one_strip);
    right(b + 2 * kTile);
    multiply(one_strip);
    left(a + 2 * kTile, one_strip);
    multiply(one_strip);
    right(b);
    multiply(one_strip);
    left(a + 4 * kTile, one_strip);
    multiply(one_strip);
    left(a, one_strip);
    multiply(one_strip);
  }
  /// b has one part.
  void add_integers(const uint16_t* a, const uint16_t* b, bool one_strip) {
    right(b);
    for (int part = kParts - 1; part >= 0; --part) {
      left(a + part * 2 * kTile, one_strip);
      multiply(one_strip);
    }
  }

 private:
  static void left(const uint16_t* a, bool one_strip) {
    _tile_loadd(4, a, 64);
    if (!one_strip) _tile_loadd(5, a + kTile, 64);
  }
  static void right(const uint16_t* b) {
    _tile_loadd(6, b, 64);
    _tile_loadd(7, b + kTile, 64);
  }
  static void multiply(bool one_strip) {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    if (one_strip) return;
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
};

bool cpu_has_amx() {
  constexpr unsigned kLeaf = 7, kBf16 = 1U << 22, kTiles = 1U << 24;
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
         __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
         __get_cpuid_count(kLeaf, 0, &a, &b, &c, &d) != 0 && (d & kBf16) != 0 && (d & kTiles) != 0;
}

}  // namespace

bool is_supported() {
  constexpr long kRequestPermission = 0x1023, kTileData = 18;  // Linux's asm/prctl.h, since 5.16
  static const bool supported =
      cpu_has_amx() && syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  return supported;
}

void multiply(const SplitProduct& product, const ProductPart& part, void* scratch) {
  AmxTiles tiles;
  multiply_part(tiles, product, part, static_cast<uint16_t*>(scratch));
}

#else

bool is_supported() {
  return false;
}
void multiply(const SplitProduct&, const ProductPart&, void*) {}

#endif

}  // namespace precis::cpu::amx
