// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/json_lines.hpp"
#include "cli/listing.hpp"
#include "cli/output.hpp"
#include "cli/terminal.hpp"
#include "cli/units.hpp"
#include "cli/view.hpp"
#include "sdk/client/system.hpp"

#include <unistd.h>
#include <ctime>

namespace davit::cli {
namespace {

namespace bj = boost::json;

constexpr std::string_view kTable =
    "{{.ID}}\t{{.Name}}\t{{.Object}}\t{{.State}}\t{{.Started}}\t{{.Progress}}";

class JobList final : public Command {
public:
    void declare(Flags& flags) override {
        flags.toggle(all_, "a,all", "Show finished work as well");
        flags.text(format_, "format", "FORMAT",
                   "'table', 'table TEMPLATE', 'json' or a Go template");
        flags.toggle(quiet_, "q,quiet", "Show ids only");
    }

    Result<int> run(Session& session, const Strings&) override {
        auto listing = TRY(Listing::create(quiet_ ? "{{.ID}}" : format_, kTable,
                                           {{"ID", "JOB"},
                                            {"Name", "WORK"},
                                            {"Object", "ON"},
                                            {"State", "STATE"},
                                            {"Started", "STARTED"},
                                            {"Progress", "PROGRESS"},
                                            {"Error", "ERROR"}}));
        auto* client = TRY(session.client());
        const auto jobs = TRY(sdk::list_jobs(*client));
        const auto now = static_cast<std::int64_t>(::time(nullptr));
        if (const auto* all = jobs.if_array())
            for (const auto& entry : *all) {
                const auto& job = view::as_object(entry);
                if (all_ || view::string(job, "State") == "running")
                    TRY(listing.add(row_of(job, now)));
            }
        const auto text = TRY(listing.finish());
        TRY(print(text));
        return 0;
    }

private:
    static bj::object row_of(const bj::object& job, std::int64_t now) {
        bj::object row;
        row["ID"] = view::text(view::string(job, "Id"));
        for (const auto* name : {"Name", "Object", "State", "Error"})
            row[name] = view::text(view::string(job, name));
        const auto error = view::string(job, "Error");
        row["Progress"] = view::text(error.empty() ? view::string(job, "Progress") : error);
        const auto started = parse_rfc3339(view::string(job, "Started"));
        row["Started"] = view::text(started ? human_duration(now - *started) + " ago" : "");
        return row;
    }

    bool all_ = false, quiet_ = false;
    std::string format_;
};

class JobCancel final : public Command {
public:
    Result<int> run(Session& session, const Strings& operands) override {
        auto* client = TRY(session.client());
        return for_each_operand("jobs cancel", operands,
                                [&](const std::string& id) -> Result<void> {
                                    TRY(sdk::cancel_job(*client, id));
                                    return print(id + "\n");
                                });
    }
};

class JobWatch final : public Command {
public:
    Result<int> run(Session& session, const Strings& operands) override {
        auto* client = TRY(session.client());
        auto stream = TRY(client->stream(sdk::watch_job_call(operands[0])));
        const bool redraw = is_terminal(STDOUT_FILENO);
        std::string state, error;
        const auto show = [&](const bj::object& job) -> Result<void> {
            state = view::string(job, "State");
            error = view::string(job, "Error");
            const auto line = std::string(view::string(job, "Name")) + " " +
                              std::string(view::string(job, "Object")) + ": " + state + " " +
                              std::string(view::string(job, "Progress"));
            return print(redraw ? "\r\x1b[2K" + line : line + "\n");
        };
        TRY(for_each_object(stream, show));
        if (redraw) TRY(print("\n"));
        if (state != "done")
            return fail(Code::cancelled, operands[0], ": ", error.empty() ? state : error);
        return 0;
    }
};

}  // namespace

std::unique_ptr<Command> make_job_list() { return std::make_unique<JobList>(); }
std::unique_ptr<Command> make_job_cancel() { return std::make_unique<JobCancel>(); }
std::unique_ptr<Command> make_job_watch() { return std::make_unique<JobWatch>(); }

}  // namespace davit::cli
