// SPDX-License-Identifier: Apache-2.0
#include "drivers/storage/overlay/overlay_mount.hpp"

#include "sdk/base/file.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>
#include <optional>
#include <thread>

namespace davit::overlay {
namespace {

// Linux stacks at most 500 (OVL_MAX_STACK); asking for more gives a bare EINVAL.
constexpr std::size_t kMostLowers = 500;
// mount(2) cuts longer option strings silently at a page.
constexpr std::size_t kMostOptionBytes = 4095;

// What keeps a layer a plain tree that can be copied, compared and stacked anew: no references to
// inode numbers, to other names or to data elsewhere. Kernel defaults differ by configuration, so
// all are set.
constexpr const char* kSettings[][2] = {
    {"index", "off"}, {"xino", "off"}, {"redirect_dir", "off"}, {"metacopy", "off"}};

Result<void> add_layer(FsContext& context, const char* option, int root, const std::string& path) {
    const Fd directory = TRY(open_beneath(root, path, O_PATH | O_DIRECTORY));
    return context.set_fd(option, directory.get()).context("add layer " + path);
}

Result<DetachedMount> mount_by_descriptors(int root, const OverlayPlan& plan) {
    FsContext context = TRY(FsContext::open("overlay"));
    TRY(context.set("source", "overlay"));
    for (const auto& [option, value] : kSettings) TRY(context.set(option, value));
    for (const std::string& lower : plan.lowers) TRY(add_layer(context, "lowerdir+", root, lower));
    if (!plan.upper.empty()) {
        TRY(add_layer(context, "upperdir", root, plan.upper));
        TRY(add_layer(context, "workdir", root, plan.work));
        if (plan.is_volatile) TRY(context.set_flag("volatile"));
    }
    return context.mount(plan.upper.empty() ? MOUNT_ATTR_RDONLY : 0);
}

// --- the thread form
// -------------------------------------------------------------------------------

// Two letters for each of 500 layers, so that the option string fits into a page.
std::string short_name(std::size_t number) {
    constexpr char kDigits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    return {kDigits[number / 36], kDigits[number % 36]};
}

Result<void> link_to(const std::string& path, const std::string& name) {
    if (::symlink(("../" + path).c_str(), name.c_str()) != 0) return os_error("link layer " + path);
    return {};
}

// Short links in the current directory, and the mount options that name them.
Result<std::string> link_layers(const OverlayPlan& plan) {
    std::string options = "lowerdir=";
    for (std::size_t i = 0; i < plan.lowers.size(); ++i) {
        TRY(link_to(plan.lowers[i], short_name(i)));
        options.append(i == 0 ? "" : ":").append(short_name(i));
    }
    if (!plan.upper.empty()) {
        TRY(link_to(plan.upper, "upper"));
        TRY(link_to(plan.work, "work"));
        options += ",upperdir=upper,workdir=work";
        if (plan.is_volatile) options += ",volatile";
    }
    for (const auto& [option, value] : kSettings)
        options.append(",").append(option).append("=").append(value);
    if (options.size() > kMostOptionBytes)
        return fail(Code::invalid, "mount overlay: too many layers");
    return options;
}

// Runs on a thread that ends afterwards: it leaves the process's mount namespace for good. Its own
// goes with it; the clone of the mount stays with the descriptor. The current directory is set
// before the namespace is copied, since only that makes the kernel move it over into the copy: a
// descriptor would still point to the old mounts, which overlay refuses.
Result<DetachedMount> mount_in_own_namespace(int root, const OverlayPlan& plan) {
    if (::unshare(CLONE_FS) != 0) return os_error("leave shared directory");
    if (::fchdir(root) != 0) return os_error("enter instance directory");
    if (::unshare(CLONE_NEWNS) != 0) return os_error("make mount namespace");
    if (::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
        return os_error("make mounts private");
    if (::mount("links", "links", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0700") != 0)
        return os_error("mount directory of links");
    if (::chdir("links") != 0) return os_error("enter directory of links");
    const std::string options = TRY(link_layers(plan));
    TRY(make_directory(AT_FDCWD, "merged"));
    const unsigned long flags = plan.upper.empty() ? MS_RDONLY : 0;
    if (::mount("overlay", "merged", "overlay", flags, options.c_str()) != 0)
        return os_error("mount overlay");
    return DetachedMount::clone(AT_FDCWD, "merged");
}

Result<DetachedMount> mount_on_thread(int root, const OverlayPlan& plan) {
    std::optional<Result<DetachedMount>> outcome;
    std::thread worker([&] {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
        outcome.emplace(mount_in_own_namespace(root, plan));
    });
    worker.join();
    return std::move(*outcome);
}

}  // namespace

Result<MountForm> probe_mount_form(int root) {
    FsContext context = TRY(FsContext::open("overlay"));
    const Fd directory = TRY(open_beneath(root, ".", O_PATH | O_DIRECTORY));
    return context.set_fd("lowerdir+", directory.get()) ? MountForm::descriptors
                                                        : MountForm::thread;
}

Result<DetachedMount> mount_overlay(int root, const OverlayPlan& plan, MountForm form) {
    if (plan.lowers.size() > kMostLowers)
        return fail(Code::unsupported, "mount overlay: ", std::to_string(plan.lowers.size()),
                    " layers, and Linux stacks at most ", std::to_string(kMostLowers));
    return form == MountForm::descriptors ? mount_by_descriptors(root, plan)
                                          : mount_on_thread(root, plan);
}

}  // namespace davit::overlay
