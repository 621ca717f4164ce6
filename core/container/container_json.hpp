// SPDX-License-Identifier: Apache-2.0
// Containers as the Engine API shows them (version 1.51). Works on snapshots: no container lock is
// taken.
#pragma once

#include "core/container/containers.hpp"

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace davit::container {

// What inspect shows besides the container itself.
struct InspectContext {
    std::string directory;  // <data-root>/containers/<id>
    std::string storage_driver;
    std::string volumes;  // <data-root>/volumes
    std::vector<std::string> exec_ids;
};

boost::json::object inspect_json(const Container& container, const InspectContext& context);
// One entry of the list. `image`: what to show for the image: its reference, or its id when that
// names another one now. `volumes`: <data-root>/volumes.
boost::json::object summary_json(const Container& container, const std::string& image,
                                 const std::string& volumes);

// "Up 3 minutes", "Exited (0) 2 hours ago", "Created".
std::string status_text(const State& state, std::int64_t now_ns);

// The `filters` of a list: {"name":["web"]} or {"name":{"web":true}}.
class Filters {
public:
    // Errors: invalid for broken JSON or an unknown filter, in docker's words.
    static Result<Filters> parse(const std::string& text);
    bool match(const Container& container, const State& state) const;
    bool has(const std::string& key) const { return wanted_.contains(key); }
    const std::vector<std::string>& values(const std::string& key) const;

private:
    std::map<std::string, std::vector<std::string>> wanted_;
};

}  // namespace davit::container
