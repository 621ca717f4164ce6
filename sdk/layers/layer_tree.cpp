// SPDX-License-Identifier: Apache-2.0
#include "sdk/layers/layer_tree.hpp"

#include "sdk/base/file.hpp"
#include "sdk/base/undo.hpp"
#include "sdk/plugin/storage_layer.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <cstdio>
#include <set>

namespace davit::layers {
namespace {

constexpr char kVersion[] = "1";
constexpr std::size_t kVersionLimit = 16;  // bytes: a number and no more

Result<void> make_link(int root, const std::string& target, const std::string& path) {
    if (::symlinkat(target.c_str(), root, path.c_str()) != 0)
        return os_error("record parent in " + path);
    return {};
}

// The target, or empty when there is no such link.
Result<std::string> link_target(int root, const std::string& path) {
    Result<std::string> target = read_link(root, path);
    if (!target && target.error().os_errno == ENOENT) return std::string();
    return target;
}

}  // namespace

LayerTree::LayerTree(Fd root, std::unique_ptr<const Files> files, Warn warn)
    : root_(std::move(root)),
      files_(std::move(files)),
      trash_(root_.get(), *files_, std::move(warn)) {}

std::string LayerTree::path_of(State state, const std::string& key) {
    return (state == State::committed ? "committed/" : "prepared/") + key;
}

// --- open
// ------------------------------------------------------------------------------------------

Result<std::unique_ptr<LayerTree>> LayerTree::open(Fd root, std::unique_ptr<const Files> files,
                                                   Warn warn) {
    std::unique_ptr<LayerTree> tree(
        new LayerTree(std::move(root), std::move(files), std::move(warn)));
    TRY(tree->make_directories());
    TRY(tree->load());
    TRY(tree->collect_leftovers());
    return tree;
}

Result<void> LayerTree::make_directories() {
    Result<std::string> version = read_file(root(), "version", kVersionLimit);
    if (version && *version != kVersion)
        return fail(Code::unsupported, "open layers: state version ", *version,
                    " is not known here");
    if (!version && version.error().code != Code::not_found) return version.error();
    for (const char* name : {"staging", "prepared", "committed", "trash"})
        TRY(make_directory(root(), name));
    if (version) return {};
    return atomic_write(root(), "version", kVersion, 0600, Sync::yes);
}

Result<void> LayerTree::load() {
    TRY(load_state(State::committed));
    TRY(load_state(State::prepared));
    for (const auto& [key, layer] : index_) {
        const auto parent = index_.find(layer.parent);
        if (parent != index_.end()) ++parent->second.children;
    }
    return {};
}

Result<void> LayerTree::load_state(State state) {
    const std::string folder = state == State::committed ? "committed" : "prepared";
    const Fd directory = TRY(open_beneath(root(), folder, O_RDONLY | O_DIRECTORY));
    for (std::string& key : TRY(list_names(directory.get()))) {
        Layer layer{.state = state, .parent = {}, .maybe_volatile = true};
        // `onto` in a prepared layer is a commit that never came to its rename.
        if (state == State::committed)
            layer.parent = TRY(link_target(directory.get(), key + "/onto"));
        if (layer.parent.empty()) layer.parent = TRY(link_target(directory.get(), key + "/parent"));
        index_.emplace(std::move(key), std::move(layer));
    }
    return {};
}

Result<void> LayerTree::collect_leftovers() {
    const std::size_t in_trash = TRY(trash_.open());
    if (in_trash > 0)
        leftovers_.push_back(std::to_string(in_trash) + " removed layers not deleted yet");
    const Fd staging = TRY(open_beneath(root(), "staging", O_RDONLY | O_DIRECTORY));
    for (const std::string& name : TRY(list_names(staging.get()))) {
        TRY(trash_.take("staging/" + name));
        leftovers_.push_back("a layer that was being made: staging/" + name);
    }
    return {};
}

// --- add
// -------------------------------------------------------------------------------------------

Result<bool> LayerTree::add(const std::string& key, const std::string& parent,
                            const Limits& limits) {
    TRY(sdk::require_storage_key(key));
    {
        const std::lock_guard lock(mutex_);
        if (TRY(already_there(key, parent))) return true;
    }
    const std::string staged = TRY(stage(parent, limits));
    Undo forget([&] { (void)trash_.take(staged); });

    const std::lock_guard lock(mutex_);
    if (TRY(already_there(key, parent))) return true;
    if (::renameat(root(), staged.c_str(), root(), path_of(State::prepared, key).c_str()) != 0)
        return os_error("put layer in place");
    forget.keep();
    if (!parent.empty()) ++index_.find(parent)->second.children;
    index_.emplace(key, Layer{.state = State::prepared, .parent = parent});
    return false;
}

Result<bool> LayerTree::already_there(const std::string& key, const std::string& parent) const {
    if (const auto found = index_.find(key); found != index_.end()) {
        const Layer& layer = found->second;
        if (layer.state == State::prepared && layer.parent == parent) return true;
        return fail(Code::exists,
                    layer.state == State::committed ? "it is committed" : "it has another parent");
    }
    if (parent.empty()) return false;
    const auto below = index_.find(parent);
    if (below == index_.end() || below->second.state != State::committed)
        return fail(Code::not_found, "find parent ", parent, ": no such committed layer");
    return false;
}

// Makes the whole layer where nobody looks. Its path, relative to the root.
Result<std::string> LayerTree::stage(const std::string& parent, const Limits& limits) {
    std::string staged;
    {
        const std::lock_guard lock(mutex_);
        staged = "staging/" + std::to_string(next_staging_++);
    }
    TRY(make_directory(root(), staged));
    Undo forget([&] { (void)trash_.take(staged); });
    TRY(files_->make(
        {root(), staged, parent.empty() ? "" : path_of(State::committed, parent), limits}));
    if (!parent.empty()) TRY(make_link(root(), parent, staged + "/parent"));
    forget.keep();
    return staged;
}

// --- commit and remove
// -----------------------------------------------------------------------------

Result<bool> LayerTree::commit(const std::string& key, const std::string& name,
                               const std::string& onto) {
    TRY(sdk::require_storage_key(name));
    const std::lock_guard lock(mutex_);
    const auto target = index_.find(name);
    if (target != index_.end() && target->second.state == State::committed)
        return finish_commit_of_existing(key);
    const auto source = index_.find(key);
    if (source == index_.end()) return fail(Code::not_found, "no such layer");
    if (source->second.state == State::committed)
        return fail(Code::not_found, "it is committed, not prepared");
    if (target != index_.end() && target != source)
        return fail(Code::exists, name, " is a prepared layer");
    Layer layer = source->second;
    if (!onto.empty()) {
        if (!layer.parent.empty())
            return fail(Code::invalid, "it was prepared over a parent, no other can be named");
        const auto below = index_.find(onto);
        if (below == index_.end() || below->second.state != State::committed)
            return fail(Code::not_found, "find parent ", onto, ": no such committed layer");
    }

    const std::string from = path_of(State::prepared, key);
    TRY(trash_.take(from + "/work"));
    if (::unlinkat(root(), (from + "/onto").c_str(), 0) != 0 && errno != ENOENT)
        return os_error("remove earlier parent");
    if (!onto.empty()) TRY(make_link(root(), onto, from + "/onto"));
    TRY(files_->seal(root(), from));
    if (::renameat(root(), from.c_str(), root(), path_of(State::committed, name).c_str()) != 0)
        return os_error("put layer in place");

    layer.state = State::committed;
    if (!onto.empty()) {
        layer.parent = onto;
        ++index_.find(onto)->second.children;
    }
    index_.erase(source);
    index_.emplace(name, std::move(layer));
    return false;
}

Result<bool> LayerTree::finish_commit_of_existing(const std::string& key) {
    const auto source = index_.find(key);
    if (source != index_.end() && source->second.state == State::prepared) TRY(throw_away(source));
    return true;
}

Result<void> LayerTree::remove(const std::string& key) {
    const std::lock_guard lock(mutex_);
    const auto found = index_.find(key);
    if (found == index_.end()) return {};
    if (found->second.children > 0)
        return fail(Code::busy, std::to_string(found->second.children), " other layers lie on it");
    return throw_away(found);
}

Result<void> LayerTree::throw_away(Index::iterator found) {
    TRY(trash_.take(path_of(found->second.state, found->first)));
    unlink_from_parent(found->second);
    index_.erase(found);
    return {};
}

void LayerTree::unlink_from_parent(const Layer& layer) {
    const auto parent = index_.find(layer.parent);
    if (parent != index_.end()) --parent->second.children;
}

// --- reading
// ---------------------------------------------------------------------------------------

Result<Layer> LayerTree::find(const std::string& key) const {
    const std::lock_guard lock(mutex_);
    const auto found = index_.find(key);
    if (found == index_.end()) return fail(Code::not_found, "no such layer");
    return found->second;
}

std::vector<NamedLayer> LayerTree::list() const {
    const std::lock_guard lock(mutex_);
    std::vector<NamedLayer> layers;
    layers.reserve(index_.size());
    for (const auto& [key, layer] : index_) layers.push_back({key, layer});
    return layers;
}

Result<std::vector<NamedLayer>> LayerTree::chain(const std::string& key) const {
    const std::lock_guard lock(mutex_);
    std::vector<NamedLayer> chain;
    for (std::string next = key; !next.empty(); next = chain.back().layer.parent) {
        const auto found = index_.find(next);
        if (found == index_.end() && chain.empty()) return fail(Code::not_found, "no such layer");
        if (found == index_.end()) return fail(Code::corrupt, "parent ", next, " is missing");
        if (chain.size() > index_.size()) return fail(Code::corrupt, "its parents form a circle");
        chain.push_back({next, found->second});
    }
    return chain;
}

void LayerTree::set_volatile(const std::string& key, bool was_volatile) {
    const std::lock_guard lock(mutex_);
    if (const auto found = index_.find(key); found != index_.end())
        found->second.maybe_volatile = was_volatile;
}

// --- retain and check
// ------------------------------------------------------------------------------

Result<void> LayerTree::retain(const std::vector<std::string_view>& keys, const StopFlag& stop,
                               const std::function<Result<void>(const Finding&)>& report) {
    const std::set<std::string_view> wanted(keys.begin(), keys.end());
    std::unique_lock lock(mutex_);
    for (bool removed_any = true; removed_any;) {
        removed_any = false;
        for (auto layer = index_.begin(); layer != index_.end();) {
            const auto current = layer++;
            if (current->second.children > 0 || wanted.contains(current->first)) continue;
            const Finding gone{current->first, "not in use, removed", true};
            TRY(throw_away(current));
            TRY(report(gone));
            removed_any = true;
        }
    }
    for (const auto& [key, layer] : index_)
        if (!wanted.contains(key))
            TRY(report({key, "not in the list, but a layer of the list lies on it", false}));
    const std::vector<std::string> leftovers = std::exchange(leftovers_, {});
    lock.unlock();
    TRY(trash_.drain(stop));
    for (const std::string& leftover : leftovers) TRY(report({"", leftover, true}));
    return {};
}

Result<std::vector<Finding>> LayerTree::check(const std::string& key, bool repair) {
    const std::lock_guard lock(mutex_);
    if (!key.empty() && !index_.contains(key)) return fail(Code::not_found, "no such layer");
    std::vector<Finding> findings;
    for (auto layer = index_.begin(); layer != index_.end();) {
        const auto current = layer++;
        if (!key.empty() && current->first != key) continue;
        std::vector<Finding> damage = damage_of(current->first, current->second);
        if (damage.empty()) continue;
        if (repair && current->second.state == State::prepared) {
            TRY(throw_away(current));
            for (Finding& finding : damage) finding.repaired = true;
        }
        std::move(damage.begin(), damage.end(), std::back_inserter(findings));
    }
    return findings;
}

std::vector<Finding> LayerTree::damage_of(const std::string& key, const Layer& layer) const {
    std::vector<Finding> findings;
    const std::string damage = files_->damage(root(), path_of(layer.state, key), layer.state);
    if (!damage.empty()) findings.push_back({key, damage});
    if (layer.parent.empty()) return findings;
    const auto parent = index_.find(layer.parent);
    if (parent == index_.end())
        findings.push_back({key, "its parent " + layer.parent + " is missing"});
    else if (parent->second.state != State::committed)
        findings.push_back({key, "its parent " + layer.parent + " is not committed"});
    return findings;
}

}  // namespace davit::layers
