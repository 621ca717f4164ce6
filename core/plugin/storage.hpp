// SPDX-License-Identifier: Apache-2.0
// A storage instance as core sees it: the C table of davit/storage.h as a C++ object, once.
// Copyable (shares the instance); thread-safe as far as the table's thread tags say.
#pragma once

#include "core/plugin/instance.hpp"
#include "davit/storage.h"
#include "sdk/base/cancel.hpp"
#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"
#include "sdk/plugin/caller.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace davit::plugin {

struct Prepared {
    bool existed = false;
    bool bare = false;  // the mount shows this layer alone and takes overlayfs's own whiteouts
};

struct StoredLayer {
    std::string key, parent;
    bool committed = false;
};

struct Finding {
    std::string object, text;
    bool repaired = false;
};

// 0: no limit. Anything else is enforced by the driver, or refused.
struct LayerLimits {
    std::uint64_t bytes = 0, files = 0;
};

struct Space {
    std::uint64_t bytes = 0, files = 0;
};

class Storage {
public:
    // `unsupported` when the instance does not speak davit.storage/1.
    static Result<Storage> of(std::shared_ptr<Instance> instance);
    const std::string& instance() const { return instance_->name(); }
    const std::string& driver() const { return instance_->driver(); }
    bool can_rebase() const { return rebase_; }  // layers may be unpacked side by side
    bool has_quota() const { return quota_; }

    Result<Prepared> prepare(sdk::Caller& call, const std::string& key, const std::string& parent,
                             LayerLimits limits = {}) const;
    // flags: DAVIT_STORAGE_READ_ONLY, DAVIT_STORAGE_VOLATILE. A detached mount; its last close may
    // block.
    Result<Fd> mount(sdk::Caller& call, const std::string& key, std::uint32_t flags,
                     const std::vector<davit_idmap>& idmaps = {}) const;
    Result<void> release(sdk::Caller& call, const std::string& key) const;
    // True when `name` was there already. `parent` only for a layer prepared without one, where
    // can_rebase().
    Result<bool> commit(sdk::Caller& call, const std::string& key, const std::string& name,
                        const std::string& parent = {}) const;
    Result<void> remove(sdk::Caller& call, const std::string& key) const;
    Result<StoredLayer> stat(sdk::Caller& call, const std::string& key) const;
    Result<std::vector<StoredLayer>> list(sdk::Caller& call) const;
    Result<Space> usage(sdk::Caller& call, const std::string& key) const;
    Result<void> sync(sdk::Caller& call) const;
    Result<std::vector<Finding>> retain(sdk::Caller& call,
                                        const std::vector<std::string>& keys) const;

private:
    Storage(std::shared_ptr<Instance> instance, const davit_storage* table);
    std::shared_ptr<Instance> instance_;
    const davit_storage* table_;
    bool rebase_, quota_;
};

}  // namespace davit::plugin
