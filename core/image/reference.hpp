// SPDX-License-Identifier: Apache-2.0
// The names that users give to images, read and completed exactly as Docker does (distribution's
// reference grammar): "nginx" is docker.io/library/nginx:latest. Values; thread-safe.
#pragma once

#include "sdk/base/digest.hpp"
#include "sdk/base/result.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace davit::image {

class Reference {
public:
    // "nginx", "localhost:5000/app:1", "quay.io/a/b@sha256:…". Without tag and digest there is
    // neither: see with_latest. Errors: invalid, in Docker's words ("invalid reference format").
    static Result<Reference> parse(std::string_view text);

    const std::string& host() const { return host_; }               // "docker.io"
    const std::string& path() const { return path_; }               // "library/nginx"
    std::string repository() const { return host_ + "/" + path_; }  // "docker.io/library/nginx"
    const std::optional<std::string>& tag() const { return tag_; }
    const std::optional<Digest>& digest() const { return digest_; }

    // With the tag "latest" where neither tag nor digest is given.
    Reference with_latest() const;
    // What a registry is asked for: the digest if there is one, else the tag.
    std::string wanted() const;
    std::string text() const;           // "docker.io/library/nginx:latest"
    std::string familiar() const;       // "nginx:latest": as people write it
    std::string familiar_name() const;  // "nginx"

private:
    std::string host_, path_;
    std::optional<std::string> tag_;
    std::optional<Digest> digest_;
};

// "docker.io/library/nginx" as people write it: "nginx".
std::string familiar_repository(std::string_view repository);

}  // namespace davit::image
