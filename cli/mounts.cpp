// SPDX-License-Identifier: Apache-2.0
#include "cli/mounts.hpp"

#include "cli/files.hpp"
#include "cli/units.hpp"
#include "cli/view.hpp"

#include <charconv>

namespace davit::cli {
namespace {

namespace bj = boost::json;

Result<void> add_volume(std::string_view text, MountOptions& options) {
    if (text.empty() || text.starts_with(':') || text.ends_with(':'))
        return fail(Code::invalid, "expected [SOURCE:]TARGET[:OPTIONS]");
    if (text.find(':') == std::string_view::npos) {
        if (!text.starts_with('/'))
            return fail(Code::invalid, "the path in the container must be absolute");
        options.volumes[bj::string_view(text.data(), text.size())].emplace_object();
        return {};
    }
    const bool relative = text.starts_with("./") || text.starts_with("../") ||
                          text.starts_with(".:") || text.starts_with("..:");
    const auto colon = text.find(':');
    const auto source =
        relative ? absolute_path(text.substr(0, colon)) : std::string(text.substr(0, colon));
    options.binds.push_back(view::text(source + std::string(text.substr(colon))));
    return {};
}

Result<bool> truth_of(std::string_view value) {
    if (value.empty() || value == "true" || value == "1") return true;
    if (value == "false" || value == "0") return false;
    return fail(Code::invalid, "expected true or false, found '", value, "'");
}

bj::object& part(bj::object& mount, const char* name) {
    auto& value = mount[name];
    if (!value.is_object()) value.emplace_object();
    return value.get_object();
}

// key=value of something that is a map: volume-label=a=b.
void add_pair(bj::object& target, std::string_view value) {
    const auto equals = value.find('=');
    const auto key = value.substr(0, equals);
    target[bj::string_view(key.data(), key.size())] =
        view::text(equals == std::string_view::npos ? "" : value.substr(equals + 1));
}

Result<void> set_bind_recursive(bj::object& mount, std::string_view value) {
    auto& options = part(mount, "BindOptions");
    if (value == "disabled")
        options["NonRecursive"] = true;
    else if (value == "writable")
        options["ReadOnlyNonRecursive"] = true;
    else if (value == "readonly")
        options["ReadOnlyForceRecursive"] = true;
    else if (value != "enabled")
        return fail(Code::invalid,
                    "bind-recursive must be enabled, disabled, writable or readonly");
    return {};
}

Result<void> set_tmpfs_mode(bj::object& mount, std::string_view value) {
    std::int64_t mode = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), mode, 8);
    if (error != std::errc() || end != value.data() + value.size())
        return fail(Code::invalid, "tmpfs-mode must be octal");
    part(mount, "TmpfsOptions")["Mode"] = mode;
    return {};
}

Result<void> set_field(bj::object& mount, const std::string& key, const std::string& value) {
    if (key == "type")
        mount["Type"] = value;
    else if (key == "source" || key == "src")
        mount["Source"] = value;
    else if (key == "target" || key == "dst" || key == "destination")
        mount["Target"] = value;
    else if (key == "readonly" || key == "ro")
        mount["ReadOnly"] = TRY(truth_of(value));
    else if (key == "consistency")
        mount["Consistency"] = value;
    else if (key == "bind-propagation")
        part(mount, "BindOptions")["Propagation"] = value;
    else if (key == "bind-nonrecursive")
        part(mount, "BindOptions")["NonRecursive"] = TRY(truth_of(value));
    else if (key == "bind-create-src")
        part(mount, "BindOptions")["CreateMountpoint"] = TRY(truth_of(value));
    else if (key == "bind-recursive")
        TRY(set_bind_recursive(mount, value));
    else if (key == "volume-nocopy")
        part(mount, "VolumeOptions")["NoCopy"] = TRY(truth_of(value));
    else if (key == "volume-subpath")
        part(mount, "VolumeOptions")["Subpath"] = value;
    else if (key == "volume-label")
        add_pair(part(part(mount, "VolumeOptions"), "Labels"), value);
    else if (key == "volume-driver")
        part(part(mount, "VolumeOptions"), "DriverConfig")["Name"] = value;
    else if (key == "volume-opt")
        add_pair(part(part(part(mount, "VolumeOptions"), "DriverConfig"), "Options"), value);
    else if (key == "image-subpath")
        part(mount, "ImageOptions")["Subpath"] = value;
    else if (key == "tmpfs-size")
        part(mount, "TmpfsOptions")["SizeBytes"] = TRY(parse_bytes(value));
    else if (key == "tmpfs-mode")
        TRY(set_tmpfs_mode(mount, value));
    else
        return fail(Code::invalid, "unexpected key '", key, "'");
    return {};
}

Result<void> add_mount(std::string_view text, MountOptions& options) {
    bj::object mount{{"Type", "volume"}};
    for (const auto& [key, value] : TRY(parse_fields(text))) {
        const bool may_be_bare = key == "readonly" || key == "ro" || key == "volume-nocopy" ||
                                 key == "bind-nonrecursive" || key == "bind-create-src";
        if (value.empty() && !may_be_bare)
            return fail(Code::invalid, "invalid field '", key, "': expected key=value");
        TRY(set_field(mount, key, value));
    }
    const auto type = view::string(mount, "Type");
    if (view::string(mount, "Target").empty()) return fail(Code::invalid, "target is required");
    if (type == "bind") {
        const auto source = view::string(mount, "Source");
        if (source.empty()) return fail(Code::invalid, "source is required for a bind mount");
        if (!source.starts_with('/')) mount["Source"] = view::text(absolute_path(source));
    }
    const auto belongs = [&](const char* name, std::string_view to) -> Result<void> {
        if (!mount.contains(name) || type == to) return {};
        return fail(Code::invalid, "cannot mix '", to, "-*' options with mount type '", type, "'");
    };
    TRY(belongs("BindOptions", "bind"));
    TRY(belongs("VolumeOptions", "volume"));
    TRY(belongs("ImageOptions", "image"));
    TRY(belongs("TmpfsOptions", "tmpfs"));
    options.mounts.push_back(std::move(mount));
    return {};
}

}  // namespace

Result<std::vector<std::pair<std::string, std::string>>> parse_fields(std::string_view text) {
    std::vector<std::pair<std::string, std::string>> fields;
    std::string field;
    bool quoted = false;
    const auto end_field = [&] {
        const auto equals = field.find('=');
        fields.emplace_back(field.substr(0, equals),
                            equals == std::string::npos ? "" : field.substr(equals + 1));
        field.clear();
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '"' && quoted && text.substr(i, 2) == "\"\"")
            field += text[++i];
        else if (c == '"' && (quoted || field.empty()))
            quoted = !quoted;
        else if (c == ',' && !quoted)
            end_field();
        else
            field += c;
    }
    if (quoted) return fail(Code::invalid, "a quote is not closed");
    end_field();
    return fields;
}

Result<MountOptions> parse_mounts(const Strings& volumes, const Strings& mounts,
                                  const Strings& tmpfs) {
    MountOptions options;
    for (const auto& text : volumes)
        if (auto done = add_volume(text, options); !done)
            return std::move(done).error().context("volume ", text);
    for (const auto& text : mounts)
        if (auto done = add_mount(text, options); !done)
            return std::move(done).error().context("mount ", text);
    for (const auto& text : tmpfs) {
        const auto colon = text.find(':');
        options.tmpfs[text.substr(0, colon)] =
            colon == std::string::npos ? "" : text.substr(colon + 1);
    }
    return options;
}

}  // namespace davit::cli
