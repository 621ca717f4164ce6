// SPDX-License-Identifier: Apache-2.0
// What differs between API versions, newest first: docker's published version history, as far as a
// client sees it. The engine speaks kCurrentVersion. Fields that a newer version only added stay in
// the answers: older clients pass over them.
#include "plugins/docker-api/version.hpp"
#include "plugins/docker-api/version_edits.hpp"
#include "sdk/base/json.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <span>

namespace davit::docker_api {

namespace {

namespace json = boost::json;
using namespace edits;

// Until `before`, what stands at `path` meant nothing, whatever a client sends there.
struct Ignored {
    Version before;
    std::string_view operation, path;
};

// For every client older than `before`.
struct Step {
    Version before;
    std::string_view operation;
    Result<void> (*apply)(json::value&);
};

constexpr Version kEvery{~0u, 0};

constexpr Ignored kIgnoredArgs[] = {
    {{1, 50}, "image.remove", "platforms"},    {{1, 49}, "image.inspect", "platform"},
    {{1, 48}, "image.history", "platform"},    {{1, 48}, "image.inspect", "manifests"},
    {{1, 48}, "image.load", "platform"},       {{1, 48}, "image.save", "platform"},
    {{1, 47}, "image.list", "manifests"},      {{1, 46}, "image.push", "platform"},
    {{1, 42}, "container.restart", "signal"},  {{1, 42}, "container.stop", "signal"},
    {{1, 42}, "image.list", "shared-size"},    {{1, 42}, "system.df", "type"},
    {{1, 41}, "container.create", "platform"}, {{1, 41}, "container.stats", "one-shot"},
    {{1, 32}, "image.pull", "platform"},       {{1, 30}, "container.wait", "condition"},
};

constexpr Ignored kIgnoredFields[] = {
    {{1, 48}, "container.create", "NetworkingConfig.EndpointsConfig.*.GwPriority"},
    {{1, 48}, "network.connect", "EndpointConfig.GwPriority"},
    {{1, 44}, "container.create", "Healthcheck.StartInterval"},
    {{1, 44}, "network.connect", "EndpointConfig.MacAddress"},
    {{1, 44}, "network.create", "CheckDuplicate"},  // names are unique now, asked or not
    {{1, 43}, "container.create", "HostConfig.Annotations"},
    {{1, 42}, "container.create", "HostConfig.ConsoleSize"},
    {{1, 42}, "container.create", "HostConfig.Mounts.*.BindOptions.CreateMountpoint"},
    {{1, 42}, "exec.create", "ConsoleSize"},
    {{1, 40}, "container.create", "HostConfig.KernelMemoryTCP"},
    {{1, 40}, "container.create", "HostConfig.Mounts.*.BindOptions.NonRecursive"},
    {{1, 40}, "container.update", "PidsLimit"},
    {{1, 25}, "container.create", "HostConfig.AutoRemove"},
};

constexpr Step kArgs[] = {
    {{1, 42}, "volume.prune", prune_all_volumes},  // named ones as well as anonymous ones
    {{1, 41}, "image.list", filter_by_reference},
};

// In order: the old endpoint's address goes before the container's is put there.
constexpr Step kBodies[] = {
    {{1, 45}, "container.create", refuse_subpath},
    {{1, 44}, "container.create", refuse_read_only_force_recursive},
    {{1, 44}, "container.create", refuse_many_endpoints},
    {{1, 44}, "container.create", forget_endpoint_mac},
    {{1, 44}, "container.create", move_mac_to_endpoint},
    {{1, 42}, "container.create", forget_options_of_other_mounts},
};

constexpr Step kAnswers[] = {
    {kEvery, "system.version", set_version_range},
    {{1, 50}, "image.inspect", add_container_fields},  // which mean nothing in an image
    {{1, 50}, "system.info", add_bridge_filters},
    {{1, 48}, "system.info", add_nondistributable},
    {{1, 45}, "image.inspect", add_build_container},
    {{1, 45}, "container.inspect", add_short_id_aliases},
    {{1, 44}, "image.inspect", add_virtual_size},  // of late the same number as Size
    {{1, 44}, "image.list", add_virtual_sizes},
    {{1, 44}, "system.df", add_virtual_sizes_of_usage},
    {{1, 42}, "system.df", add_builder_size},
    {{1, 39}, "system.info", name_unknown_system},
    {{1, 25}, "system.info", flatten_security_options},
    {{1, 25}, "container.inspect", say_exited_while_removing},
};

template <typename Rows>
auto concerns(const Rows& rows, Version version, std::string_view operation) {
    return std::any_of(std::begin(rows), std::end(rows), [&](const auto& row) {
        return version < row.before && operation == row.operation;
    });
}

template <typename Rows, typename Apply>
Result<void> for_each(const Rows& rows, Version version, std::string_view operation, Apply apply) {
    for (const auto& row : rows)
        if (version < row.before && operation == row.operation) TRY(apply(row));
    return {};
}

constexpr std::span<const Ignored> kNothing{};

// Parses only what a row changes, and leaves what is no JSON to the engine.
template <typename Fields, typename Steps>
Result<void> edit(const Fields& fields, const Steps& steps, Version version,
                  std::string_view operation, std::string& text) {
    if (text.empty() ||
        (!concerns(fields, version, operation) && !concerns(steps, version, operation)))
        return {};
    // An answer of the engine may be longer than what a client may send.
    Result<json::value> value = davit::json::parse(text, "body", {.bytes = text.size()});
    if (!value) return {};
    TRY(for_each(fields, version, operation, [&](const Ignored& row) -> Result<void> {
        forget(*value, row.path);
        return {};
    }));
    TRY(for_each(steps, version, operation, [&](const Step& row) { return row.apply(*value); }));
    text = json::serialize(*value);
    return {};
}

}  // namespace

Result<void> to_current(Version version, std::string_view operation, EngineRequest& request) {
    TRY(edit(kIgnoredArgs, kArgs, version, operation, request.args));
    return edit(kIgnoredFields, kBodies, version, operation, request.body);
}

Result<void> from_current(Version version, std::string_view operation, std::string& answer) {
    return edit(kNothing, kAnswers, version, operation, answer);
}

}  // namespace davit::docker_api
