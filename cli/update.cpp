// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/host_options.hpp"
#include "cli/output.hpp"
#include "cli/template/print.hpp"
#include "cli/units.hpp"
#include "cli/view.hpp"
#include "sdk/client/containers.hpp"

namespace davit::cli {
namespace {

class Update final : public Command {
public:
    void declare(Flags& flags) override {
        flags.bytes(to_.memory, "m,memory", "Memory");
        flags.bytes(to_.memory_swap, "memory-swap",
                    "Memory and swap together; -1: any amount of swap");
        flags.bytes(to_.memory_reservation, "memory-reservation",
                    "Memory it keeps when memory is short");
        flags.bytes(to_.kernel_memory, "kernel-memory", "Kernel memory: of no effect");
        const auto cpus = [this](std::string_view text) -> Result<void> {
            to_.nano_cpus = TRY(parse_nano(text));
            return {};
        };
        flags.custom(cpus, "cpus", "N", "Processors, in parts if you like: 1.5");
        flags.number(to_.cpu_shares, "c,cpu-shares", "N",
                     "Share of processor time, against others");
        flags.number(to_.cpu_period, "cpu-period", "MICROSECONDS", "Period of the CFS scheduler");
        flags.number(to_.cpu_quota, "cpu-quota", "MICROSECONDS", "Quota of the CFS scheduler");
        flags.number(to_.cpu_rt_period, "cpu-rt-period", "MICROSECONDS",
                     "Period of the real-time scheduler");
        flags.number(to_.cpu_rt_runtime, "cpu-rt-runtime", "MICROSECONDS",
                     "Run time of the real-time scheduler");
        flags.text(to_.cpuset_cpus, "cpuset-cpus", "LIST", "Processors it may use: 0-3, 0,1");
        flags.text(to_.cpuset_mems, "cpuset-mems", "LIST", "Memory nodes it may use");
        flags.number(to_.pids, "pids-limit", "N", "Processes and threads; -1: any number");
        flags.number(to_.blkio_weight, "blkio-weight", "10-1000", "Share of disk time");
        flags.text(to_.restart, "restart", "POLICY",
                   "When to start it again: no, on-failure[:N], always, unless-stopped");
    }

    Result<int> run(Session& session, const Strings& operands) override {
        const auto body = TRY(limits_update(to_));
        if (body.empty())
            return fail(Code::invalid,
                        "you must provide one or more flags when using this command");
        auto* client = TRY(session.client());
        return for_each_operand("update", operands, [&](const std::string& name) -> Result<void> {
            const auto answer = TRY(sdk::update_container(*client, name, templates::to_json(body)));
            for (const auto& warning : view::array(view::as_object(answer), "Warnings"))
                print_error("WARNING: " + std::string(view::as_string(warning)) + "\n");
            return print(name + "\n");
        });
    }

private:
    ContainerOptions to_;
};

}  // namespace

std::unique_ptr<Command> make_update() { return std::make_unique<Update>(); }

}  // namespace davit::cli
