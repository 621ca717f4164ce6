// SPDX-License-Identifier: Apache-2.0
// The volumes of a container that is being created: what it made is taken back unless the container
// comes into being. One thread. Used by create.cpp only.
#pragma once

#include "core/archive/archiver.hpp"
#include "core/container/containers.hpp"
#include "core/volume/local_options.hpp"
#include "core/volume/volumes.hpp"

#include <memory>
#include <string>
#include <vector>

namespace davit::container {

class VolumeUse {
public:
    VolumeUse(volume::Volumes& volumes, const archive::Archiver& archiver, std::string container)
        : volumes_(volumes), archiver_(archiver), container_(std::move(container)) {}
    VolumeUse(const VolumeUse&) = delete;
    ~VolumeUse();

    // What a create body asks for, other containers' volumes and the image's own included. Errors:
    // invalid for a bind without a source; not_found for a container.
    static Result<void> gather(const Containers& containers, const Mounts& asked,
                               std::vector<Mount>& mounts);
    // Finds or makes the volumes, and names the anonymous ones.
    Result<void> make(std::vector<Mount>& mounts);
    // What the image has at their places goes into those that are empty.
    struct Layer {
        const plugin::Storage& storage;
        std::string key;  // of the image's top layer; empty: it has no files
    };
    Result<void> fill(const std::vector<Mount>& mounts, const Layer& layer,
                      const std::shared_ptr<Cancel>& cancel);
    // The container is there.
    Result<void> keep();

private:
    Result<bool> wants_content(const Mount& mount) const;

    volume::Volumes& volumes_;
    const archive::Archiver& archiver_;
    std::string container_;
    std::vector<volume::Volumes::Pin> pins_;
    std::vector<std::string> made_;
};

}  // namespace davit::container
