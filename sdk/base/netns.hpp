// SPDX-License-Identifier: Apache-2.0
// Network namespaces as descriptors, and work done inside them on threads of their own, so that no
// thread that serves others is ever left in a foreign namespace. Used by core, by network drivers
// and by tests. Thread-safe.
#pragma once

#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"

#include <functional>

namespace davit {

// Runs `work` inside the network namespace behind `netns_fd` (borrowed) and returns what it
// returns. The thread is started for this call and has ended when it returns; sockets that `work`
// opens stay in the namespace for ever. Errors: those of `work`; denied without CAP_SYS_ADMIN;
// unavailable when no thread can be started.
Result<void> run_in_netns(int netns_fd, const std::function<Result<void>()>& work);

// In the network namespace of the calling thread. Needs CAP_NET_ADMIN there.
Result<void> set_loopback_up();

// Owns a descriptor of a network namespace. The namespace lives while a descriptor, a process or a
// bind mount holds it; its links end with it, some time after the last holder has gone.
class NetNs {
public:
    // A new, empty namespace with `lo` up.
    static Result<NetNs> create();
    // The namespace of the calling thread.
    static Result<NetNs> of_thread();
    explicit NetNs(Fd fd) : fd_(std::move(fd)) {}

    int fd() const { return fd_.get(); }
    [[nodiscard]] Fd release() { return std::move(fd_); }
    // As run_in_netns.
    Result<void> run(const std::function<Result<void>()>& work) const {
        return run_in_netns(fd_.get(), work);
    }

private:
    Fd fd_;
};

}  // namespace davit
