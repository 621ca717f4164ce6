// SPDX-License-Identifier: Apache-2.0
// Sends a blob: HEAD, else mount from another repository, else POST, PATCH, PUT. Used by OciDriver.
// One thread.
#pragma once

#include "drivers/registry/oci/session.hpp"
#include "sdk/base/result.hpp"

#include <cstdint>
#include <string>

namespace davit::oci {

struct Blob {
    std::string repository;
    std::string digest;
    std::uint64_t bytes = 0;
    int source_fd = -1;      // -1: there is nothing to send, the registry is only asked
    std::string mount_from;  // empty: nothing to mount
    std::string what;        // for errors: "push docker.io/a/b"
};

// True: the registry had it or mounted it, and nothing was read from the source.
// Errors: denied; no_space; unavailable; corrupt when the registry disagrees about the digest;
// not_found when it is only asked and has not got it.
Result<bool> push_blob(Session& session, const Blob& blob);

}  // namespace davit::oci
