// SPDX-License-Identifier: Apache-2.0
// Builds the block of launch/spec.hpp and the list of descriptors that goes with it. One thread,
// used once.
#pragma once

#include "drivers/exec/native/launch/spec.hpp"
#include "sdk/base/fd.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace davit::native {

class SpecWriter {
public:
    SpecWriter() : block_(sizeof(Spec), '\0'), fds_(1, -1) {}

    Text add(std::string_view text);
    template <class T>
    List<T> add(const std::vector<T>& items) {
        align();
        const List<T> list{offset(), static_cast<std::uint32_t>(items.size())};
        block_.append(reinterpret_cast<const char*>(items.data()), items.size() * sizeof(T));
        return list;
    }
    List<Text> add_all(const std::vector<std::string>& texts);
    // Borrowed until it was sent.
    FdIndex add_fd(int fd);

    // Sends everything over `channel`. Errors: invalid when it is too large (rule R-08).
    Result<void> send(Spec spec, int channel);

private:
    void align() { block_.resize((block_.size() + 7) / 8 * 8, '\0'); }
    std::uint32_t offset() const { return static_cast<std::uint32_t>(block_.size()); }
    Result<Fd> seal(const Spec& spec);

    std::string block_;
    std::vector<int> fds_;  // the first is the block itself
};

}  // namespace davit::native
