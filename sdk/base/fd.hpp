// SPDX-License-Identifier: Apache-2.0
// Owns one file descriptor. Move-only; closes on destruction. Not thread-safe: one owner at a time.
// Whoever opens a descriptor opens it with O_CLOEXEC (security.md 4.4); Fd does not add the flag
// afterwards.
#pragma once

#include <unistd.h>
#include <cerrno>
#include <utility>

namespace davit {

class [[nodiscard]] Fd {
public:
    Fd() = default;
    explicit Fd(int number) : number_(number) {}
    Fd(Fd&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        if (this != &other) reset(std::exchange(other.number_, -1));
        return *this;
    }
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    ~Fd() { reset(); }

    explicit operator bool() const { return number_ >= 0; }
    int get() const { return number_; }
    [[nodiscard]] int release() { return std::exchange(number_, -1); }
    // Closes what is held; errno survives, so that an error path may still read it.
    void reset(int number = -1) {
        if (number_ >= 0) {
            const int saved = errno;
            ::close(number_);
            errno = saved;
        }
        number_ = number;
    }

private:
    int number_ = -1;
};

}  // namespace davit
