// SPDX-License-Identifier: Apache-2.0
#include "core/image/image_history.hpp"

#include "core/image/timestamp.hpp"
#include "sdk/base/json.hpp"

#include <algorithm>
#include <boost/json.hpp>

namespace davit::image {

using boost::json::array;
using boost::json::object;
using boost::json::value;

namespace {

constexpr std::int64_t kSecond = 1000000000;
constexpr std::string_view kMissing = "<missing>";  // docker's word for a step that is no image

std::string text_of(const object& from, std::string_view name) {
    return json::get_string(from, name, "").value_or("");
}

object step_of(const object& from, std::int64_t bytes) {
    return {{"Id", kMissing},
            {"Created", parse_time(text_of(from, "created")).value_or(0) / kSecond},
            {"CreatedBy", text_of(from, "created_by")},
            {"Tags", nullptr},
            {"Size", bytes},
            {"Comment", text_of(from, "comment")}};
}

// Oldest first. A configuration whose steps do not match its layers shows the layers alone.
array steps_of(const object& config, const std::vector<std::int64_t>& sizes) {
    array steps;
    const auto listed = json::get_array(config, "history");
    std::size_t layer = 0;
    if (listed && *listed != nullptr)
        for (const value& entry : **listed) {
            const object step = entry.is_object() ? entry.get_object() : object();
            const bool empty = json::get_bool(step, "empty_layer", false).value_or(false);
            const std::int64_t bytes = !empty && layer < sizes.size() ? sizes[layer] : 0;
            layer += empty ? 0 : 1;
            steps.push_back(step_of(step, bytes));
        }
    for (; layer < sizes.size(); ++layer) steps.push_back(step_of({}, sizes[layer]));
    return steps;
}

}  // namespace

Result<array> history(ImageStore& store, const std::string& id) {
    const object config =
        TRY(json::parse_object(TRY(store.config(id)), "image config", {.bytes = kConfigMax}));
    array steps = steps_of(config, TRY(store.layer_sizes(id)));
    std::reverse(steps.begin(), steps.end());
    // The newest steps are the image and the images that it was built on here.
    std::string shown = id;
    for (value& step : steps) {
        if (shown.empty()) break;
        const auto record = store.get(shown);
        if (!record) break;  // the parent was removed
        step.get_object()["Id"] = shown;
        if (!record->tags.empty())
            step.get_object()["Tags"] = array(record->tags.begin(), record->tags.end());
        shown = record->parent;
    }
    return steps;
}

}  // namespace davit::image
