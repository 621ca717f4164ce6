// SPDX-License-Identifier: Apache-2.0
#include "core/job/filters.hpp"
#include "core/container/container_json.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace davit::container {

namespace {

constexpr std::array<std::string_view, 14> kKnown = {
    "ancestor", "before", "exited",  "expose",  "health", "id",     "is-task",
    "label",    "name",   "network", "publish", "since",  "status", "volume"};

// "80/tcp", "80" or "8000-8010/tcp" against one port.
bool port_matches(const std::string& wanted, int port, const std::string& protocol) {
    const std::size_t slash = wanted.find('/');
    if (slash != std::string::npos && wanted.substr(slash + 1) != protocol) return false;
    const std::string range = wanted.substr(0, slash);
    const std::size_t dash = range.find('-');
    const int first = std::atoi(range.c_str());
    const int last = dash == std::string::npos ? first : std::atoi(range.c_str() + dash + 1);
    return port >= first && port <= last;
}

bool label_matches(const Config& config, const std::string& wanted) {
    const std::size_t equals = wanted.find('=');
    const auto found = config.labels.find(wanted.substr(0, equals));
    if (found == config.labels.end()) return false;
    return equals == std::string::npos || found->second == wanted.substr(equals + 1);
}

bool publishes(const Container& container, const std::string& wanted) {
    for (const network::EndpointPtr& endpoint : container.endpoints())
        for (const network::PublishedPort& port : endpoint->ports)
            if (port_matches(wanted, port.container_port, port.protocol)) return true;
    return false;
}

// A network's name, its id, or the beginning of that.
bool is_on(const Container& container, const std::string& wanted) {
    constexpr std::size_t kShortest = 4;
    if (container.config().network_mode == wanted) return true;
    for (const network::EndpointSettings& settings : container.networks())
        if (settings.network == wanted ||
            (wanted.size() >= kShortest && settings.network_id.starts_with(wanted)))
            return true;
    return false;
}

bool exposes(const Config& config, const std::string& wanted) {
    return std::any_of(
        config.exposed_ports.begin(), config.exposed_ports.end(), [&](const std::string& port) {
            const std::size_t slash = port.find('/');
            return port_matches(wanted, std::atoi(port.c_str()),
                                slash == std::string::npos ? "tcp" : port.substr(slash + 1));
        });
}

// A name without a tag means latest; an id may be shortened.
bool image_matches(const Record& record, const std::string& wanted) {
    if (record.image_reference == wanted || record.image_reference == wanted + ":latest" ||
        record.image_reference + ":latest" == wanted)
        return true;
    const std::string id = record.image.substr(record.image.find(':') + 1);
    return wanted.size() >= 4 && (id.starts_with(wanted) || record.image.starts_with(wanted));
}

bool mounts(const Config& config, const std::string& wanted) {
    return std::any_of(config.mounts.begin(), config.mounts.end(), [&](const Mount& mount) {
        return mount.shown && (mount.source == wanted || mount.target == wanted);
    });
}

bool matches_one(const std::string& key, const std::string& wanted, const Container& container,
                 const State& state) {
    const Config& config = container.config();
    if (key == "health")
        return wanted == (state.health ? health_name(state.health->status) : "none");
    if (key == "is-task") return wanted == "false" || wanted == "0";  // nothing is a swarm's
    if (key == "id") return container.id().starts_with(wanted);
    if (key == "name") {
        const std::string plain = wanted.starts_with('/') ? wanted.substr(1) : wanted;
        if (plain.starts_with('^') || plain.ends_with('$')) {
            const bool front = plain.starts_with('^'), back = plain.ends_with('$');
            std::string bare =
                plain.substr(front ? 1 : 0, plain.size() - (front ? 1 : 0) - (back ? 1 : 0));
            if (bare.starts_with('/')) bare.erase(0, 1);
            if (front && back) return container.name() == bare;
            return front ? container.name().starts_with(bare) : container.name().ends_with(bare);
        }
        return container.name().find(plain) != std::string::npos;
    }
    if (key == "status") return wanted == shown_status(state);
    if (key == "label") return label_matches(config, wanted);
    if (key == "ancestor") return image_matches(container.record(), wanted);
    if (key == "exited")
        return state.status == Status::exited && std::to_string(state.exit_code) == wanted;
    if (key == "network") return is_on(container, wanted);
    if (key == "publish") return publishes(container, wanted);
    if (key == "expose") return exposes(config, wanted);
    if (key == "volume") return mounts(config, wanted);
    return true;  // before and since name other containers: the list compares their times
}

}  // namespace

Result<Filters> Filters::parse(const std::string& text) {
    Filters filters;
    filters.wanted_ = TRY(job::parse_filters(text));
    for (const auto& [name, values] : filters.wanted_)
        if (std::find(kKnown.begin(), kKnown.end(), name) == kKnown.end())
            return fail(Code::invalid, "invalid filter '", name, "'");
    return filters;
}

const std::vector<std::string>& Filters::values(const std::string& key) const {
    static const std::vector<std::string> kNone;
    const auto found = wanted_.find(key);
    return found == wanted_.end() ? kNone : found->second;
}

// Several values of one filter: any of them; several filters: all; labels must all be there, as
// docker has it.
bool Filters::match(const Container& container, const State& state) const {
    return std::all_of(wanted_.begin(), wanted_.end(), [&](const auto& filter) {
        const auto one = [&](const std::string& value) {
            return matches_one(filter.first, value, container, state);
        };
        if (filter.second.empty()) return true;
        return filter.first == "label"
                   ? std::all_of(filter.second.begin(), filter.second.end(), one)
                   : std::any_of(filter.second.begin(), filter.second.end(), one);
    });
}

}  // namespace davit::container
