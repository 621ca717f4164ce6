// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/listing.hpp"
#include "cli/output.hpp"
#include "cli/usage.hpp"
#include "cli/view.hpp"
#include "sdk/client/containers.hpp"

#include <unistd.h>

#include <map>
#include <utility>

namespace davit::cli {
namespace {

namespace bj = boost::json;

constexpr const char* kTable =
    "{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t"
    "{{.BlockIO}}\t{{.PIDs}}";
constexpr unsigned kInterval = 1;              // seconds
constexpr const char* kHome = "\033[H\033[J";  // to the top, and nothing below

class Stats final : public Command {
public:
    void declare(Flags& flags) override {
        flags.toggle(all_, "a,all", "Show those that do not run as well");
        flags.toggle(once_, "no-stream", "Show it once");
        flags.toggle(whole_, "no-trunc", "Do not shorten ids");
        flags.text(format_, "format", "FORMAT", "'table', 'json' or a Go template");
    }

    Result<int> run(Session& session, const Strings& operands) override {
        auto* client = TRY(session.client());
        TRY(look(*client, operands));  // what the next look is held against
        for (bool first = true;; first = false) {
            ::sleep(kInterval);
            TRY(look(*client, operands));
            const auto text = TRY(this->text());
            if (once_) {
                TRY(print(text));
                return 0;
            }
            const bool screen = ::isatty(STDOUT_FILENO) == 1;
            TRY(print(screen ? (first ? "\033[2J" : "") + (kHome + text) : text));
        }
    }

private:
    // Named ones must be there; of all, one that goes meanwhile is no error.
    Result<void> look(sdk::Client& client, const Strings& operands) {
        const Strings names = operands.empty() ? TRY(every(client)) : operands;
        before_ = std::exchange(now_, {});
        order_.clear();
        for (const auto& name : names) {
            auto answer = sdk::container_stats(client, name);
            if (!answer && operands.empty() && answer.error().code == Code::not_found) continue;
            now_[name] = view::as_object(TRY(std::move(answer)));
            order_.push_back(name);
        }
        return {};
    }

    Result<Strings> every(sdk::Client& client) const {
        const auto containers = TRY(sdk::list_containers(client, {.all = all_}));
        Strings ids;
        if (containers.is_array())
            for (const auto& one : containers.get_array())
                ids.emplace_back(view::string(view::as_object(one), "Id"));
        return ids;
    }

    Result<std::string> text() const {
        auto listing = TRY(Listing::create(format_, kTable,
                                           {{"Container", "CONTAINER"},
                                            {"ID", "CONTAINER ID"},
                                            {"Name", "NAME"},
                                            {"CPUPerc", "CPU %"},
                                            {"MemUsage", "MEM USAGE / LIMIT"},
                                            {"MemPerc", "MEM %"},
                                            {"NetIO", "NET I/O"},
                                            {"BlockIO", "BLOCK I/O"},
                                            {"PIDs", "PIDS"}}));
        static const bj::object kNothing;
        for (const auto& name : order_) {
            const auto earlier = before_.find(name);
            TRY(listing.add(usage_row(name, now_.at(name),
                                      earlier == before_.end() ? kNothing : earlier->second,
                                      whole_)));
        }
        return listing.finish();
    }

    bool all_ = false, once_ = false, whole_ = false;
    std::string format_;
    std::map<std::string, bj::object> now_, before_;
    Strings order_;
};

}  // namespace

std::unique_ptr<Command> make_stats() { return std::make_unique<Stats>(); }

}  // namespace davit::cli
