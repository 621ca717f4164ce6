// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/listing.hpp"
#include "cli/output.hpp"
#include "cli/view.hpp"
#include "sdk/client/networks.hpp"

#include <algorithm>

namespace davit::cli {
namespace {

namespace bj = boost::json;

constexpr std::string_view kTable = "{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}";

std::string truth(bool value) { return value ? "true" : "false"; }

std::string labels_text(const bj::object& labels) {
    std::string text;
    for (const auto& label : labels)
        text.append(text.empty() ? "" : ",")
            .append(view::of(label.key()))
            .append("=")
            .append(view::as_string(label.value()));
    return text;
}

class NetworkList final : public Command {
public:
    void declare(Flags& flags) override {
        flags.list(filters_, "f,filter", "KEY=VALUE",
                   "Show those that fit: name, id, driver, label, scope, type, dangling");
        flags.text(format_, "format", "FORMAT",
                   "'table', 'table TEMPLATE', 'json' or a Go template");
        flags.toggle(whole_, "no-trunc", "Show ids in full");
        flags.toggle(quiet_, "q,quiet", "Show ids only");
    }

    Result<int> run(Session& session, const Strings&) override {
        const auto filters = TRY(filters_json(filters_));
        auto listing = TRY(Listing::create(quiet_ ? "{{.ID}}" : format_, kTable,
                                           {{"ID", "NETWORK ID"},
                                            {"Name", "NAME"},
                                            {"Driver", "DRIVER"},
                                            {"Scope", "SCOPE"},
                                            {"IPv6", "IPV6"},
                                            {"IPv4", "IPV4"},
                                            {"Internal", "INTERNAL"},
                                            {"Labels", "LABELS"},
                                            {"CreatedAt", "CREATED AT"}}));
        auto* client = TRY(session.client());
        const auto networks = TRY(sdk::list_networks(*client, filters));
        std::vector<const bj::object*> sorted;
        if (const auto* all = networks.if_array())
            for (const auto& network : *all) sorted.push_back(&view::as_object(network));
        std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) {
            return view::string(*a, "Name") < view::string(*b, "Name");
        });
        for (const auto* network : sorted) TRY(listing.add(row_of(*network)));
        const auto text = TRY(listing.finish());
        TRY(print(text));
        return 0;
    }

private:
    bj::object row_of(const bj::object& network) const {
        const auto id = view::string(network, "Id");
        bj::object row;
        row["ID"] = view::text(whole_ ? std::string(id) : short_id(id));
        for (const char* field : {"Name", "Driver", "Scope"})
            row[field] = view::text(view::string(network, field));
        row["IPv4"] = view::text(truth(view::boolean(network, "EnableIPv4")));
        row["IPv6"] = view::text(truth(view::boolean(network, "EnableIPv6")));
        row["Internal"] = view::text(truth(view::boolean(network, "Internal")));
        row["Labels"] = view::text(labels_text(view::object(network, "Labels")));
        row["CreatedAt"] = view::text(view::string(network, "Created"));
        return row;
    }

    Strings filters_;
    std::string format_;
    bool whole_ = false, quiet_ = false;
};

}  // namespace

std::unique_ptr<Command> make_network_list() { return std::make_unique<NetworkList>(); }

}  // namespace davit::cli
