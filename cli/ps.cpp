// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/listing.hpp"
#include "cli/output.hpp"
#include "cli/ports.hpp"
#include "cli/template/print.hpp"
#include "cli/units.hpp"
#include "cli/view.hpp"
#include "sdk/client/containers.hpp"

#include <algorithm>
#include <ctime>

namespace davit::cli {
namespace {

namespace bj = boost::json;

constexpr std::string_view kTable =
    "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}";
constexpr std::string_view kSizeTable =
    "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}\t{{."
    "Size}}";

std::string joined(Strings parts) {
    std::sort(parts.begin(), parts.end());
    std::string out;
    for (const auto& part : parts) out.append(out.empty() ? "" : ",").append(part);
    return out;
}

// Names without the leading slash, and without those that links gave ("/other/alias").
std::string names_text(const bj::object& container, bool all) {
    std::string out;
    for (const auto& name : view::array(container, "Names")) {
        auto text = view::as_string(name);
        if (text.starts_with('/')) text.remove_prefix(1);
        if (!all && text.find('/') != std::string_view::npos) continue;
        out.append(out.empty() ? "" : ",").append(text);
    }
    return out;
}

std::string image_text(const bj::object& container, bool truncate) {
    const auto image = view::string(container, "Image");
    if (image.empty()) return "<no image>";
    if (!truncate) return std::string(image);
    if (const auto id = short_id(view::string(container, "ImageID"));
        !id.empty() && id == short_id(image))
        return id;
    const auto at = image.find('@');
    const auto name = image.substr(0, at);
    // A digest is long and says little beside a tag.
    return std::string(at != std::string_view::npos &&
                               name.find(':', name.rfind('/') + 1) != std::string_view::npos
                           ? name
                           : image);
}

std::string created_text(std::int64_t seconds) {
    const auto when = static_cast<std::time_t>(seconds);
    std::tm parts{};
    ::localtime_r(&when, &parts);
    char buffer[64];
    const auto length = std::strftime(buffer, sizeof buffer, "%Y-%m-%d %H:%M:%S %z %Z", &parts);
    return {buffer, length};
}

std::string size_text(const bj::object& container) {
    const auto whole = view::number(container, "SizeRootFs");
    auto text = human_size(static_cast<double>(view::number(container, "SizeRw")), 3);
    return whole > 0 ? text + " (virtual " + human_size(static_cast<double>(whole), 3) + ")" : text;
}

std::string labels_text(const bj::object& labels) {
    Strings parts;
    for (const auto& label : labels)
        parts.push_back(
            std::string(view::of(label.key())).append("=").append(view::as_string(label.value())));
    return joined(std::move(parts));
}

std::string mounts_text(const bj::object& container, bool truncate) {
    std::string out;
    for (const auto& mount : view::array(container, "Mounts")) {
        auto name = view::string(view::as_object(mount), "Name");
        if (name.empty()) name = view::string(view::as_object(mount), "Source");
        out.append(out.empty() ? "" : ",")
            .append(truncate ? ellipsis(name, 15) : std::string(name));
    }
    return out;
}

bj::object row_of(const bj::object& container, bool truncate, std::int64_t now) {
    const auto created = view::number(container, "Created");
    const auto command = view::string(container, "Command");
    const auto id = view::string(container, "Id");
    Strings networks;
    for (const auto& network : view::object(view::object(container, "NetworkSettings"), "Networks"))
        networks.emplace_back(view::of(network.key()));
    const auto& mounts = view::array(container, "Mounts");
    const auto local = std::count_if(mounts.begin(), mounts.end(), [](const bj::value& mount) {
        return view::string(view::as_object(mount), "Driver") == "local";
    });
    bj::object row;
    row["ID"] = view::text(truncate ? short_id(id) : std::string(id));
    row["Names"] = view::text(names_text(container, !truncate));
    row["Image"] = view::text(image_text(container, truncate));
    row["Command"] =
        view::text(templates::quoted(truncate ? ellipsis(command, 20) : std::string(command)));
    row["CreatedAt"] = view::text(created_text(created));
    row["RunningFor"] = view::text(human_duration(now - created) + " ago");
    row["Ports"] = view::text(ports_text(view::array(container, "Ports")));
    row["State"] = view::text(view::string(container, "State"));
    row["Status"] = view::text(view::string(container, "Status"));
    row["Size"] = view::text(size_text(container));
    row["Labels"] = view::text(labels_text(view::object(container, "Labels")));
    row["Mounts"] = view::text(mounts_text(container, truncate));
    row["Platform"] = nullptr;
    row["LocalVolumes"] = view::text(std::to_string(local));
    row["Networks"] = view::text(joined(std::move(networks)));
    return row;
}

class Ps final : public Command {
public:
    void declare(Flags& flags) override {
        flags.toggle(all_, "a,all", "Show all containers, not only running ones");
        flags.list(filters_, "f,filter", "KEY=VALUE",
                   "Show those that fit: status, name, label, ancestor, exited, network, …");
        flags.text(format_, "format", "FORMAT",
                   "'table', 'table TEMPLATE', 'json' or a Go template");
        flags.number(last_, "n,last", "N", "Show the N containers created last, in any state");
        flags.toggle(latest_, "l,latest", "Show the container created last, in any state");
        flags.toggle(whole_, "no-trunc", "Show ids, commands and images in full");
        flags.toggle(quiet_, "q,quiet", "Show ids only");
        flags.toggle(size_, "s,size", "Show how much containers have written");
    }

    Result<int> run(Session& session, const Strings&) override {
        auto format = quiet_ ? std::string("{{.ID}}") : format_;
        auto listing = TRY(Listing::create(format, size_ ? kSizeTable : kTable,
                                           {{"ID", "CONTAINER ID"},
                                            {"Names", "NAMES"},
                                            {"Image", "IMAGE"},
                                            {"Command", "COMMAND"},
                                            {"CreatedAt", "CREATED AT"},
                                            {"RunningFor", "CREATED"},
                                            {"Ports", "PORTS"},
                                            {"State", "STATE"},
                                            {"Status", "STATUS"},
                                            {"Size", "SIZE"},
                                            {"Labels", "LABELS"},
                                            {"Mounts", "MOUNTS"},
                                            {"LocalVolumes", "LOCAL VOLUMES"},
                                            {"Networks", "NETWORKS"}}));
        sdk::ListContainers which{
            .all = all_,
            .size = size_ || listing.wants(".Size") || format_.find("json .}") != std::string::npos,
            .filters = TRY(filters_json(filters_))};
        which.limit = latest_ ? 1 : static_cast<int>(last_.value_or(0));
        if (which.limit < 0) which.limit = 0;
        auto* client = TRY(session.client());
        const auto containers = TRY(sdk::list_containers(*client, which));
        const auto now = static_cast<std::int64_t>(::time(nullptr));
        if (const auto* all = containers.if_array())
            for (const auto& container : *all) TRY(show(listing, view::as_object(container), now));
        const auto text = TRY(listing.finish());
        TRY(print(text));
        return 0;
    }

private:
    Result<void> show(Listing& listing, const bj::object& container, std::int64_t now) const {
        const auto label = [&](std::string_view name,
                               std::span<const bj::value> arguments) -> std::optional<bj::value> {
            if (name != "Label" || arguments.size() != 1) return std::nullopt;
            return view::text(
                view::string(view::object(container, "Labels"), view::as_string(arguments[0])));
        };
        return listing.add(row_of(container, !whole_, now), label);
    }

    bool all_ = false, latest_ = false, whole_ = false, quiet_ = false, size_ = false;
    std::optional<std::int64_t> last_;
    Strings filters_;
    std::string format_;
};

}  // namespace

std::unique_ptr<Command> make_ps() { return std::make_unique<Ps>(); }

}  // namespace davit::cli
