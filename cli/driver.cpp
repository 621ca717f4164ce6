// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/listing.hpp"
#include "cli/object_format.hpp"
#include "cli/output.hpp"
#include "cli/template/print.hpp"
#include "cli/view.hpp"
#include "sdk/client/system.hpp"

namespace davit::cli {
namespace {

namespace bj = boost::json;

constexpr std::string_view kTable =
    "{{.Kind}}\t{{.Name}}\t{{.Version}}\t{{.State}}\t{{.Instances}}\t{{.Description}}";

// "fast*, slow": the kind's default is marked.
std::string instances_text(const bj::object& driver) {
    std::string out;
    for (const auto& entry : view::array(driver, "Instances")) {
        const auto& instance = view::as_object(entry);
        out.append(out.empty() ? "" : ", ")
            .append(view::string(instance, "Name"))
            .append(view::boolean(instance, "Default") ? "*" : "");
    }
    return out.empty() ? "-" : out;
}

class DriverList final : public Command {
public:
    void declare(Flags& flags) override {
        flags.text(format_, "format", "FORMAT",
                   "'table', 'table TEMPLATE', 'json' or a Go template");
        flags.toggle(quiet_, "q,quiet", "Show names only");
    }

    Result<int> run(Session& session, const Strings&) override {
        auto listing = TRY(Listing::create(quiet_ ? "{{.Name}}" : format_, kTable,
                                           {{"Kind", "KIND"},
                                            {"Name", "DRIVER"},
                                            {"Version", "VERSION"},
                                            {"State", "STATE"},
                                            {"Instances", "INSTANCES"},
                                            {"Description", "DESCRIPTION"},
                                            {"Path", "PATH"},
                                            {"Reason", "REASON"},
                                            {"Vendor", "VENDOR"},
                                            {"Licence", "LICENCE"},
                                            {"Interfaces", "INTERFACES"}}));
        auto* client = TRY(session.client());
        const auto drivers = TRY(sdk::list_drivers(*client));
        if (const auto* all = drivers.if_array())
            for (const auto& driver : *all) TRY(show(listing, view::as_object(driver)));
        const auto text = TRY(listing.finish());
        TRY(print(text));
        return 0;
    }

private:
    static Result<void> show(Listing& listing, const bj::object& driver) {
        bj::object row;
        for (const auto* name :
             {"Kind", "Name", "Version", "State", "Path", "Reason", "Vendor", "Licence"})
            row[name] = view::text(view::string(driver, name));
        row["Instances"] = instances_text(driver);
        row["Interfaces"] = templates::plain(view::array(driver, "Interfaces"));
        // What was refused says why instead of what it would be.
        const auto reason = view::string(driver, "Reason");
        row["Description"] =
            view::text(reason.empty() ? view::string(driver, "Description") : reason);
        return listing.add(row);
    }

    std::string format_;
    bool quiet_ = false;
};

class DriverInspect final : public Command {
public:
    void declare(Flags& flags) override {
        flags.text(format_, "f,format", "FORMAT", "'json' or a Go template");
    }

    Result<int> run(Session& session, const Strings& operands) override {
        auto* client = TRY(session.client());
        Inspection inspection(format_);
        const int status = for_each_operand(
            "driver inspect", operands, [&](const std::string& name) -> Result<void> {
                const auto text = TRY(sdk::inspect_driver(*client, name));
                return inspection.add(text);
            });
        TRY(inspection.finish());
        return status;
    }

private:
    std::string format_;
};

}  // namespace

std::unique_ptr<Command> make_driver_list() { return std::make_unique<DriverList>(); }
std::unique_ptr<Command> make_driver_inspect() { return std::make_unique<DriverInspect>(); }

}  // namespace davit::cli
