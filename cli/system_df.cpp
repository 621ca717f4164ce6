// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/listing.hpp"
#include "cli/output.hpp"
#include "cli/units.hpp"
#include "cli/view.hpp"
#include "sdk/client/system.hpp"

#include <boost/json.hpp>
#include <ctime>
#include <map>

namespace davit::cli {
namespace {

namespace bj = boost::json;

constexpr std::string_view kTable =
    "{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}";

std::string size_text(std::int64_t bytes) {
    return bytes < 0 ? "N/A" : human_size(static_cast<double>(bytes), 4);
}

struct Usage {
    std::string type;
    std::int64_t total = 0, active = 0, bytes = 0, reclaimable = 0;
};

Usage images_of(const bj::object& report) {
    Usage usage{"Images", 0, 0, view::number(report, "LayersSize"), 0};
    std::int64_t used = 0;
    for (const auto& entry : view::array(report, "Images")) {
        const auto& image = view::as_object(entry);
        ++usage.total;
        if (view::number(image, "Containers") <= 0) continue;
        ++usage.active;
        used += view::number(image, "Size") -
                std::max<std::int64_t>(0, view::number(image, "SharedSize"));
    }
    usage.reclaimable = usage.bytes - used;
    return usage;
}

Usage containers_of(const bj::object& report) {
    Usage usage{.type = "Containers"};
    for (const auto& entry : view::array(report, "Containers")) {
        const auto& container = view::as_object(entry);
        const auto state = view::string(container, "State");
        const auto bytes = view::number(container, "SizeRw");
        const bool active = state == "running" || state == "paused" || state == "restarting";
        ++usage.total;
        usage.active += active;
        usage.bytes += bytes;
        usage.reclaimable += active ? 0 : bytes;
    }
    return usage;
}

Usage volumes_of(const bj::object& report) {
    Usage usage{.type = "Local Volumes"};
    for (const auto& entry : view::array(report, "Volumes")) {
        const auto& how = view::object(view::as_object(entry), "UsageData");
        const auto bytes = std::max<std::int64_t>(0, view::number(how, "Size"));
        const bool active = view::number(how, "RefCount") > 0;
        ++usage.total;
        usage.active += active;
        usage.bytes += bytes;
        usage.reclaimable += active ? 0 : bytes;
    }
    return usage;
}

class SystemDf final : public Command {
public:
    void declare(Flags& flags) override {
        flags.text(format_, "format", "FORMAT",
                   "'table', 'table TEMPLATE', 'json' or a Go template");
        flags.toggle(verbose_, "v,verbose", "Show every image, container and volume");
    }

    Result<int> run(Session& session, const Strings&) override {
        if (verbose_ && !format_.empty() && format_ != "json")
            return fail(Code::invalid, "-v goes with the format json only");
        auto* client = TRY(session.client());
        const auto answer = TRY(sdk::disk_usage(*client));
        const auto& report = view::as_object(answer);
        if (verbose_ && format_ == "json") {
            TRY(print(bj::serialize(report) + "\n"));
            return 0;
        }
        TRY(print(TRY(verbose_ ? everything(report) : summary(report))));
        return 0;
    }

private:
    Result<std::string> summary(const bj::object& report) const {
        auto listing = TRY(Listing::create(format_, kTable,
                                           {{"Type", "TYPE"},
                                            {"TotalCount", "TOTAL"},
                                            {"Active", "ACTIVE"},
                                            {"Size", "SIZE"},
                                            {"Reclaimable", "RECLAIMABLE"}}));
        for (const Usage& usage : {images_of(report), containers_of(report), volumes_of(report),
                                   Usage{.type = "Build Cache"}}) {
            std::string reclaimable = size_text(usage.reclaimable);
            if (usage.bytes > 0 && usage.type != "Build Cache")
                reclaimable += " (" + std::to_string(usage.reclaimable * 100 / usage.bytes) + "%)";
            TRY(listing.add({{"Type", usage.type},
                             {"TotalCount", std::to_string(usage.total)},
                             {"Active", std::to_string(usage.active)},
                             {"Size", size_text(usage.bytes)},
                             {"Reclaimable", reclaimable}}));
        }
        return listing.finish();
    }

    static Result<std::string> everything(const bj::object& report) {
        return "Images space usage:\n\n" + TRY(images(report)) + "\nContainers space usage:\n\n" +
               TRY(containers(report)) + "\nLocal Volumes space usage:\n\n" + TRY(volumes(report));
    }

    static Result<std::string> images(const bj::object& report) {
        auto listing = TRY(Listing::create(
            "",
            "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.Created}}\t{{.Size}}\t{{.Shared}}\t{{.Unique}}"
            "\t{{.Containers}}",
            {{"Repository", "REPOSITORY"},
             {"Tag", "TAG"},
             {"ID", "IMAGE ID"},
             {"Created", "CREATED"},
             {"Size", "SIZE"},
             {"Shared", "SHARED SIZE"},
             {"Unique", "UNIQUE SIZE"},
             {"Containers", "CONTAINERS"}}));
        for (const auto& entry : view::array(report, "Images")) {
            const auto& image = view::as_object(entry);
            const auto& tags = view::array(image, "RepoTags");
            const std::string name(tags.empty() ? "<none>:<none>" : view::as_string(tags[0]));
            const auto size = view::number(image, "Size"),
                       shared = view::number(image, "SharedSize");
            TRY(listing.add(
                {{"Repository", name.substr(0, name.rfind(':'))},
                 {"Tag", name.substr(name.rfind(':') + 1)},
                 {"ID", short_id(view::string(image, "Id"))},
                 {"Created",
                  human_duration(::time(nullptr) - view::number(image, "Created")) + " ago"},
                 {"Size", size_text(size)},
                 {"Shared", size_text(shared)},
                 {"Unique", size_text(size - std::max<std::int64_t>(0, shared))},
                 {"Containers", std::to_string(view::number(image, "Containers"))}}));
        }
        return listing.finish();
    }

    static Result<std::string> containers(const bj::object& report) {
        auto listing =
            TRY(Listing::create("", "{{.ID}}\t{{.Image}}\t{{.Size}}\t{{.Status}}\t{{.Names}}",
                                {{"ID", "CONTAINER ID"},
                                 {"Image", "IMAGE"},
                                 {"Size", "SIZE"},
                                 {"Status", "STATUS"},
                                 {"Names", "NAMES"}}));
        for (const auto& entry : view::array(report, "Containers")) {
            const auto& container = view::as_object(entry);
            const auto& names = view::array(container, "Names");
            const std::string name(names.empty() ? "" : view::as_string(names[0]).substr(1));
            TRY(listing.add({{"ID", short_id(view::string(container, "Id"))},
                             {"Image", view::text(view::string(container, "Image"))},
                             {"Size", size_text(view::number(container, "SizeRw"))},
                             {"Status", view::text(view::string(container, "Status"))},
                             {"Names", name}}));
        }
        return listing.finish();
    }

    static Result<std::string> volumes(const bj::object& report) {
        auto listing =
            TRY(Listing::create("", "{{.Name}}\t{{.Links}}\t{{.Size}}",
                                {{"Name", "VOLUME NAME"}, {"Links", "LINKS"}, {"Size", "SIZE"}}));
        for (const auto& entry : view::array(report, "Volumes")) {
            const auto& volume = view::as_object(entry);
            const auto& how = view::object(volume, "UsageData");
            TRY(listing.add({{"Name", view::text(view::string(volume, "Name"))},
                             {"Links", std::to_string(view::number(how, "RefCount"))},
                             {"Size", size_text(view::number(how, "Size"))}}));
        }
        return listing.finish();
    }

    std::string format_;
    bool verbose_ = false;
};

}  // namespace

std::unique_ptr<Command> make_system_df() { return std::make_unique<SystemDf>(); }

}  // namespace davit::cli
