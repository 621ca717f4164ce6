// SPDX-License-Identifier: Apache-2.0
// A registry instance as core sees it: the C table of davit/registry.h as a C++ object, once.
// Copyable (shares the instance); thread-safe.
#pragma once

#include "core/plugin/instance.hpp"
#include "davit/registry.h"
#include "sdk/base/result.hpp"
#include "sdk/plugin/caller.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace davit::plugin {

// Which repository, and the credentials that came with the request (JSON of X-Registry-Auth,
// decoded; may be empty).
struct Repository {
    std::string host, name, auth;
};

struct RemoteDescriptor {
    std::string media_type, digest, content;
    std::uint64_t bytes = 0;
};

class Registry {
public:
    static Result<Registry> of(std::shared_ptr<Instance> instance);

    Result<RemoteDescriptor> resolve(sdk::Caller& call, const Repository& repository,
                                     const std::string& reference,
                                     const std::vector<std::string>& accept) const;

    struct Fetch {
        std::string digest, media_type;
        std::uint64_t offset = 0;
        int sink = -1;  // borrowed
    };
    // Adds what was written to `written`, also when it fails: the place to go on from.
    Result<void> fetch(sdk::Caller& call, const Repository& repository, const Fetch& wanted,
                       std::uint64_t& written) const;
    // True when the registry had the blob already. Reads `source` to its end otherwise.
    struct Push {
        std::string digest, mount_from;
        std::uint64_t bytes = 0;
        int source = -1;  // borrowed
    };
    Result<bool> push_blob(sdk::Caller& call, const Repository& repository, const Push& blob) const;
    struct Manifest {
        std::string reference, media_type, content;
    };
    Result<void> push_manifest(sdk::Caller& call, const Repository& repository,
                               const Manifest& manifest) const;
    Result<std::vector<std::string>> tags(sdk::Caller& call, const Repository& repository) const;
    // The identity token to keep instead of the password; empty: keep the password.
    Result<std::string> login(sdk::Caller& call, const Repository& repository) const;

private:
    Registry(std::shared_ptr<Instance> instance, const davit_registry* table)
        : instance_(std::move(instance)), table_(table) {}
    std::shared_ptr<Instance> instance_;
    const davit_registry* table_;
};

}  // namespace davit::plugin
