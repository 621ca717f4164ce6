// SPDX-License-Identifier: Apache-2.0
#include "drivers/exec/native/launch/package.hpp"

#include "sdk/base/pipe.hpp"

#include <sys/mman.h>
#include <sys/stat.h>

namespace davit::native {

Result<Package> Package::receive(int channel) {
    Opening opening;
    Packet first = TRY(receive_packet(channel, std::as_writable_bytes(std::span(&opening, 1))));
    if (first.size == 0)
        return fail(Code::cancelled, "receive specification: the driver went away");
    if (first.size != sizeof opening || opening.magic != kSpecMagic || opening.fd_count > kMaxFds)
        return fail(Code::invalid, "receive specification: unknown opening");
    std::vector<Fd> fds = std::move(first.fds);
    while (fds.size() < opening.fd_count) {
        std::byte filler;
        Packet more = TRY(receive_packet(channel, std::span(&filler, 1)));
        if (more.size == 0 || more.fds.empty())
            return fail(Code::cancelled, "receive specification: the driver went away");
        for (Fd& fd : more.fds) fds.push_back(std::move(fd));
    }
    if (fds.empty()) return fail(Code::invalid, "receive specification: it did not come");
    struct stat status {};
    if (::fstat(fds[0].get(), &status) != 0) return os_error("receive specification");
    if (static_cast<std::uint64_t>(status.st_size) != opening.size || opening.size > kMaxSpec)
        return fail(Code::invalid, "receive specification: its size is wrong");
    void* const address = ::mmap(nullptr, opening.size, PROT_READ, MAP_PRIVATE, fds[0].get(), 0);
    if (address == MAP_FAILED) return os_error("map specification");
    const std::span block(static_cast<const std::byte*>(address), opening.size);
    auto spec = SpecView::over(block);
    if (!spec) return std::move(spec).error();
    return Package(block, *spec, std::move(fds));
}

Package::Package(Package&& other) noexcept
    : block_(std::exchange(other.block_, {})), spec_(other.spec_), fds_(std::move(other.fds_)) {}

Package::~Package() {
    if (!block_.empty()) ::munmap(const_cast<std::byte*>(block_.data()), block_.size());
}

Result<int> Package::fd(FdIndex index) const {
    if (index < 0 || static_cast<std::size_t>(index) >= fds_.size() ||
        !fds_[static_cast<std::size_t>(index)])
        return fail(Code::invalid, "read specification: a descriptor is missing");
    return fds_[static_cast<std::size_t>(index)].get();
}

Result<Fd> Package::take(FdIndex index) {
    TRY(fd(index));
    return std::move(fds_[static_cast<std::size_t>(index)]);
}

Result<std::vector<int>> Package::fds(List<FdIndex> list) const {
    std::vector<int> numbers;
    for (const FdIndex index : TRY(spec_.list(list))) numbers.push_back(TRY(fd(index)));
    return numbers;
}

Result<std::string> Package::text(Text text) const {
    const std::string_view found = TRY(spec_.text(text));
    return std::string(found);
}

}  // namespace davit::native
