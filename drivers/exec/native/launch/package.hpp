// SPDX-License-Identifier: Apache-2.0
// What the driver sent: the specification, mapped, and the descriptors that belong to it. One in a
// launcher.
#pragma once

#include "drivers/exec/native/launch/spec.hpp"
#include "sdk/base/fd.hpp"

#include <string>
#include <vector>

namespace davit::native {

class Package {
public:
    // Waits for it on `channel`. Errors: cancelled when the driver goes away first; invalid.
    static Result<Package> receive(int channel);
    Package(Package&& other) noexcept;
    Package(const Package&) = delete;
    Package& operator=(const Package&) = delete;
    Package& operator=(Package&&) = delete;
    ~Package();

    const SpecView& spec() const { return spec_; }
    const Spec* operator->() const { return spec_.operator->(); }
    bool has(std::uint32_t flag) const { return (spec_->flags & flag) != 0; }
    // A descriptor, borrowed. Errors: invalid when the specification names none or one that did not
    // come.
    Result<int> fd(FdIndex index) const;
    // The same, taken out of the package.
    Result<Fd> take(FdIndex index);
    Result<std::vector<int>> fds(List<FdIndex> list) const;
    Result<std::string> text(Text text) const;

private:
    Package(std::span<const std::byte> block, SpecView spec, std::vector<Fd> fds)
        : block_(block), spec_(spec), fds_(std::move(fds)) {}
    std::span<const std::byte> block_;
    SpecView spec_;
    std::vector<Fd> fds_;
};

}  // namespace davit::native
