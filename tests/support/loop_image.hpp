// SPDX-License-Identifier: Apache-2.0
// A file system of its own for a test: an image file behind a loop device, seen by this process
// alone. Needs root, and mkfs of that type.
#pragma once

#include "sdk/base/result.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace davit::tests {

struct LoopImage {
    std::string type;  // "btrfs", "ext4"
    std::uint64_t bytes;
    std::vector<std::string> mkfs_options = {};
    std::string mount_options = {};
};

// Makes it and mounts it on the directory `path`, in a mount namespace that the process enters for
// good at the first call. Image and loop device are gone with the mount, and so with the process.
// Call it before there are other threads.
Result<void> mount_image(const LoopImage& image, const std::string& path);

// A new directory with a new file system on it; both go with the object.
class ImageDirectory {
public:
    static Result<ImageDirectory> make(const LoopImage& image);
    ImageDirectory(ImageDirectory&& other) noexcept : path_(std::exchange(other.path_, {})) {}
    ~ImageDirectory();
    const std::string& path() const { return path_; }

private:
    explicit ImageDirectory(std::string path) : path_(std::move(path)) {}
    std::string path_;
};

}  // namespace davit::tests
