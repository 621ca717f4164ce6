// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/listing.hpp"
#include "cli/output.hpp"
#include "cli/units.hpp"
#include "cli/view.hpp"
#include "sdk/client/images.hpp"

#include <algorithm>
#include <ctime>

namespace davit::cli {
namespace {

namespace bj = boost::json;

constexpr std::string_view kTable =
    "{{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}";
constexpr std::string_view kExactTable =
    "{{.ID}}\t{{.CreatedAt}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}";
constexpr std::size_t kCreatedByWidth = 45;

std::string local_time(std::int64_t seconds) {
    const auto when = static_cast<std::time_t>(seconds);
    std::tm parts{};
    ::localtime_r(&when, &parts);
    char buffer[64];
    return {buffer, std::strftime(buffer, sizeof buffer, "%Y-%m-%dT%H:%M:%S%z", &parts)};
}

class History final : public Command {
public:
    void declare(Flags& flags) override {
        flags.text(format_, "format", "FORMAT",
                   "'table', 'table TEMPLATE', 'json' or a Go template");
        flags.toggle(human_, "H,human", "Show sizes and times for people (default true)");
        flags.toggle(whole_, "no-trunc", "Show everything in full");
        flags.text(platform_, "platform", "OS/ARCH", "The image must be for this platform");
        flags.toggle(quiet_, "q,quiet", "Show ids only");
    }

    Result<int> run(Session& session, const Strings& operands) override {
        auto listing =
            TRY(Listing::create(quiet_ ? "{{.ID}}" : format_, human_ ? kTable : kExactTable,
                                {{"ID", "IMAGE"},
                                 {"CreatedSince", "CREATED"},
                                 {"CreatedAt", "CREATED AT"},
                                 {"CreatedBy", "CREATED BY"},
                                 {"Size", "SIZE"},
                                 {"Comment", "COMMENT"}}));
        auto* client = TRY(session.client());
        const auto steps = TRY(sdk::image_history(*client, operands[0], platform_));
        if (const auto* all = steps.if_array())
            for (const auto& step : *all) TRY(listing.add(row_of(view::as_object(step))));
        TRY(print(TRY(listing.finish())));
        return 0;
    }

private:
    bj::object row_of(const bj::object& step) const {
        const auto id = view::string(step, "Id");
        const auto created = view::number(step, "Created");
        const auto size = view::number(step, "Size");
        std::string made_by(view::string(step, "CreatedBy"));
        std::replace(made_by.begin(), made_by.end(), '\t', ' ');  // as docker shows it
        bj::object row;
        row["ID"] = view::text(whole_ || id == "<missing>" ? std::string(id) : short_id(id));
        row["CreatedSince"] =
            view::text(created == 0 ? "N/A" : human_duration(::time(nullptr) - created) + " ago");
        row["CreatedAt"] = view::text(local_time(created));
        row["CreatedBy"] = view::text(whole_ ? made_by : ellipsis(made_by, kCreatedByWidth));
        row["Size"] =
            view::text(human_ ? human_size(static_cast<double>(size), 3) : std::to_string(size));
        row["Comment"] = view::text(view::string(step, "Comment"));
        return row;
    }

    std::string format_, platform_;
    bool human_ = true, whole_ = false, quiet_ = false;
};

}  // namespace

std::unique_ptr<Command> make_history() { return std::make_unique<History>(); }

}  // namespace davit::cli
