// SPDX-License-Identifier: Apache-2.0
#include "core/container/statistics.hpp"

#include "core/container/log_line.hpp"
#include "sdk/base/file.hpp"

#include <boost/json.hpp>

#include <fcntl.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <sstream>
#include <utility>

namespace davit::container {

namespace {

namespace bj = boost::json;

constexpr const char* kNever = "0001-01-01T00:00:00Z";
constexpr std::size_t kProcMax = 1u << 20;  // bytes of a file in /proc

std::string proc_text(const std::string& path) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    return file ? read_all(file.get(), kProcMax).value_or("") : "";
}

std::uint64_t host_memory() {
    struct sysinfo facts {};
    ::sysinfo(&facts);
    return static_cast<std::uint64_t>(facts.totalram) * facts.mem_unit;
}

// Figures by name, and those below a prefix.
class Figures {
public:
    explicit Figures(const Sample& sample) {
        for (const plugin::Figure& one : sample.figures) {
            byname_[one.name] = one.value;
            if (one.name.starts_with("io.")) devices_.push_back(&one);
        }
    }
    std::uint64_t get(const std::string& name) const {
        const auto found = byname_.find(name);
        return found == byname_.end() ? 0 : found->second;
    }
    bool has(const std::string& name) const { return byname_.contains(name); }
    bj::object below(const std::string& prefix) const {
        bj::object object;
        for (auto one = byname_.lower_bound(prefix);
             one != byname_.end() && one->first.starts_with(prefix); ++one)
            object[one->first.substr(prefix.size())] = one->second;
        return object;
    }
    // Docker's list of a block device's operations; null when there is none.
    bj::value devices(const std::string& prefix) const {
        bj::array list;
        for (const plugin::Figure* one : devices_)
            if (one->name.starts_with(prefix))
                list.push_back(bj::object{{"major", one->major},
                                          {"minor", one->minor},
                                          {"op", one->name.substr(prefix.size())},
                                          {"value", one->value}});
        return list.empty() ? bj::value(nullptr) : bj::value(std::move(list));
    }
    bj::array each_processor() const {
        bj::array list;
        for (int n = 0; has("cpu.each." + std::to_string(n)); ++n)
            list.push_back(get("cpu.each." + std::to_string(n)));
        return list;
    }

private:
    std::map<std::string, std::uint64_t> byname_;
    std::vector<const plugin::Figure*> devices_;
};

bj::object cpu_json(const Sample& sample) {
    const Figures figures(sample);
    bj::object usage{{"total_usage", figures.get("cpu.total")},
                     {"usage_in_kernelmode", figures.get("cpu.system")},
                     {"usage_in_usermode", figures.get("cpu.user")}};
    if (bj::array each = figures.each_processor(); !each.empty())
        usage["percpu_usage"] = std::move(each);
    bj::object cpu{
        {"cpu_usage", std::move(usage)},
        {"throttling_data", bj::object{{"periods", figures.get("cpu.periods")},
                                       {"throttled_periods", figures.get("cpu.throttled_periods")},
                                       {"throttled_time", figures.get("cpu.throttled_time")}}}};
    if (sample.figures.empty()) return cpu;
    cpu["system_cpu_usage"] = sample.host_cpu_ns;
    cpu["online_cpus"] = ::sysconf(_SC_NPROCESSORS_ONLN);
    return cpu;
}

bj::object memory_json(const Figures& figures) {
    if (!figures.has("memory.usage")) return {};
    const std::uint64_t host = host_memory();
    bj::object memory{
        {"usage", figures.get("memory.usage")},
        {"stats", figures.below("memory.stat.")},
        {"limit",
         figures.has("memory.limit") ? std::min(figures.get("memory.limit"), host) : host}};
    if (figures.get("cgroup.version") == 2) return memory;
    memory["max_usage"] = figures.get("memory.max_usage");
    memory["failcnt"] = figures.get("memory.failures");
    return memory;
}

bj::object block_json(const Figures& figures) {
    return {{"io_service_bytes_recursive", figures.devices("io.bytes.")},
            {"io_serviced_recursive", figures.devices("io.operations.")},
            {"io_queue_recursive", nullptr},
            {"io_service_time_recursive", nullptr},
            {"io_wait_time_recursive", nullptr},
            {"io_merged_recursive", nullptr},
            {"io_time_recursive", nullptr},
            {"sectors_recursive", nullptr}};
}

bj::object networks_json(const std::vector<InterfaceCounters>& interfaces) {
    bj::object networks;
    for (const InterfaceCounters& one : interfaces)
        networks[one.name] =
            bj::object{{"rx_bytes", one.rx_bytes},   {"rx_packets", one.rx_packets},
                       {"rx_errors", one.rx_errors}, {"rx_dropped", one.rx_dropped},
                       {"tx_bytes", one.tx_bytes},   {"tx_packets", one.tx_packets},
                       {"tx_errors", one.tx_errors}, {"tx_dropped", one.tx_dropped}};
    return networks;
}

}  // namespace

std::vector<InterfaceCounters> parse_interfaces(std::string_view text) {
    std::vector<InterfaceCounters> all;
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
        const std::size_t colon = line.find(':');
        if (colon == std::string::npos) continue;  // the two lines of headings
        InterfaceCounters one;
        std::istringstream(line.substr(0, colon)) >> one.name;
        std::istringstream words(line.substr(colon + 1));
        std::uint64_t skip = 0;
        words >> one.rx_bytes >> one.rx_packets >> one.rx_errors >> one.rx_dropped >> skip >>
            skip >> skip >> skip >> one.tx_bytes >> one.tx_packets >> one.tx_errors >>
            one.tx_dropped;
        if (words && one.name != "lo") all.push_back(std::move(one));
    }
    return all;
}

// "cpu  user nice system idle iowait irq softirq steal …"; what guests use is counted in user.
std::uint64_t parse_host_cpu(std::string_view text) {
    constexpr int kCounted = 7;
    const auto tick = 1'000'000'000ull / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
    std::istringstream words{std::string(text.substr(0, text.find('\n')))};
    std::string name;
    words >> name;
    std::uint64_t total = 0, ticks = 0;
    for (int i = 0; i < kCounted && words >> ticks; ++i) total += ticks;
    return total * tick;
}

Result<Sample> take_sample(Containers& containers, const ContainerPtr& container) {
    Sample sample;
    const State state = container->state();
    if (state.status != Status::running) return sample;
    const plugin::Exec exec = TRY(containers.services().exec(container->record().exec_instance));
    sdk::Caller call;
    auto figures = exec.stats(call, container->id());
    if (!figures && figures.error().code == Code::conflict) return sample;  // it has just ended
    sample.figures = TRY(std::move(figures));
    sample.time_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(
                         std::chrono::system_clock::now().time_since_epoch())
                         .count();
    sample.host_cpu_ns = parse_host_cpu(proc_text("/proc/stat"));
    if (container->config().network_mode != "host")
        sample.interfaces =
            parse_interfaces(proc_text("/proc/" + std::to_string(state.pid) + "/net/dev"));
    return sample;
}

bj::object statistics_json(const Container& container, const Sample& now, const Sample& before) {
    const Figures figures(now);
    const auto time = [](const Sample& sample) {
        return sample.time_ns == 0 ? std::string(kNever) : format_time(sample.time_ns);
    };
    bj::object pids;
    if (figures.has("pids.current")) pids["current"] = figures.get("pids.current");
    if (figures.has("pids.limit")) pids["limit"] = figures.get("pids.limit");
    bj::object object{{"id", container.id()},
                      {"name", "/" + container.name()},
                      {"read", time(now)},
                      {"preread", time(before)},
                      {"num_procs", 0},
                      {"pids_stats", std::move(pids)},
                      {"blkio_stats", block_json(figures)},
                      {"storage_stats", bj::object()},
                      {"cpu_stats", cpu_json(now)},
                      {"precpu_stats", cpu_json(before)},
                      {"memory_stats", memory_json(figures)}};
    if (!now.interfaces.empty()) object["networks"] = networks_json(now.interfaces);
    return object;
}

}  // namespace davit::container
