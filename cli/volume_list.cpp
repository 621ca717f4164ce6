// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/listing.hpp"
#include "cli/output.hpp"
#include "cli/view.hpp"
#include "sdk/client/volumes.hpp"

#include <algorithm>
#include <vector>

namespace davit::cli {
namespace {

namespace bj = boost::json;

std::string labels_text(const bj::object& labels) {
    Strings all;
    for (const auto& [key, value] : labels)
        all.push_back(std::string(key) + "=" + std::string(view::as_string(value)));
    std::sort(all.begin(), all.end());
    std::string text;
    for (const auto& one : all) text += (text.empty() ? "" : ",") + one;
    return text;
}

class VolumeList final : public Command {
public:
    void declare(Flags& flags) override {
        flags.list(filters_, "f,filter", "KEY=VALUE",
                   "Show those that fit: dangling, driver, label, name");
        flags.text(format_, "format", "FORMAT",
                   "'table', 'table TEMPLATE', 'json' or a Go template");
        flags.toggle(quiet_, "q,quiet", "Show names only");
    }

    Result<int> run(Session& session, const Strings&) override {
        const auto filters = TRY(filters_json(filters_));
        auto listing = TRY(Listing::create(quiet_ ? "{{.Name}}" : format_, "{{.Driver}}\t{{.Name}}",
                                           {{"Driver", "DRIVER"},
                                            {"Name", "VOLUME NAME"},
                                            {"Scope", "SCOPE"},
                                            {"Mountpoint", "MOUNTPOINT"},
                                            {"Labels", "LABELS"},
                                            {"Links", "LINKS"},
                                            {"Size", "SIZE"}}));
        auto* client = TRY(session.client());
        const auto answer = TRY(sdk::list_volumes(*client, filters));
        std::vector<const bj::object*> volumes;
        for (const auto& volume : view::array(view::as_object(answer), "Volumes"))
            volumes.push_back(&view::as_object(volume));
        std::sort(volumes.begin(), volumes.end(), [](const auto* a, const auto* b) {
            return view::string(*a, "Name") < view::string(*b, "Name");
        });
        for (const auto* volume : volumes) TRY(show(listing, *volume));
        const auto text = TRY(listing.finish());
        TRY(print(text));
        return 0;
    }

private:
    static Result<void> show(Listing& listing, const bj::object& volume) {
        bj::object row;
        for (const char* field : {"Driver", "Name", "Scope", "Mountpoint"})
            row[field] = view::text(view::string(volume, field));
        row["Labels"] = view::text(labels_text(view::object(volume, "Labels")));
        row["Links"] = row["Size"] = "N/A";
        row["Availability"] = row["Group"] = row["Status"] = "N/A";
        return listing.add(row);
    }

    Strings filters_;
    std::string format_;
    bool quiet_ = false;
};

}  // namespace

std::unique_ptr<Command> make_volume_list() { return std::make_unique<VolumeList>(); }

}  // namespace davit::cli
