// SPDX-License-Identifier: Apache-2.0
// How long an exec driver needs for a container-shaped `true`: create, start, exit, removal. Plain
// program:
//   exec_start DRIVER.so DIRECTORY-OF-DAVIT-LAUNCH [ROUNDS] [GAP-MS]
// Prints the median and the least of each step in microseconds. A gap between rounds shows what
// back-to-back runs hide: grace periods that the kernel shares between neighbours.
#include "sdk/contract/exec_bench.hpp"

#include <dlfcn.h>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <thread>

namespace {

using namespace davit;
using namespace davit::sdk::contract;
using Clock = std::chrono::steady_clock;

const davit_driver* load(const char* path) {
    void* file = ::dlopen(path, RTLD_NOW | RTLD_LOCAL);
    void* symbol = file == nullptr ? nullptr : ::dlsym(file, DAVIT_MODULE_SYMBOL);
    return symbol == nullptr ? nullptr : reinterpret_cast<davit_module_fn>(symbol)()->drivers[0];
}

class Samples {
public:
    void add(const std::string& step, Clock::duration time) {
        all_[step].push_back(std::chrono::duration<double, std::micro>(time).count());
    }
    void print() {
        for (auto& [step, times] : all_) {
            std::sort(times.begin(), times.end());
            std::printf("%-8s median %8.0f µs   least %8.0f µs\n", step.c_str(),
                        times[times.size() / 2], times[0]);
        }
    }

private:
    std::map<std::string, std::vector<double>> all_;
};

const Wish kTrue{.more_linux = R"(,
    "maskedPaths": ["/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
    "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"])",
                 .more = R"(, "hostname": "bench", "annotations": {"davit.seccomp": "default"})"};

Result<void> round(ExecBench& bench, Samples& samples) {
    const auto begin = Clock::now();
    const Created created = TRY(bench.create("bench", kTrue));
    const auto made = Clock::now();
    TRY(bench.start("bench"));
    const auto started = Clock::now();
    TRY(bench.ended("bench"));
    const auto ended = Clock::now();
    TRY(bench.remove("bench"));
    samples.add("create", made - begin);
    samples.add("start", started - made);
    samples.add("exit", ended - started);
    samples.add("total", ended - begin);
    samples.add("remove", Clock::now() - ended);
    return {};
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fputs("usage: exec_start DRIVER.so DIRECTORY-OF-DAVIT-LAUNCH [ROUNDS] [GAP-MS]\n",
                   stderr);
        return 2;
    }
    const int rounds = argc > 3 ? std::atoi(argv[3]) : 50;
    const int gap = argc > 4 ? std::atoi(argv[4]) : 0;
    const davit_driver* driver = load(argv[1]);
    if (driver == nullptr) {
        std::fprintf(stderr, "exec_start: load %s: %s\n", argv[1], ::dlerror());
        return 2;
    }
    ExecSubject subject{
        .name = "Bench", .driver = [driver] { return driver; }, .executables = argv[2]};
    ExecBench bench(subject);
    bench.set_up();
    Samples samples;
    for (int at = 0; at <= rounds; ++at) {
        Samples warming;
        const auto done = round(bench, at == 0 ? warming : samples);
        if (!done) {
            std::fprintf(stderr, "exec_start: %s\n", done.error().what.c_str());
            return 1;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(gap));
    }
    samples.print();
    return 0;
}
