// SPDX-License-Identifier: Apache-2.0
#include "core/engine/data_root.hpp"

#include "sdk/base/file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <utility>

namespace davit::engine {

namespace {

constexpr mode_t kPrivate = 0700;      // nobody else walks into layers and state
constexpr mode_t kTraversable = 0711;  // the exec root: the socket in it has its own rights
constexpr std::size_t kBootIdMax = 64;
constexpr char kChoice[] = ".default";  // no name of an instance begins so
constexpr std::size_t kNameMax = 64;

// Makes every missing part of an absolute path; the last one gets `mode`.
Result<Fd> make_path(const std::string& path, mode_t mode) {
    for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
        const std::string part = path.substr(0, slash);
        if (::mkdir(part.c_str(), 0755) != 0 && errno != EEXIST)
            return os_error("make directory " + part);
    }
    if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST)
        return os_error("make directory " + path);
    Fd directory = TRY(open_directory(path));
    if (::fchmod(directory.get(), mode) != 0) return os_error("set mode of " + path);
    return directory;
}

Result<Fd> open_below(int root, const std::string& name) {
    TRY(make_directory(root, name, kPrivate));
    return open_beneath(root, name, O_RDONLY | O_DIRECTORY);
}

}  // namespace

Result<DataRoot> DataRoot::open(const std::string& data_root, const std::string& exec_root) {
    Fd data = TRY(make_path(data_root, kPrivate));
    if (::flock(data.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return os_error("lock " + data_root);
        return fail(Code::busy, "open ", data_root,
                    ": another davitd uses it: stop that one, or give this one its own --data-root "
                    "and --exec-root");
    }
    Fd exec = TRY(make_path(exec_root, kTraversable));
    return DataRoot(data_root, std::move(data), std::move(exec));
}

Result<Fd> DataRoot::open_data(const std::string& name) const {
    return open_below(data_.get(), name);
}

Result<Fd> DataRoot::open_exec(const std::string& name) const {
    return open_below(exec_.get(), name);
}

Result<Fd> DataRoot::open_instance(std::string_view kind, std::string_view instance) const {
    const Fd of_kind = TRY(open_below(data_.get(), std::string(kind)));
    return open_below(of_kind.get(), std::string(instance));
}

Result<Fd> DataRoot::look_at_instance(std::string_view kind, std::string_view instance) const {
    const std::string path = std::string(kind) + "/" + std::string(instance);
    for (const std::string& place : {path, std::string(kind)})
        if (auto found = open_beneath(data_.get(), place, O_RDONLY | O_DIRECTORY)) return found;
    return open_beneath(data_.get(), ".", O_RDONLY | O_DIRECTORY);
}

std::string DataRoot::remembered_choice(std::string_view kind) const {
    return read_file(data_.get(), std::string(kind) + "/" + kChoice, kNameMax).value_or("");
}

Result<void> DataRoot::remember_choice(std::string_view kind, const std::string& instance) const {
    const Fd of_kind = TRY(open_below(data_.get(), std::string(kind)));
    return atomic_write(of_kind.get(), kChoice, instance, 0600, Sync::yes);
}

bool DataRoot::has_instance(std::string_view kind, std::string_view instance) const {
    const std::string path = std::string(kind) + "/" + std::string(instance);
    return open_beneath(data_.get(), path, O_PATH | O_DIRECTORY).has_value();
}

Result<DataRoot::Boot> DataRoot::enter_boot() const {
    const Fd kernel(::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
    if (!kernel) return os_error("read boot id");
    const std::string now = TRY(read_all(kernel.get(), kBootIdMax));
    const auto before = read_file(data_.get(), "boot", kBootIdMax);
    if (before && *before == now) return Boot::same;
    TRY(atomic_write(data_.get(), "boot", now));
    return before ? Boot::other : Boot::same;
}

}  // namespace davit::engine
