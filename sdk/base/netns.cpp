// SPDX-License-Identifier: Apache-2.0
#include "sdk/base/netns.hpp"

#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <exception>

namespace davit {
namespace {

// What a private thread needs is a few system calls deep; a small stack keeps starting it cheap.
constexpr std::size_t kPrivateStack = 256 * 1024;

struct PrivateWork {
    const std::function<Result<void>()>& work;
    Result<void> result;
    std::exception_ptr thrown;
};

void* run_private(void* argument) {
    auto& job = *static_cast<PrivateWork*>(argument);
    try {
        job.result = job.work();
    } catch (...) {
        job.thrown = std::current_exception();
    }
    return nullptr;
}

// Runs `work` on a thread of its own and waits for its end. An exception of `work` goes on in the
// caller.
Result<void> on_private_thread(const std::function<Result<void>()>& work) {
    PrivateWork job{work, {}, nullptr};
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, kPrivateStack);
    pthread_t thread{};
    const int refused = pthread_create(&thread, &attributes, &run_private, &job);
    pthread_attr_destroy(&attributes);
    if (refused != 0) return os_error(refused, "start thread");
    pthread_join(thread, nullptr);
    if (job.thrown) std::rethrow_exception(job.thrown);
    return std::move(job.result);
}

Result<Fd> open_own_netns() {
    Fd fd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    if (!fd) return os_error("open /proc/thread-self/ns/net");
    return fd;
}

}  // namespace

// netdevice(7). Loopback always has index 1 and the name lo.
Result<void> set_loopback_up() {
    const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket) return os_error("open socket in network namespace");
    ifreq request{};
    request.ifr_name[0] = 'l';
    request.ifr_name[1] = 'o';
    request.ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING;
    if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) != 0) return os_error("set lo up");
    return {};
}

Result<void> run_in_netns(int netns_fd, const std::function<Result<void>()>& work) {
    return on_private_thread([&]() -> Result<void> {
        if (::setns(netns_fd, CLONE_NEWNET) != 0) return os_error("enter network namespace");
        return work();
    });
}

Result<NetNs> NetNs::create() {
    Fd made;
    const auto make = [&made]() -> Result<void> {
        if (::unshare(CLONE_NEWNET) != 0) return os_error("create network namespace");
        TRY(set_loopback_up());
        made = TRY(open_own_netns());
        return {};
    };
    TRY(on_private_thread(make));
    return NetNs(std::move(made));
}

Result<NetNs> NetNs::of_thread() { return NetNs(TRY(open_own_netns())); }

}  // namespace davit
