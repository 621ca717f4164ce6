// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/json_lines.hpp"
#include "cli/object_format.hpp"
#include "cli/output.hpp"
#include "cli/units.hpp"
#include "cli/view.hpp"
#include "sdk/client/system.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>

namespace davit::cli {
namespace {

namespace bj = boost::json;

// 2024-01-02T15:04:05.123456789+01:00
std::string time_text(const bj::object& event) {
    const auto nanos = view::number(event, "timeNano");
    const auto seconds =
        static_cast<std::time_t>(nanos != 0 ? nanos / 1'000'000'000 : view::number(event, "time"));
    std::tm parts{};
    ::localtime_r(&seconds, &parts);
    char date[32], zone[8], text[64];
    std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
    std::strftime(zone, sizeof zone, "%z", &parts);
    std::snprintf(text, sizeof text, "%s.%09lld", date,
                  static_cast<long long>(nanos % 1'000'000'000));
    if (parts.tm_gmtoff == 0) return std::string(text) + "Z";
    return std::string(text) + std::string(zone, 3) + ":" + std::string(zone + 3, 2);
}

// 2024-… container start 0123… (image=nginx, name=web)
std::string line_of(const bj::object& event) {
    const auto& actor = view::object(event, "Actor");
    std::string line = time_text(event);
    line.append(" ")
        .append(view::string(event, "Type"))
        .append(" ")
        .append(view::string(event, "Action"));
    line.append(" ").append(view::string(actor, "ID"));
    Strings attributes;
    for (const auto& attribute : view::object(actor, "Attributes"))
        attributes.push_back(std::string(view::of(attribute.key())) + "=" +
                             std::string(view::as_string(attribute.value())));
    std::sort(attributes.begin(), attributes.end());
    for (std::size_t i = 0; i < attributes.size(); ++i)
        line.append(i == 0 ? " (" : ", ").append(attributes[i]);
    return line.append(attributes.empty() ? "\n" : ")\n");
}

class Events final : public Command {
public:
    void declare(Flags& flags) override {
        flags.list(filters_, "f,filter", "KEY=VALUE",
                   "Show those that fit: type, event, container, image, label");
        flags.text(format_, "format", "FORMAT", "'json' or a Go template");
        flags.text(range_.since, "since", "TIME",
                   "Begin with what happened since: a time, or 10m for 10 minutes ago");
        flags.text(range_.until, "until", "TIME", "End with what happened until then");
    }

    Result<int> run(Session& session, const Strings&) override {
        const auto now = static_cast<std::int64_t>(::time(nullptr));
        if (!range_.since.empty()) range_.since = TRY(timestamp(range_.since, now));
        if (!range_.until.empty()) range_.until = TRY(timestamp(range_.until, now));
        range_.filters = TRY(filters_json(filters_));
        auto* client = TRY(session.client());
        auto stream = TRY(client->stream(sdk::events_call(range_)));
        const auto show = [&](const bj::object& event) -> Result<void> {
            if (format_.empty()) return print(line_of(event));
            const auto line = TRY(format_object(event, format_));
            return print(line);
        };
        TRY(for_each_object(stream, show));
        return 0;
    }

private:
    Strings filters_;
    std::string format_;
    sdk::EventRange range_;
};

}  // namespace

std::unique_ptr<Command> make_events() { return std::make_unique<Events>(); }

}  // namespace davit::cli
