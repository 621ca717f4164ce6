// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/instance.hpp"

#include "sdk/plugin/caller.hpp"

#include <cstring>

namespace davit::plugin {

Instance::~Instance() {
    sdk::Caller caller;
    caller.begin(nullptr);
    raw_->close(raw_, caller.raw());
}

const void* Instance::lookup(const char* id) const {
    return raw_->get(raw_, davit_str{id, std::strlen(id)});
}

}  // namespace davit::plugin
