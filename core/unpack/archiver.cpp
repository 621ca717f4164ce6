// SPDX-License-Identifier: Apache-2.0
#include "core/unpack/archiver.hpp"

#include "core/unpack/container_path.hpp"
#include "core/unpack/entry_name.hpp"
#include "core/unpack/layer_writer.hpp"
#include "core/unpack/limits.hpp"
#include "core/unpack/packer.hpp"
#include "core/unpack/root_entry.hpp"
#include "core/unpack/system_calls.hpp"
#include "sdk/base/file.hpp"
#include "sdk/base/pipe.hpp"
#include "sdk/container/jail.hpp"

#include <fcntl.h>
#include <sys/capability.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <span>

namespace davit::unpack {

namespace {

// An archiver reads what is not its own, and gives what it makes away.
constexpr int kCapabilities[] = {CAP_CHOWN,  CAP_DAC_OVERRIDE, CAP_FOWNER,
                                 CAP_FSETID, CAP_MKNOD,        CAP_SETFCAP};
constexpr std::size_t kSelectionMax = std::size_t{256} << 20;  // bytes: 4 M entries of 64

template <std::size_t N>
void copy_text(char (&to)[N], const std::string& text) {
    const std::size_t size = std::min(N - 1, text.size());
    std::memcpy(to, text.data(), size);
    to[size] = '\0';
}

template <class Message>
Result<void> answer(const Message& message) {
    return send_packet(kOrderFd, std::as_bytes(std::span(&message, 1)));
}

// What came over the socket, its descriptors included.
struct Received {
    Order order;
    Fd root;
    Fd selection;
    std::vector<AttachedMount> mounts;
};

Result<Received> receive_order() {
    Received received;
    auto packet =
        TRY(receive_packet(kOrderFd, std::as_writable_bytes(std::span(&received.order, 1))));
    if (packet.size != sizeof(Order) || received.order.version != kOrderVersion ||
        packet.fds.empty())
        return fail(Code::internal, "take order: it is of another version");
    received.root = std::move(packet.fds[0]);
    if (packet.fds.size() > 1) received.selection = std::move(packet.fds[1]);
    for (std::uint32_t count = 0; count < received.order.attachments; ++count) {
        Attachment attachment;
        auto one = TRY(receive_packet(kOrderFd, std::as_writable_bytes(std::span(&attachment, 1))));
        if (one.size != sizeof attachment || one.fds.size() != 1)
            return fail(Code::internal, "take order: a mount is missing");
        attachment.target[kPathBytes - 1] = '\0';
        received.mounts.push_back({attachment.target, std::move(one.fds[0])});
    }
    received.order.path[kPathBytes - 1] = received.order.shown[kPathBytes - 1] = '\0';
    return received;
}

Result<void> lock_up(Work work) {
    const bool writes = work == Work::extract;
    TRY(sdk::keep_capabilities(kCapabilities));
    TRY(sdk::limit_process({.memory = address_space(kParserMemory),
                            .file_bytes = kBytesMax,
                            .processor_seconds = kProcessorSeconds,
                            .descriptors = kDescriptors}));
    TRY(sdk::restrict_files(writes ? sdk::FileAccess::change : sdk::FileAccess::read));
    return writes ? sdk::allow_system_calls(kWritingCalls) : sdk::allow_system_calls(kReadingCalls);
}

Result<void> tell_found(const FoundPath& found, const std::string& path) {
    Found message;
    message.mode = found.status.st_mode;
    message.size = static_cast<std::uint64_t>(found.status.st_size);
    message.modified_seconds = found.status.st_mtim.tv_sec;
    message.modified_nanoseconds = found.status.st_mtim.tv_nsec;
    if (S_ISLNK(found.status.st_mode)) copy_text(message.target, TRY(resolved_name(path)));
    return answer(message);
}

Result<void> pack_selection(Packer& packer, const FoundPath& top, int list) {
    const Fd directory = TRY(open_in_root(top.parent.get(), top.name, O_RDONLY | O_DIRECTORY));
    const std::string text = TRY(read_all(list, kSelectionMax).context("read selection"));
    for (std::size_t at = 0; at < text.size();) {
        const std::string line(&text[at]);
        at += line.size() + 1;
        if (line.size() < 2) return fail(Code::invalid, "read selection: an empty name");
        const std::string path = TRY(clean_name(line.substr(1)));
        if (line[0] == kListedDeletion) {
            TRY(packer.add_whiteout(path));
            continue;
        }
        const Name name = split(path);
        const auto parent =
            open_in_root(directory.get(), name.parent.empty() ? "." : std::string(name.parent),
                         O_RDONLY | O_DIRECTORY);
        if (!parent && parent.error().code == Code::not_found) continue;  // gone meanwhile
        if (!parent) return parent.error();
        auto added = packer.add_one(parent->get(), std::string(name.base), path);
        if (!added && added.error().code != Code::not_found) return added;
    }
    return {};
}

Result<void> pack(const Received& received, const FoundPath& top) {
    const bool exact = (received.order.flags & kTellHoles) != 0;
    auto writer =
        TRY(ArchiveWriter::create(STDOUT_FILENO, exact ? Times::exact : Times::whole_seconds));
    Packer packer(writer, exact ? Holes::told : Holes::filled);
    if ((received.order.flags & kSelection) != 0)
        TRY(pack_selection(packer, top, received.selection.get()));
    else
        TRY(packer.add_tree(top.parent.get(), top.name, received.order.shown));
    return writer.finish();
}

// Where an open directory lies; the root is "".
Result<std::string> place_of(int directory) {
    char buffer[PATH_MAX];
    if (::fchdir(directory) != 0 || ::getcwd(buffer, sizeof buffer) == nullptr)
        return os_error("name directory");
    if (buffer[0] != '/') return fail(Code::invalid, "name directory: it lies outside the root");
    return std::string(buffer + 1);
}

// The entry as it goes below `place`, owned as the order says.
Result<Entry> moved(Entry entry, const std::string& place, const Order& order) {
    const auto below = [&](const std::string& name) {
        return place.empty() || name.empty() ? place + name : place + "/" + name;
    };
    entry.name = below(entry.name);
    if (entry.name.size() > kNameMax) return os_error(ENAMETOOLONG, "read entry name");
    if (entry.kind == EntryKind::hard_link) entry.link = below(entry.link);
    if ((order.flags & kChangeOwner) != 0) {
        entry.uid = order.uid;
        entry.gid = order.gid;
    }
    return entry;
}

Result<void> extract(const Order& order, const FoundPath& top) {
    const Fd directory = TRY(open_in_root(top.parent.get(), top.name, O_RDONLY | O_DIRECTORY));
    const std::string place = TRY(place_of(directory.get()));
    auto archive = TRY(Archive::open(STDIN_FILENO));
    LayerWriter writer(TRY(Tree::open_root()), View::merged, [](int) { return Result<void>(); },
                       {.whiteouts = false, .keep_kinds = (order.flags & kKeepKinds) != 0});
    while (auto entry = TRY(archive.next().context("extract ", archive.shown_name()))) {
        const bool is_top = entry->name.empty() && entry->kind == EntryKind::directory;
        if (is_top && (order.flags & kTopToo) == 0) continue;
        const Entry placed = TRY(moved(std::move(*entry), place, order));
        auto added = writer.add(placed, archive);
        if (!added && (order.flags & kKeepKinds) != 0 && added.error().what.starts_with("cannot"))
            return added;  // docker's own sentence
        TRY(std::move(added).context("extract ", archive.shown_name()));
    }
    TRY(archive.drain());
    return writer.finish().context("set times of directories");
}

Result<void> carry_out() {
    auto received = TRY(receive_order());
    const Order& order = received.order;
    Archive::warm_up();
    ArchiveWriter::warm_up();
    TRY(enter_root(order.root, std::move(received.root), std::move(received.mounts)));
    TRY(lock_up(order.work));
    const std::string path =
        order.work == Work::extract ? std::string(order.path) + "/" : order.path;
    const FoundPath found = TRY(find_path(path));
    TRY(tell_found(found, path));
    switch (order.work) {
        case Work::look: return {};
        case Work::pack: return pack(received, found);
        case Work::extract: return extract(order, found);
    }
    return fail(Code::internal, "take order: unknown work");
}

}  // namespace

int run_archiver() {
    ::close_range(kOrderFd + 1, ~0U, 0);  // rule R-11
    const auto done = carry_out();
    Ended message;
    if (!done) {
        message.code = static_cast<std::int32_t>(done.error().code);
        message.os_errno = done.error().os_errno;
        copy_text(message.text, done.error().what);
    }
    return answer(message) && done ? 0 : 1;
}

}  // namespace davit::unpack
