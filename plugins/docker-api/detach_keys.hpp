// SPDX-License-Identifier: Apache-2.0
// The key sequence by which a user of a terminal leaves a container running. One per attached
// terminal.
#pragma once

#include "sdk/base/result.hpp"

#include <string>
#include <string_view>

namespace davit::docker_api {

class DetachKeys {
public:
    // "ctrl-p,ctrl-q", "a", "DEL"; empty: docker's default, ctrl-p ctrl-q. Errors: INVALID.
    static Result<DetachKeys> parse(std::string_view keys);

    // Takes what the user typed and leaves in `input` what the container may see: keys that may
    // still become the sequence are held back. True once the sequence is complete.
    bool filter(std::string& input);

private:
    explicit DetachKeys(std::string keys) : keys_(std::move(keys)) {}
    std::string keys_;
    std::size_t matched_ = 0;  // keys held back
};

}  // namespace davit::docker_api
