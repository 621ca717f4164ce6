// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/executables.hpp"

#include "core/plugin/manifest.hpp"
#include "sdk/base/file.hpp"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <cerrno>
#include <filesystem>
#include <string_view>

namespace davit::plugin {
namespace {

// Linux 6.3, newer than Debian 12's headers.
constexpr unsigned kMfdExec = 0x0010u;
constexpr int kSealExec = 0x0020;

std::string proc_path(const Fd& fd) { return "/proc/self/fd/" + std::to_string(fd.get()); }

Result<Fd> create_memfd(const std::string& name, bool& with_exec) {
    with_exec = true;
    Fd memory(::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING | kMfdExec));
    if (!memory && errno == EINVAL) {  // before 6.3 every memfd is executable
        with_exec = false;
        memory.reset(::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
    }
    if (!memory) return os_error("create memory file " + name);
    return memory;
}

Result<void> copy_all(const Fd& from, const Fd& to) {
    constexpr std::size_t kChunk = 1u << 30;  // sendfile(2) moves at most 2 GiB at once
    for (;;) {
        const auto moved = ::sendfile(to.get(), from.get(), nullptr, kChunk);
        if (moved < 0 && errno == EINTR) continue;
        if (moved < 0) return os_error("copy executable");
        if (moved == 0) return {};
    }
}

Result<Fd> sealed_copy(const Fd& file, const std::string& name) {
    bool with_exec = false;
    Fd memory = TRY(create_memfd(name, with_exec));
    TRY(copy_all(file, memory));
    const int seals =
        F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | (with_exec ? kSealExec : 0);
    if (::fcntl(memory.get(), F_ADD_SEALS, seals) != 0) return os_error("seal " + name);
    // execve answers ETXTBSY while a descriptor for writing is open, so this one gives way to a
    // reading one.
    Fd readable(::open(proc_path(memory).c_str(), O_RDONLY | O_CLOEXEC));
    if (!readable) return os_error("open sealed " + name);
    return readable;
}

// Opened again through /proc/self/fd/N for writing, the file answers EROFS: its mount is read-only
// and nowhere attached.
Result<Fd> read_only_file(const std::string& path) {
    Fd mount(static_cast<int>(
        ::syscall(SYS_open_tree, AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)));
    if (!mount) return os_error("clone mount of " + path);
    struct mount_attr attributes {};
    attributes.attr_set = MOUNT_ATTR_RDONLY;
    if (::syscall(SYS_mount_setattr, mount.get(), "", AT_EMPTY_PATH, &attributes,
                  sizeof attributes) != 0)
        return os_error("make mount of " + path + " read-only");
    Fd file(::open(proc_path(mount).c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return os_error("open " + path);
    return file;
}

}  // namespace

Result<int> Executables::find(const std::string& name) {
    if (!name.starts_with("davit-") || !valid_name(name))
        return fail(Code::invalid, "find executable ", name, ": its name must begin with davit-");
    const std::lock_guard guard(lock_);
    if (const auto known = opened_.find(name); known != opened_.end()) return known->second.get();

    const auto path = folder_ + "/" + name;
    Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!file) return os_error("open " + path);
    auto sealed = sealed_copy(file, name);
    if (!sealed && (sealed.error().os_errno == EACCES || sealed.error().os_errno == EPERM))
        sealed = read_only_file(path);
    if (!sealed) return std::move(sealed).error();
    const int number = sealed->get();
    opened_.emplace(name, std::move(*sealed));
    return number;
}

Result<std::string> own_folder() {
    const auto path = TRY(read_link(AT_FDCWD, "/proc/self/exe"));
    return std::filesystem::path(path).parent_path().string();
}

}  // namespace davit::plugin
