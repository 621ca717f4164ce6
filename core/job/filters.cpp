// SPDX-License-Identifier: Apache-2.0
#include "core/job/filters.hpp"

#include "sdk/base/json.hpp"

#include <boost/json.hpp>

namespace davit::job {

Result<FilterValues> parse_filters(const std::string& text) {
    FilterValues filters;
    if (text.empty()) return filters;
    const boost::json::object object = TRY(json::parse_object(text, "filters"));
    for (const auto& [key, value] : object) {
        const std::string name(key);
        std::vector<std::string>& values = filters[name];
        if (value.is_object()) {
            for (const auto& entry : value.get_object()) values.emplace_back(entry.key());
        } else if (value.is_array()) {
            for (const boost::json::value& entry : value.get_array())
                if (entry.is_string()) values.emplace_back(entry.get_string());
        } else {
            return fail(Code::invalid, "invalid filter '", name, "': expected a list");
        }
    }
    return filters;
}

}  // namespace davit::job
