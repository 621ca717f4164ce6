// SPDX-License-Identifier: Apache-2.0
// A registry driver in memory that misbehaves as told: no real registry breaks a connection at a
// chosen byte. Pulls from a real one are tested too (registry_pull_test.cpp).
#pragma once

#include "core/plugin/registry.hpp"
#include "sdk/plugin/registry_driver.hpp"
#include "tests/support/image.hpp"

#include <functional>
#include <mutex>

namespace davit::test {

class UnrulyRegistry final : public sdk::RegistryDriver {
public:
    struct Tag {
        std::string media_type, content;
    };
    struct Shared {  // what a test sets and reads; outlives the driver
        std::mutex mutex;
        std::map<std::string, Tag> tags;           // "library/app:latest"
        std::map<std::string, std::string> blobs;  // by digest
        std::map<std::string, unsigned> fetches;   // by digest
        std::map<std::string, std::uint64_t>
            break_every;  // by digest: the connection breaks after so many bytes
        std::function<void(const std::string& digest)> before_fetch;
    };

    explicit UnrulyRegistry(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
    static plugin::Registry open(std::shared_ptr<Shared> shared);

    Result<void> resolve(const sdk::Call&, const davit_registry_resolve&) override;
    Result<void> fetch(const sdk::Call&, const davit_registry_fetch&,
                       davit_registry_fetched&) override;
    Result<davit_registry_pushed> push_blob(const sdk::Call&,
                                            const davit_registry_push_blob&) override;
    Result<void> push_manifest(const sdk::Call&, const davit_registry_push_manifest&) override;
    Result<void> tags(const sdk::Call&, const davit_registry_list&) override;
    Result<void> referrers(const sdk::Call&, const davit_registry_list&) override;
    Result<void> remove(const sdk::Call&, const davit_registry_list&) override;
    Result<void> login(const sdk::Call&, const davit_registry_login&) override;

private:
    std::shared_ptr<Shared> shared_;
};

}  // namespace davit::test
