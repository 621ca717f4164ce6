// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/library.hpp"

#include "sdk/base/digest.hpp"
#include "sdk/base/file.hpp"
#include "sdk/plugin/value.hpp"

#define BOOST_DLL_USE_STD_FS
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <array>
#include <boost/dll/shared_library.hpp>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <list>
#include <span>

namespace davit::plugin {
namespace {

std::string proc_path(const Fd& fd) { return "/proc/self/fd/" + std::to_string(fd.get()); }

bool trusted_owner(uid_t owner) { return owner == 0 || owner == ::geteuid(); }

// Write permission of the running user's own group and of root's counts as the owner's.
bool others_write(const struct stat& status) {
    const bool foreign_group = status.st_gid != 0 && status.st_gid != ::getegid();
    return (status.st_mode & S_IWOTH) != 0 || ((status.st_mode & S_IWGRP) != 0 && foreign_group);
}

Error distrust(const std::string& path, std::string_view cause) {
    return fail(Code::denied, "trust ", path, ": ", cause);
}

Result<void> check_folder(const std::string& folder) {
    struct stat status {};
    if (::lstat(folder.c_str(), &status) != 0) return os_error("stat " + folder);
    if (!trusted_owner(status.st_uid))
        return distrust(folder, "the folder belongs to user " + std::to_string(status.st_uid) +
                                    ", not to root or davitd's user");
    if (others_write(status) && (status.st_mode & S_ISVTX) == 0)
        return distrust(folder, "others can write to the folder, and it is not sticky");
    return {};
}

Result<std::string> hash(const Fd& file) {
    auto sha = TRY(Sha256::create());
    std::array<std::byte, 64u << 10> buffer;
    for (off_t at = 0;;) {
        const auto got = ::pread(file.get(), buffer.data(), buffer.size(), at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return os_error("read driver file");
        if (got == 0) return sha.finish().hex();
        sha.add(std::span<const std::byte>(buffer.data(), static_cast<std::size_t>(got)));
        at += got;
    }
}

// The dynamic linker's own words, with the file's name instead of the descriptor's.
std::string linker_text(const std::string& what, const std::string& loaded_as,
                        const std::string& path) {
    constexpr std::string_view kBefore = "dlerror system message: ";
    std::string text = what;
    if (const auto begin = text.find(kBefore); begin != std::string::npos) {
        text.erase(0, begin + kBefore.size());
        if (const auto end = text.rfind("):"); end != std::string::npos) text.erase(end);
    }
    for (auto at = text.find(loaded_as); at != std::string::npos;
         at = text.find(loaded_as, at + path.size()))
        text.replace(at, loaded_as.size(), path);
    return text;
}

// Loaded libraries and the descriptors they were loaded by, kept for the life of the process:
// thread-local destructors and unique symbols of a library outlive its last user, and a second
// library loaded as the same /proc/self/fd/N would turn out to be the first.
struct Loaded {
    boost::dll::shared_library library;
    Fd file;
};

const boost::dll::shared_library& keep_for_ever(boost::dll::shared_library library, Fd file) {
    static std::mutex lock;
    static auto& all = *new std::list<Loaded>;  // never destroyed
    const std::lock_guard guard(lock);
    return all.emplace_back(Loaded{std::move(library), std::move(file)}).library;
}

Result<const davit_module*> check_module(const davit_module* module, const Manifest& manifest) {
    if (module == nullptr || !DAVIT_HAS(module, version))
        return fail(Code::invalid, "read module: it is incomplete");
    if (module->required_minor > DAVIT_ABI_MINOR)
        return fail(Code::unsupported, "read module: it needs ABI minor ",
                    std::to_string(module->required_minor), ", this engine speaks ",
                    std::to_string(DAVIT_ABI_MINOR));
    for (const auto& driver : manifest.drivers)
        if (find_driver(*module, driver.kind, driver.name) == nullptr)
            return fail(Code::invalid, "read module: it lacks the ", driver.kind, " driver ",
                        driver.name, " of its manifest");
    return module;
}

}  // namespace

Result<void> check_owner(const Fd& file, const std::string& path) {
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return os_error("stat " + path);
    if (!S_ISREG(status.st_mode)) return distrust(path, "it is not a regular file");
    if (!trusted_owner(status.st_uid))
        return distrust(path, "it belongs to user " + std::to_string(status.st_uid) +
                                  ", not to root or davitd's user");
    if (others_write(status)) return distrust(path, "others can write to it");
    for (auto folder = std::filesystem::path(path).parent_path();; folder = folder.parent_path()) {
        TRY(check_folder(folder.string()));
        if (folder == folder.parent_path()) return {};
    }
}

const davit_driver* find_driver(const davit_module& module, std::string_view kind,
                                std::string_view name) {
    for (std::uint32_t i = 0; i < module.driver_count; ++i) {
        const davit_driver* driver = module.drivers[i];
        if (driver != nullptr && DAVIT_CAN(driver, open) && sdk::view(driver->kind) == kind &&
            sdk::view(driver->name) == name)
            return driver;
    }
    return nullptr;
}

Result<std::shared_ptr<Library>> Library::open(const std::string& path) {
    // O_NONBLOCK: a FIFO in a driver folder must not stop the engine.
    Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file) return os_error("open " + path);
    const auto real = TRY(read_link(AT_FDCWD, proc_path(file)));
    TRY(check_owner(file, real));
    auto manifest = TRY(read_manifest(file.get()).context("open ", path));
    TRY(check_version(manifest).context("open ", path));
    return std::shared_ptr<Library>(new Library(real, std::move(file), std::move(manifest)));
}

Result<std::string> Library::sha256() {
    const std::lock_guard guard(lock_);
    if (!sha256_.empty()) return sha256_;
    return hash(file_);
}

Result<const davit_module*> Library::load(const std::string& pin) {
    const std::lock_guard guard(lock_);
    if (module_ == nullptr) {
        const auto digest = TRY(hash(file_));
        if (!pin.empty() && digest != pin)
            return fail(Code::denied, "load ", path_, ": its SHA-256 is ", digest,
                        ", the configuration wants ", pin);
        module_ = TRY(load_now().context("load ", path_));
        sha256_ = digest;
    }
    if (!pin.empty() && sha256_ != pin)
        return fail(Code::denied, "load ", path_, ": its SHA-256 is ", sha256_,
                    ", the configuration wants ", pin);
    return module_;
}

Result<const davit_module*> Library::load_now() {
    Fd own(::fcntl(file_.get(), F_DUPFD_CLOEXEC, 0));
    if (!own) return os_error("duplicate descriptor");
    const auto name = proc_path(own);
    try {
        // rtld_local is dlopen's zero; rtld_deepbind is never given: it would tear allocators
        // apart.
        boost::dll::shared_library loaded(std::filesystem::path(name),
                                          boost::dll::load_mode::rtld_now);
        const auto& library = keep_for_ever(std::move(loaded), std::move(own));
        if (!library.has(DAVIT_MODULE_SYMBOL))
            return fail(Code::unsupported, "it exports no ", DAVIT_MODULE_SYMBOL);
        const auto entry = library.get<const davit_module*()>(DAVIT_MODULE_SYMBOL);
        return check_module(entry(), manifest_);
    } catch (const std::exception& error) {
        return fail(Code::invalid, linker_text(error.what(), name, path_));
    }
}

}  // namespace davit::plugin
