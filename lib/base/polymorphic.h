// A value of a class with virtual functions. As C++26's std::polymorphic (P3019), of which it has
// what is needed here.
#pragma once

#include <memory>
#include <utility>

namespace precis {

/// Owns an object of a class that derives from Base; copying it copies the object, by
/// `std::unique_ptr<Base> Base::clone() const`. Empty when made without one, and after a move.
template <typename Base>
class Polymorphic {
 public:
  Polymorphic() = default;
  Polymorphic(std::unique_ptr<Base> object) : object_(std::move(object)) {}  // NOLINT: is one
  Polymorphic(const Polymorphic& other)
      : object_(other.object_ ? other.object_->clone() : nullptr) {}
  Polymorphic(Polymorphic&&) noexcept = default;
  Polymorphic& operator=(const Polymorphic& other) {
    if (this != &other) object_ = other.object_ ? other.object_->clone() : nullptr;
    return *this;
  }
  Polymorphic& operator=(Polymorphic&&) noexcept = default;
  ~Polymorphic() = default;

  explicit operator bool() const { return object_ != nullptr; }
  Base& operator*() { return *object_; }
  const Base& operator*() const { return *object_; }
  Base* operator->() { return object_.get(); }
  const Base* operator->() const { return object_.get(); }

 private:
  std::unique_ptr<Base> object_;
};

}  // namespace precis
