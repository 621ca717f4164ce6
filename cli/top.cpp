// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/listing.hpp"
#include "cli/output.hpp"
#include "cli/view.hpp"
#include "sdk/client/containers.hpp"

namespace davit::cli {
namespace {

class Top final : public Command {
public:
    Result<int> run(Session& session, const Strings& operands) override {
        std::string options;
        for (std::size_t i = 1; i < operands.size(); ++i)
            options += (options.empty() ? "" : " ") + operands[i];
        auto* client = TRY(session.client());
        const auto answer = TRY(sdk::top_container(*client, operands[0], options));
        const auto& list = view::as_object(answer);
        std::string table = line_of(view::array(list, "Titles"));
        for (const auto& row : view::array(list, "Processes"))
            if (row.is_array()) table += line_of(row.get_array());
        TRY(print(align_columns(table)));
        return 0;
    }

private:
    static std::string line_of(const boost::json::array& cells) {
        std::string line;
        for (const auto& cell : cells)
            line.append(line.empty() ? "" : "\t").append(view::as_string(cell));
        return line + "\n";
    }
};

}  // namespace

std::unique_ptr<Command> make_top() { return std::make_unique<Top>(); }

}  // namespace davit::cli
