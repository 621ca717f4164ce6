// SPDX-License-Identifier: Apache-2.0
// Stops one piece of work with many parts: when the caller cancels, and when one of the parts
// fails. The caller's token is only watched. Used by pull, load and push.
#pragma once

#include "sdk/base/cancel.hpp"

#include <memory>
#include <thread>

namespace davit::image {

class StopLink {
public:
    // `outer` may be null.
    static Result<std::unique_ptr<StopLink>> create(std::shared_ptr<const Cancel> outer);
    ~StopLink();
    StopLink(const StopLink&) = delete;
    StopLink& operator=(const StopLink&) = delete;
    const std::shared_ptr<Cancel>& token() const { return inner_; }

private:
    StopLink() = default;
    std::shared_ptr<Cancel> inner_, over_;
    std::thread thread_;
};

}  // namespace davit::image
