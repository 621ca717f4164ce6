// SPDX-License-Identifier: Apache-2.0
#include "drivers/exec/native/spec_writer.hpp"

#include "sdk/base/file.hpp"
#include "sdk/base/pipe.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <algorithm>
#include <cstring>

namespace davit::native {

Text SpecWriter::add(std::string_view text) {
    const Text added{offset(), static_cast<std::uint32_t>(text.size())};
    block_.append(text);
    block_ += '\0';
    return added;
}

List<Text> SpecWriter::add_all(const std::vector<std::string>& texts) {
    std::vector<Text> list;
    list.reserve(texts.size());
    for (const std::string& text : texts) list.push_back(add(text));
    return add(list);
}

FdIndex SpecWriter::add_fd(int fd) {
    fds_.push_back(fd);
    return static_cast<FdIndex>(fds_.size() - 1);
}

Result<Fd> SpecWriter::seal(const Spec& spec) {
    std::memcpy(block_.data(), &spec, sizeof spec);
    Fd memory(::memfd_create("davit-spec", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!memory) return os_error("make specification");
    TRY(write_all(memory.get(), block_));
    if (::fcntl(memory.get(), F_ADD_SEALS,
                F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
        return os_error("seal specification");
    return memory;
}

// Offsets are 32 bits wide. Texts and lists were measured in 64 bits as they came, so checking the
// whole is enough: kMaxSpec is far below where an offset would wrap.
Result<void> SpecWriter::send(Spec spec, int channel) {
    if (block_.size() > kMaxSpec)
        return fail(Code::invalid, "make specification: arguments and environment are too long");
    if (fds_.size() > kMaxFds) return fail(Code::invalid, "make specification: too many mounts");
    spec.magic = kSpecMagic;
    spec.version = kSpecVersion;
    spec.size = block_.size();
    const Fd block = TRY(seal(spec));
    fds_[0] = block.get();

    Opening opening;
    opening.fd_count = static_cast<std::uint32_t>(fds_.size());
    opening.size = spec.size;
    std::span<const int> left(fds_);
    const std::byte filler{};
    std::span<const std::byte> content = std::as_bytes(std::span(&opening, 1));
    while (!left.empty()) {
        const std::size_t count = std::min(left.size(), kMaxPacketFds);
        TRY(send_packet(channel, content, left.first(count)));
        left = left.subspan(count);
        content = std::span(&filler, 1);
    }
    return {};
}

}  // namespace davit::native
