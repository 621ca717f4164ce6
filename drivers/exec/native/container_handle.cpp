// SPDX-License-Identifier: Apache-2.0
#include "drivers/exec/native/container_handle.hpp"

#include "sdk/base/process.hpp"

#include <poll.h>

namespace davit::native {

bool ProcessHandle::ended() const {
    if (exit()) return true;
    return !launcher || has_ended(launcher.get());
}

bool ProcessHandle::ends_soon() const {
    constexpr int kDying = 10'000;  // ms for the kernel to end a process that has lost its files
    if (ended()) return true;
    if (sdk::connect_control(directory.get())) return false;
    pollfd ending{launcher.get(), POLLIN, 0};
    return ::poll(&ending, 1, kDying) > 0;
}

Result<sdk::Answer> ProcessHandle::ask(const sdk::ControlRequest& request,
                                       const char* doing) const {
    auto connection = sdk::connect_control(directory.get());
    auto answer = connection ? sdk::ask(connection->get(), request)
                             : Result<sdk::Answer>(std::move(connection).error());
    if (!answer && answer.error().code == Code::unavailable)
        return fail(Code::conflict, doing, ": it has ended");
    return answer;
}

}  // namespace davit::native
