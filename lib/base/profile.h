// Where the time of an optimizer step goes. Parts of the code say what they are by a ProfileScope;
// nothing is measured unless whoever runs them has installed a profile on their thread.
#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string_view>

namespace precis {

/// Kinds of work of a step.
enum class Part {
  kEmbedding,
  kProducts,       ///< of linear layers
  kAttention,      ///< with its products
  kNorm,           ///< residual sums, dropout, norms, and the gradients of biases
  kGelu,           ///< where it is not made by a product
  kHead,           ///< with its products, and the loss
  kOptimizer,      ///< zeroing and norm of the gradient, AdamW, the compute copy
  kCommunication,  ///< sums over ranks that nothing hides
  kWaiting,        ///< for another rank
};
inline constexpr size_t kNumParts = 9;
std::string_view name_of(Part part);

/// What a product of a linear layer is for.
enum class ProductKind {
  kForward,         ///< y [rows, out] = x [rows, in] @ weight^T
  kInputGradient,   ///< grad_x [rows, in] = grad_y [rows, out] @ weight
  kWeightGradient,  ///< grad_weight [out, in] += grad_y^T @ x
};

struct ProductForm {
  ProductKind kind{};
  int64_t rows = 0, in = 0, out = 0;
  double operations() const {
    return 2.0 * static_cast<double>(rows) * static_cast<double>(in) * static_cast<double>(out);
  }
  auto operator<=>(const ProductForm&) const = default;
};

/// What one thread reported, summed since it was made.
class Profile {
 public:
  double seconds(Part part) const { return seconds_[static_cast<size_t>(part)]; }
  /// Of the products of all parts, those of attention excepted: how often each form was made.
  const std::map<ProductForm, int64_t>& products() const { return products_; }
  /// CPU time of threads that served this one meanwhile; part of no Part.
  double beside_seconds() const { return beside_seconds_; }

  void add(Part part, double seconds) { seconds_[static_cast<size_t>(part)] += seconds; }
  void add(const ProductForm& form) { ++products_[form]; }
  void add_beside(double seconds) { beside_seconds_ += seconds; }

 private:
  friend class ProfileScope;
  std::array<double, kNumParts> seconds_{};
  std::map<ProductForm, int64_t> products_;
  double beside_seconds_ = 0;
  bool in_part_ = false;
};

/// As long as it lives, this thread reports to `profile`, as torch's guards do.
class ProfileGuard {
 public:
  explicit ProfileGuard(Profile& profile);
  ProfileGuard(const ProfileGuard&) = delete;
  ProfileGuard& operator=(const ProfileGuard&) = delete;
  ~ProfileGuard();

 private:
  Profile* before_;
};

/// The one that this thread reports to; null: none, and nothing is to be measured.
Profile* profile_of_thread();

/// As long as it lives, this thread's time is that of a part. Inside another scope it changes
/// nothing: the outermost counts.
class ProfileScope {
 public:
  explicit ProfileScope(Part part) : profile_(profile_of_thread()), part_(part) {
    if (profile_ != nullptr) begin();
  }
  ProfileScope(const ProfileScope&) = delete;
  ProfileScope& operator=(const ProfileScope&) = delete;
  ~ProfileScope() {
    if (profile_ != nullptr) end();
  }

 private:
  void begin();
  void end();

  Profile* profile_;
  Part part_;
  std::chrono::steady_clock::time_point began_{};
};

}  // namespace precis
