// SPDX-License-Identifier: Apache-2.0
#include "tests/support/loop_image.hpp"

#include "sdk/base/process.hpp"

#include <fcntl.h>
#include <linux/loop.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>
#include <cerrno>
#include <cstdlib>

namespace davit::tests {
namespace {

Result<void> enter_own_mount_namespace() {
    static const bool entered =
        ::unshare(CLONE_NEWNS) == 0 && ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    if (!entered) return fail(Code::denied, "make mount namespace: run as root");
    return {};
}

// The file has no name when this returns.
Result<Fd> make_file(const LoopImage& image) {
    char path[] = "/tmp/davit-image-XXXXXX";
    Fd file(::mkostemp(path, O_CLOEXEC));
    if (!file || ::ftruncate(file.get(), static_cast<off_t>(image.bytes)) != 0)
        return os_error("make image");
    std::vector<std::string> arguments = {"mkfs." + image.type, "-q", "-f"};
    arguments.insert(arguments.end(), image.mkfs_options.begin(), image.mkfs_options.end());
    arguments.push_back(path);
    Result<Child> mkfs = spawn({"/sbin/mkfs." + image.type, arguments, {"PATH=/usr/sbin"}, {}});
    Result<ExitStatus> ended = mkfs ? mkfs->wait() : Result<ExitStatus>(mkfs.error());
    ::unlink(path);
    if (TRY(ended).code != 0) return fail(Code::unsupported, "make file system ", image.type);
    return file;
}

// Several tests look for a free device at once: the loser of a race takes the next.
Result<Fd> make_loop_device(int file, std::string& path) {
    const Fd control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
    if (!control) return os_error("open loop-control");
    loop_config config{};
    config.fd = static_cast<unsigned>(file);
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
    for (int attempt = 0; attempt < 100; ++attempt) {
        const int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
        if (number < 0) return os_error("find loop device");
        path = "/dev/loop" + std::to_string(number);
        Fd device(::open(path.c_str(), O_RDWR | O_CLOEXEC));
        if (device && ::ioctl(device.get(), LOOP_CONFIGURE, &config) == 0) return device;
        if (device && errno != EBUSY) return os_error("configure " + path);
    }
    return fail(Code::busy, "find loop device: always taken by others");
}

}  // namespace

Result<void> mount_image(const LoopImage& image, const std::string& path) {
    TRY(enter_own_mount_namespace());
    const Fd file = TRY(make_file(image));
    std::string device_path;
    const Fd device = TRY(make_loop_device(file.get(), device_path));
    if (::mount(device_path.c_str(), path.c_str(), image.type.c_str(), 0,
                image.mount_options.c_str()) != 0)
        return os_error("mount " + image.type);
    return {};
}

Result<ImageDirectory> ImageDirectory::make(const LoopImage& image) {
    char path[] = "/tmp/davit-disk-XXXXXX";
    if (::mkdtemp(path) == nullptr) return os_error("make directory");
    ImageDirectory directory(path);
    TRY(mount_image(image, path));
    return directory;
}

ImageDirectory::~ImageDirectory() {
    if (path_.empty()) return;
    ::umount2(path_.c_str(), MNT_DETACH);
    ::rmdir(path_.c_str());
}

}  // namespace davit::tests
