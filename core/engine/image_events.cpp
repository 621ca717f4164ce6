// SPDX-License-Identifier: Apache-2.0
#include "core/engine/image_events.hpp"

#include "core/image/image_filters.hpp"

namespace davit::engine {

void publish_image(Engine& engine, const std::string& action, const std::string& id,
                   const std::string& name, const std::string& image) {
    event::Event event{.type = "image", .action = action, .id = id, .attributes = {}};
    const auto described = image.empty()
                               ? Result<image::Candidate>(fail(Code::not_found, "none"))
                               : image::candidate(engine.images(), image::ImageRecord{.id = image});
    if (described) event.attributes = described->labels;
    event.attributes["name"] = name;
    engine.events().publish(std::move(event));
}

void publish_removed(Engine& engine, const image::Removed& removed) {
    for (std::size_t i = 0; i < removed.untagged.size(); ++i)
        publish_image(engine, "untag", removed.image, removed.image);
    for (const std::string& id : removed.deleted) publish_image(engine, "delete", id, id);
}

}  // namespace davit::engine
