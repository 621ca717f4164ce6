// SPDX-License-Identifier: Apache-2.0
// The way to a container's files for those who pack or change them from outside: cp, export,
// commit.
#include "core/container/containers.hpp"

#include "core/container/mount_sources.hpp"

#include "sdk/base/process.hpp"
#include "sdk/base/undo.hpp"

#include <fcntl.h>
#include <poll.h>

#include <array>
#include <cerrno>
#include <optional>
#include <utility>

namespace davit::container {

namespace {

constexpr int kEndMilliseconds = 5000;  // for the rest of an exit, on a busy host

}  // namespace

Result<void> wait_for_root(Cancel& cancel, Container& container) {
    Fd keeper = container.take_keeper();
    if (!keeper) return {};
    std::array<pollfd, 2> fds{{{keeper.get(), POLLIN, 0}, {cancel.fd(), POLLIN, 0}}};
    while (::poll(fds.data(), fds.size(), -1) < 0)
        if (errno != EINTR) return os_error("wait for the last run's root");
    auto waited = cancel.check("wait for the last run's root");
    if (!waited) container.set_keeper(std::move(keeper));
    return waited;
}

// Of a container that runs, what its own processes see; they may change it meanwhile. Of any other,
// its layer, and a start waits until `use` is done with it: a layer is mounted once at a time
// (seams rule 2).
Result<void> Containers::with_files(const std::shared_ptr<Cancel>& cancel,
                                    const ContainerPtr& container, Shown shown,
                                    const UseFiles& use) {
    // Nothing: it does not run, or ended before it was entered.
    const auto use_running = [&]() -> std::optional<Result<void>> {
        const Fd process = container->process();
        if (!process || has_ended(process.get())) return std::nullopt;
        const auto kind =
            shown == Shown::root_alone ? archive::RootKind::root_of : archive::RootKind::process;
        auto done = use({.kind = kind, .root = Fd(::fcntl(process.get(), F_DUPFD_CLOEXEC, 0))});
        if (done || done.error().os_errno != ESRCH) return done;
        pollfd end{process.get(), POLLIN, 0};  // it has let its namespaces go: it is about to end
        (void)::poll(&end, 1, kEndMilliseconds);
        return std::nullopt;
    };
    if (auto done = use_running()) return std::move(*done);
    ContainerLock lock = container->operate();
    const Fd process = container->process();
    if (process && !has_ended(process.get())) {  // started while we waited
        lock.unlock();
        return with_files(cancel, container, shown, use);
    }
    if (container->state().status == Status::removed)
        return fail(Code::conflict, "open files of container ", container->id(),
                    ": it is being removed");
    TRY(wait_for_root(*cancel, *container));
    const std::string& id = container->id();
    const plugin::Storage storage = TRY(services_.storage(container->record().storage_instance));
    sdk::Caller call(cancel);
    archive::Place place;
    if (shown == Shown::everything)
        for (const Mount* mount : in_order(container->config().mounts))
            if (mount->kind != MountKind::tmpfs)
                place.mounts.push_back({mount->target, TRY(open_mount(*mount, services_.volumes))});
    place.root = TRY(storage.mount(call, id, 0));
    Undo release([&] {
        sdk::Caller undo;
        (void)storage.release(undo, id);
    });
    return use(std::move(place));
}

}  // namespace davit::container
