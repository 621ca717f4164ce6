// SPDX-License-Identifier: Apache-2.0
#include "core/container/mounts.hpp"

#include "sdk/base/json.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

namespace davit::container {

namespace {

namespace bj = boost::json;

Error invalid(std::string_view what) { return fail(Code::invalid, "create container: ", what); }

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    std::size_t begin = 0;
    while (true) {
        const std::size_t end = text.find(separator, begin);
        parts.emplace_back(text.substr(begin, end - begin));
        if (end == std::string_view::npos) return parts;
        begin = end + 1;
    }
}

bool is_propagation(std::string_view word) {
    static constexpr std::string_view kWords[] = {"private", "rprivate", "shared",
                                                  "rshared", "slave",    "rslave"};
    return std::find(std::begin(kWords), std::end(kWords), word) != std::end(kWords);
}

// SELinux labels and consistency mean nothing here (seams rule 9).
bool is_meaningless(std::string_view word) {
    static constexpr std::string_view kWords[] = {"",       "rw",         "z",        "Z",
                                                  "cached", "consistent", "delegated"};
    return std::find(std::begin(kWords), std::end(kWords), word) != std::end(kWords);
}

// The words behind the second colon of -v.
Result<void> read_mode(const std::string& mode, const std::string& whole, Mount& mount) {
    for (const std::string& word : split(mode, ',')) {
        if (word == "ro")
            mount.read_only = true;
        else if (word == "nocopy" && mount.kind == MountKind::volume)
            mount.copy = false;
        else if (is_propagation(word) && mount.kind == MountKind::bind)
            mount.propagation = word;
        else if (!is_meaningless(word))
            return invalid("invalid mode of '" + whole + "': " + word);
    }
    return {};
}

// "/host:/container[:mode]", "name:/container[:mode]" or "/container".
Result<Mount> read_bind(const std::string& bind) {
    const auto parts = split(bind, ':');
    const std::string context = "invalid volume specification: '" + bind + "'";
    if (parts.size() > 3 || parts[0].empty()) return invalid(context);
    Mount mount{.source = parts.size() == 1 ? "" : parts[0],
                .target = parts.size() == 1 ? parts[0] : parts[1],
                .create_source = true};
    mount.kind = mount.source.starts_with('/') ? MountKind::bind : MountKind::volume;
    mount.anonymous = mount.source.empty();
    if (parts.size() == 3) mount.mode = parts[2];
    TRY(read_mode(mount.mode, bind, mount).context(context));
    mount.target = TRY(clean_target(mount.target).context(context));
    if (mount.kind == MountKind::bind && mount.propagation.empty()) mount.propagation = "rprivate";
    if (mount.kind == MountKind::volume && mount.mode.empty()) mount.mode = "z";  // as docker
    return mount;
}

Result<void> read_bind_options(const bj::object& entry, Mount& mount) {
    mount.propagation = "rprivate";
    if (!mount.source.starts_with('/'))
        return invalid("invalid mount config for type \"bind\": invalid mount path: '" +
                       mount.source + "' mount path must be absolute");
    const auto* options = TRY(json::get_object(entry, "BindOptions"));
    if (options == nullptr) return {};
    const std::string propagation = TRY(json::get_string(*options, "Propagation", ""));
    if (!propagation.empty()) mount.propagation = propagation;
    if (!is_propagation(mount.propagation))
        return invalid("invalid propagation mode: " + mount.propagation);
    mount.recursive = !TRY(json::get_bool(*options, "NonRecursive", false));
    mount.create_source = TRY(json::get_bool(*options, "CreateMountpoint", false));
    const bool forced = TRY(json::get_bool(*options, "ReadOnlyForceRecursive", false));
    if (TRY(json::get_bool(*options, "ReadOnlyNonRecursive", false)))
        mount.read_only_below = ReadOnlyBelow::none;
    if (forced && (!mount.read_only || mount.read_only_below == ReadOnlyBelow::none ||
                   mount.propagation != "rprivate"))
        return invalid(
            "mount options conflict: ReadOnlyForceRecursive needs ReadOnly, "
            "Propagation \"rprivate\" and no ReadOnlyNonRecursive");
    return {};
}

Result<void> read_volume_options(const bj::object& entry, Mount& mount) {
    mount.mode = "z";
    mount.anonymous = mount.source.empty();
    if (mount.anonymous && mount.read_only)
        return invalid(
            "invalid mount config for type \"volume\": must not set ReadOnly mode when "
            "using anonymous volumes");
    const auto* options = TRY(json::get_object(entry, "VolumeOptions"));
    if (options == nullptr) return {};
    mount.copy = !TRY(json::get_bool(*options, "NoCopy", false));
    mount.subpath = TRY(json::get_string(*options, "Subpath", ""));
    const auto pairs = [](const bj::object& object,
                          std::string_view key) -> Result<std::map<std::string, std::string>> {
        std::map<std::string, std::string> map;
        if (const auto* found = TRY(json::get_object(object, key)))
            for (const auto& [name, value] : *found)
                if (value.is_string()) map.emplace(name, std::string(value.get_string()));
        return map;
    };
    mount.labels = TRY(pairs(*options, "Labels"));
    if (const auto* driver = TRY(json::get_object(*options, "DriverConfig"))) {
        mount.driver = TRY(json::get_string(*driver, "Name", ""));
        mount.driver_options = TRY(pairs(*driver, "Options"));
    }
    return {};
}

Result<void> read_tmpfs_options(const bj::object& entry, Mount& mount) {
    if (!mount.source.empty())
        return invalid(
            "invalid mount config for type \"tmpfs\": field Source must not be "
            "specified");
    if (const auto* options = TRY(json::get_object(entry, "TmpfsOptions"))) {
        if (const auto size = TRY(json::get_int(*options, "SizeBytes", 0)); size > 0)
            mount.options.push_back("size=" + std::to_string(size));
        if (const auto mode = TRY(json::get_int(*options, "Mode", 0)); mode > 0) {
            char octal[16] = {};
            std::to_chars(octal, octal + sizeof octal - 1, mode, 8);
            mount.options.push_back(std::string("mode=") + octal);
        }
        if (const auto* more = TRY(json::get_array(*options, "Options")); more && !more->empty())
            return fail(Code::unsupported,
                        "create container: HostConfig.Mounts: TmpfsOptions.Options is not "
                        "supported yet");
    }
    if (mount.read_only) mount.options.push_back("ro");
    return {};
}

// One of HostConfig.Mounts.
Result<Mount> read_mount(const bj::object& entry) {
    const std::string type = TRY(json::require_string(entry, "Type"));
    const std::string context = "invalid mount config for type \"" + type + "\"";
    Mount mount{.source = TRY(json::get_string(entry, "Source", "")),
                .target = TRY(json::get_string(entry, "Target", "")),
                .read_only = TRY(json::get_bool(entry, "ReadOnly", false))};
    if (mount.target.empty()) return invalid(context + ": field Target must not be empty");
    mount.target = TRY(clean_target(mount.target).context(context));
    const std::pair<const char*, const char*> parts[] = {
        {"BindOptions", "bind"}, {"VolumeOptions", "volume"}, {"TmpfsOptions", "tmpfs"}};
    for (const auto& [part, of] : parts)
        if (TRY(json::get_object(entry, part)) != nullptr && type != of)
            return invalid(context + ": field " + part + " must not be specified");
    if (type == "bind") {
        TRY(read_bind_options(entry, mount));
    } else if (type == "volume") {
        mount.kind = MountKind::volume;
        TRY(read_volume_options(entry, mount));
    } else if (type == "tmpfs") {
        mount.kind = MountKind::tmpfs;
        TRY(read_tmpfs_options(entry, mount));
    } else {
        return fail(Code::unsupported, "create container: HostConfig.Mounts: type \"", type,
                    "\" is not supported yet");
    }
    return mount;
}

Result<VolumesFrom> read_from(const std::string& text) {
    const auto parts = split(text, ':');
    const std::string mode = parts.size() > 1 ? parts[1] : "";
    if (parts[0].empty() || parts.size() > 2 || (mode != "ro" && !is_meaningless(mode)))
        return invalid("invalid VolumesFrom: '" + text + "'");
    return VolumesFrom{parts[0], mode == "ro"};
}

Result<void> read_tmpfs(const bj::object& host, std::vector<Mount>& list) {
    const auto* entries = TRY(json::get_object(host, "Tmpfs"));
    if (entries == nullptr) return {};
    for (const auto& [target, options] : *entries) {
        Mount mount{.kind = MountKind::tmpfs, .target = TRY(clean_target(target)), .shown = false};
        const std::string_view words =
            options.is_string() ? std::string_view(options.get_string()) : std::string_view();
        for (std::string& word : split(words, ','))
            if (!word.empty()) mount.options.push_back(std::move(word));
        list.push_back(std::move(mount));
    }
    return {};
}

Result<void> refuse_duplicates(const std::vector<Mount>& list) {
    std::set<std::string_view> targets;
    for (const Mount& mount : list)
        if (!targets.insert(mount.target).second)
            return fail(Code::invalid, "Duplicate mount point: ", mount.target);
    return {};
}

std::string_view kind_name(MountKind kind) {
    switch (kind) {
        case MountKind::bind: return "bind";
        case MountKind::volume: return "volume";
        case MountKind::tmpfs: return "tmpfs";
    }
    return "bind";
}

}  // namespace

Result<std::string> clean_target(const std::string& target) {
    if (!target.starts_with('/'))
        return fail(Code::invalid, "invalid mount path: '", target,
                    "' mount path must be absolute");
    std::vector<std::string> kept;
    for (std::string& part : split(target, '/')) {
        if (part == ".." && !kept.empty()) kept.pop_back();
        if (!part.empty() && part != "." && part != "..") kept.push_back(std::move(part));
    }
    std::string clean;
    for (const std::string& part : kept) clean += "/" + part;
    if (clean.empty())
        return fail(Code::invalid, "invalid specification: destination can't be '/'");
    return clean;
}

Result<Mounts> read_mounts(const bj::object& config, const bj::object& host) {
    Mounts mounts;
    for (const std::string& bind : TRY(json::get_strings(host, "Binds")))
        mounts.list.push_back(TRY(read_bind(bind)));
    TRY(read_tmpfs(host, mounts.list));
    if (const auto* entries = TRY(json::get_array(host, "Mounts")))
        for (const bj::value& entry : *entries) {
            if (!entry.is_object()) return invalid("HostConfig.Mounts: expected objects");
            mounts.list.push_back(TRY(read_mount(entry.get_object())));
        }
    TRY(refuse_duplicates(mounts.list));
    for (const std::string& from : TRY(json::get_strings(host, "VolumesFrom")))
        mounts.from.push_back(TRY(read_from(from)));
    if (const auto* places = TRY(json::get_object(config, "Volumes")))
        for (const auto& place : *places) mounts.places.push_back(TRY(clean_target(place.key())));
    return mounts;
}

bj::array stored_mounts(const std::vector<Mount>& mounts) {
    bj::array stored;
    for (const Mount& mount : mounts)
        stored.push_back(
            bj::object{{"kind", kind_name(mount.kind)},
                       {"source", mount.source},
                       {"target", mount.target},
                       {"read_only", mount.read_only},
                       {"mode", mount.mode},
                       {"propagation", mount.propagation},
                       {"recursive", mount.recursive},
                       {"writable_below", mount.read_only_below == ReadOnlyBelow::none},
                       {"create_source", mount.create_source},
                       {"subpath", mount.subpath},
                       {"anonymous", mount.anonymous},
                       {"options", bj::array(mount.options.begin(), mount.options.end())},
                       {"shown", mount.shown}});
    return stored;
}

Result<std::vector<Mount>> read_stored_mounts(const bj::array& stored) {
    std::vector<Mount> mounts;
    for (const bj::value& value : stored) {
        if (!value.is_object()) return fail(Code::corrupt, "read stored mount: it is no object");
        const bj::object& object = value.get_object();
        const std::string kind = TRY(json::require_string(object, "kind"));
        mounts.push_back({.kind = kind == "volume"  ? MountKind::volume
                                  : kind == "tmpfs" ? MountKind::tmpfs
                                                    : MountKind::bind,
                          .source = TRY(json::require_string(object, "source")),
                          .target = TRY(json::require_string(object, "target")),
                          .read_only = TRY(json::get_bool(object, "read_only", false)),
                          .mode = TRY(json::get_string(object, "mode", "")),
                          .propagation = TRY(json::get_string(object, "propagation", "")),
                          .recursive = TRY(json::get_bool(object, "recursive", true)),
                          .read_only_below = TRY(json::get_bool(object, "writable_below", false))
                                                 ? ReadOnlyBelow::none
                                                 : ReadOnlyBelow::all,
                          .create_source = TRY(json::get_bool(object, "create_source", false)),
                          .subpath = TRY(json::get_string(object, "subpath", "")),
                          .anonymous = TRY(json::get_bool(object, "anonymous", false)),
                          .options = TRY(json::get_strings(object, "options")),
                          .shown = TRY(json::get_bool(object, "shown", true))});
    }
    return mounts;
}

}  // namespace davit::container
