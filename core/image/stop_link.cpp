// SPDX-License-Identifier: Apache-2.0
#include "core/image/stop_link.hpp"

#include <poll.h>

namespace davit::image {

Result<std::unique_ptr<StopLink>> StopLink::create(std::shared_ptr<const Cancel> outer) {
    auto link = std::unique_ptr<StopLink>(new StopLink);
    link->inner_ = TRY(Cancel::create());
    link->over_ = TRY(Cancel::create());
    if (outer)
        link->thread_ = std::thread([outer, inner = link->inner_, over = link->over_] {
            pollfd waits[] = {{outer->fd(), POLLIN, 0}, {over->fd(), POLLIN, 0}};
            while (::poll(waits, 2, -1) < 0) {
            }
            if (waits[0].revents != 0) inner->request();
        });
    return link;
}

StopLink::~StopLink() {
    if (!thread_.joinable()) return;
    over_->request();
    thread_.join();
}

}  // namespace davit::image
