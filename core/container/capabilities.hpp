// SPDX-License-Identifier: Apache-2.0
// Which capabilities a container's processes get, by docker's rules for --cap-add, --cap-drop and
// --privileged. No state; any thread.
#pragma once

#include <string>
#include <vector>

namespace davit::container {

// Whether --cap-add may name it: "chown", "CAP_CHOWN", "ALL", in any case.
bool is_capability(const std::string& name);

struct CapabilityChoice {
    const std::vector<std::string>& add;
    const std::vector<std::string>& drop;
    bool privileged = false;
};
// The names of capabilities(7), in the order of their numbers. ALL in `add` starts from everything,
// ALL in `drop` from nothing; single names then count. "Everything" is what this engine has itself.
std::vector<std::string> capabilities_for(const CapabilityChoice& choice);

}  // namespace davit::container
