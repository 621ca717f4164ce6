// SPDX-License-Identifier: Apache-2.0
// What the registry cases share: an opened instance, and calls that read as words. Private to the
// suite.
#pragma once

#include "davit/registry.h"
#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"
#include "sdk/contract/registry_contract.hpp"
#include "sdk/plugin/caller.hpp"

#include <memory>
#include <string>
#include <vector>

namespace davit::sdk::contract {

struct Document {
    std::string media_type, digest, content;
    std::uint64_t bytes = 0;
};

struct Fetched {
    Result<void> status;
    std::uint64_t bytes = 0;  // as the driver counts
};

struct Range {
    std::uint64_t offset = 0, length = 0;
};

// An opened instance and one repository. Its calls may come from several threads.
class RegistryBench {
public:
    // `host` (borrowed for the bench's life; null: one that lends nothing) is what the driver sees
    // of its engine.
    static Result<std::unique_ptr<RegistryBench>> open(const RegistrySubject& subject,
                                                       std::string registry,
                                                       const davit_host* host = nullptr);
    RegistryBench(const RegistryBench&) = delete;
    RegistryBench& operator=(const RegistryBench&) = delete;
    ~RegistryBench();

    const davit_registry& table() const { return *table_; }
    davit_instance* instance() const { return instance_; }
    std::string repository;  // a name of its own for each case
    std::string auth;        // JSON as in X-Registry-Auth; empty: what the host keeps

    Result<Document> resolve(const std::string& reference) const;
    Fetched fetch(const std::string& digest, int sink, Range range = {},
                  std::shared_ptr<const Cancel> cancel = nullptr,
                  const std::string& media_type = "") const;
    // The blob in a temporary file of its own.
    Result<std::string> fetch_text(const std::string& digest, Range range = {}) const;
    // True: it was there already.
    Result<bool> push(const std::string& content, const std::string& digest,
                      const std::string& mount_from = "") const;
    // Asks without sending anything; true: it is there, or was mounted.
    Result<bool> ask_for(const std::string& digest, std::uint64_t bytes,
                         const std::string& mount_from = "") const;
    Result<void> push_manifest(const std::string& reference, const std::string& media_type,
                               const std::string& content) const;
    Result<std::vector<std::string>> tags() const;
    Result<std::vector<Document>> referrers(const std::string& digest) const;
    Result<void> remove(const std::string& digest) const;
    Result<std::string> login() const;

    // A config blob and a manifest that names it, pushed under `tag`.
    Result<Document> push_image(const std::string& tag, const std::string& config) const;

private:
    RegistryBench() = default;
    davit_repository where() const;
    std::string registry_, config_, name_ = "contract", scope_ = "c0ffee00";
    std::unique_ptr<davit_host> host_;
    davit_instance* instance_ = nullptr;
    const davit_registry* table_ = nullptr;
};

struct RegistryCase {
    const char* name;
    void (*body)(RegistryBench& bench);
};
std::vector<RegistryCase> registry_cases();

}  // namespace davit::sdk::contract
