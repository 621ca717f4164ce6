// SPDX-License-Identifier: Apache-2.0
#include "core/container/log_line.hpp"
#include "core/engine/engine.hpp"
#include "sdk/base/json.hpp"

#include <boost/json.hpp>

#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

#include <unistd.h>
#include <fstream>
#include <thread>
#include <utility>

namespace davit::engine {

namespace {

namespace bj = boost::json;
using job::Job;

constexpr const char* kApiVersion = "1.51";  // docs/docker-compat.md
constexpr const char* kOldestApiVersion = "1.24";
constexpr const char* kVersion = DAVIT_VERSION;

struct Kernel {
    std::string release, machine, architecture;
};

Kernel kernel() {
    utsname names{};
    ::uname(&names);
    const std::string machine = names.machine;
    const std::string architecture = machine == "x86_64"    ? "amd64"
                                     : machine == "aarch64" ? "arm64"
                                                            : machine;
    return {names.release, machine, architecture};
}

// PRETTY_NAME and VERSION_ID of os-release(5).
std::string os_release(const std::string& key) {
    std::ifstream file("/etc/os-release");
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with(key + "=")) continue;
        std::string value = line.substr(key.size() + 1);
        if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
            value = value.substr(1, value.size() - 2);
        return value;
    }
    return "Linux";
}

Result<void> ping(Engine&, Job& job) { return job.result("OK"); }

Result<void> version(Engine&, Job& job) {
    const Kernel host = kernel();
    bj::object details{{"ApiVersion", kApiVersion},
                       {"Arch", host.architecture},
                       {"BuildTime", ""},
                       {"Experimental", "false"},
                       {"GitCommit", ""},
                       {"GoVersion", ""},
                       {"KernelVersion", host.release},
                       {"MinAPIVersion", kOldestApiVersion},
                       {"Os", "linux"}};
    return job.result(bj::object{
        {"Platform", bj::object{{"Name", std::string("Davit ") + kVersion}}},
        {"Components",
         bj::array{bj::object{
             {"Name", "Engine"}, {"Version", kVersion}, {"Details", std::move(details)}}}},
        {"Version", kVersion},
        {"ApiVersion", kApiVersion},
        {"MinAPIVersion", kOldestApiVersion},
        {"GitCommit", ""},
        {"GoVersion", ""},
        {"Os", "linux"},
        {"Arch", host.architecture},
        {"KernelVersion", host.release},
        {"BuildTime", ""}});
}

// 2 where the unified hierarchy is mounted alone, else 1 (hybrid hosts count as 1).
std::string cgroup_version() {
    constexpr long kCgroup2Magic = 0x63677270;  // CGROUP2_SUPER_MAGIC of linux/magic.h
    struct statfs facts {};
    const bool unified =
        ::statfs("/sys/fs/cgroup", &facts) == 0 && static_cast<long>(facts.f_type) == kCgroup2Magic;
    return unified ? "2" : "1";
}

bool forwards_ipv4() {
    std::ifstream file("/proc/sys/net/ipv4/ip_forward");
    return file.get() == '1';
}

std::int64_t memory_total() {
    struct sysinfo facts {};
    ::sysinfo(&facts);
    return static_cast<std::int64_t>(facts.totalram) * facts.mem_unit;
}

bj::array names_array(const std::vector<std::string>& names) {
    return bj::array(names.begin(), names.end());
}

// Each storage instance: its driver, whether it is the default and why, or why it does not work.
bj::array driver_status(Engine& engine, const Result<plugin::Choice>& choice) {
    bj::array status;
    for (const plugin::InstanceStatus& instance : engine.catalog().statuses("storage")) {
        std::string text = "driver " + instance.driver;
        if (!instance.reason.empty()) text = "does not work: " + instance.reason;
        if (choice && choice->instance == instance.name)
            text += ", default (" + choice->reason + ")";
        status.push_back(bj::array{instance.name, text});
    }
    return status;
}

bj::object runtimes(Engine& engine) {
    bj::object object;
    for (const std::string& name : engine.catalog().names("exec"))
        object[name] = bj::object{{"path", "davit-launch"}};
    return object;
}

struct Counts {
    int all = 0, running = 0, paused = 0, stopped = 0;
};

Counts count_containers(Engine& engine) {
    Counts counts;
    for (const auto& container : engine.containers().list()) {
        ++counts.all;
        const container::State state = container->state();
        ++(state.paused                                 ? counts.paused
           : state.status == container::Status::running ? counts.running
                                                        : counts.stopped);
    }
    return counts;
}

bj::object registry_config(const Config& config) {
    bj::object index{{"docker.io", bj::object{{"Name", "docker.io"},
                                              {"Mirrors", bj::array()},
                                              {"Secure", true},
                                              {"Official", true}}}};
    if (const auto mirrors = config.mirrors.find("docker.io"); mirrors != config.mirrors.end())
        index["docker.io"].get_object()["Mirrors"] = names_array(mirrors->second);
    bj::array cidrs{"127.0.0.0/8", "::1/128"};
    for (const std::string& registry : config.insecure_registries) {
        if (registry.find('/') != std::string::npos)
            cidrs.emplace_back(registry);
        else
            index[registry] = bj::object{{"Name", registry},
                                         {"Mirrors", bj::array()},
                                         {"Secure", false},
                                         {"Official", false}};
    }
    return {{"InsecureRegistryCIDRs", std::move(cidrs)},
            {"IndexConfigs", std::move(index)},
            {"Mirrors", bj::array()}};
}

Result<void> info(Engine& engine, Job& job) {
    const Kernel host = kernel();
    const Counts counts = count_containers(engine);
    const auto images = TRY(engine.images().list());
    const auto storage = engine.catalog().default_choice("storage");
    const auto exec = engine.catalog().default_name("exec");
    char name[256] = {};
    ::gethostname(name, sizeof name - 1);
    bj::array warnings;
    if (!storage) warnings.push_back(bj::value(storage.error().what));
    for (const std::string& finding : engine.networks().findings())
        warnings.push_back(bj::value("WARNING: " + finding));
    return job.result(bj::object{
        {"ID", engine.config().scope},
        {"Containers", counts.all},
        {"ContainersRunning", counts.running},
        {"ContainersPaused", counts.paused},
        {"ContainersStopped", counts.stopped},
        {"Images", images.size()},
        {"Driver", storage ? storage->instance : ""},
        {"DriverStatus", driver_status(engine, storage)},
        {"Plugins", bj::object{{"Volume", bj::array()},
                               {"Network", names_array(engine.catalog().names("network"))},
                               {"Authorization", nullptr},
                               {"Log", bj::array{"json-file", "none"}}}},
        {"MemoryLimit", true},
        {"SwapLimit", true},
        {"CpuCfsPeriod", true},
        {"CpuCfsQuota", true},
        {"CPUShares", true},
        {"CPUSet", true},
        {"PidsLimit", true},
        {"OomKillDisable", true},
        {"IPv4Forwarding", forwards_ipv4()},
        {"Debug", engine.config().log_level == "debug"},
        {"NFd", 0},
        {"NGoroutines", 0},
        {"SystemTime",
         container::format_time(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                    std::chrono::system_clock::now().time_since_epoch())
                                    .count())},
        {"LoggingDriver", engine.config().log_driver},
        {"CgroupDriver", "cgroupfs"},
        {"CgroupVersion", cgroup_version()},
        {"NEventsListener", 0},
        {"KernelVersion", host.release},
        {"OperatingSystem", os_release("PRETTY_NAME")},
        {"OSVersion", os_release("VERSION_ID")},
        {"OSType", "linux"},
        {"Architecture", host.machine},
        {"IndexServerAddress", "https://index.docker.io/v1/"},
        {"RegistryConfig", registry_config(engine.config())},
        {"NCPU", std::thread::hardware_concurrency()},
        {"MemTotal", memory_total()},
        {"GenericResources", nullptr},
        {"DockerRootDir", engine.config().data_root},
        {"HttpProxy", ""},
        {"HttpsProxy", ""},
        {"NoProxy", ""},
        {"Name", name},
        {"Labels", names_array(engine.config().labels)},
        {"ExperimentalBuild", false},
        {"ServerVersion", kVersion},
        {"Runtimes", runtimes(engine)},
        {"DefaultRuntime", exec ? *exec : ""},
        {"Swarm", bj::object{{"NodeID", ""},
                             {"NodeAddr", ""},
                             {"LocalNodeState", "inactive"},
                             {"ControlAvailable", false},
                             {"Error", ""},
                             {"RemoteManagers", nullptr}}},
        {"LiveRestoreEnabled", engine.config().live_restore},
        {"Isolation", ""},
        {"InitBinary", "davit-launch"},
        {"ContainerdCommit", bj::object{{"ID", ""}, {"Expected", ""}}},
        {"RuncCommit", bj::object{{"ID", ""}, {"Expected", ""}}},
        {"InitCommit", bj::object{{"ID", ""}, {"Expected", ""}}},
        {"SecurityOptions", bj::array{"name=seccomp,profile=builtin"}},
        {"Warnings", std::move(warnings)}});
}

Result<void> auth(Engine& engine, Job& job) {
    const bj::object body = TRY(json::parse_object(job.request().body, "auth body"));
    const std::string address = TRY(json::get_string(body, "serveraddress", ""));
    plugin::Repository repository{
        .host = address, .name = "", .auth = std::string(job.request().body)};
    // The client names the default registry by its credential key.
    if (address.empty() || address == "https://index.docker.io/v1/" || address == "index.docker.io")
        repository.host = "docker.io";
    for (const std::string_view scheme : {"https://", "http://"})
        if (repository.host.starts_with(scheme)) repository.host.erase(0, scheme.size());
    repository.host = repository.host.substr(0, repository.host.find('/'));
    sdk::Caller call(job.cancel());
    const std::string token = TRY(TRY(engine.registry("")).login(call, repository));
    return job.result(bj::object{{"Status", "Login Succeeded"}, {"IdentityToken", token}});
}

Result<void> driver_list(Engine& engine, Job& job) { return job.result(engine.catalog().list()); }

Result<void> driver_inspect(Engine& engine, Job& job) {
    return job.result(TRY(engine.catalog().inspect(job.argument("id"))));
}

bj::object job_json(const job::Record& record) {
    return {{"Id", record.id},
            {"Name", record.name},
            {"Object", record.object},
            {"State", record.state},
            {"Progress", record.progress},
            {"Error", record.error},
            {"Started", container::format_time(record.started_ns)},
            {"Ended", record.ended_ns == 0 ? "" : container::format_time(record.ended_ns)}};
}

Result<void> job_list(Engine& engine, Job& job) {
    bj::array entries;
    for (const job::Record& record : engine.jobs().list()) entries.push_back(job_json(record));
    return job.result(entries);
}

Result<void> job_inspect(Engine& engine, Job& job) {
    return job.result(job_json(TRY(engine.jobs().find(job.argument("id")))));
}

Result<void> job_cancel(Engine& engine, Job& job) {
    return engine.jobs().cancel(job.argument("id"));
}

// A line whenever the job has got further, until it ends.
Result<void> job_watch(Engine& engine, Job& job) {
    constexpr auto kLook = std::chrono::milliseconds(100);
    std::string last;
    while (true) {
        const job::Record record = TRY(engine.jobs().find(job.argument("id")));
        const bj::object object = job_json(record);
        if (const std::string text = bj::serialize(object); text != last) {
            TRY(job.progress(object));
            last = text;
        }
        if (record.state != "running") return {};
        TRY(job.cancel()->check("watch job"));
        std::this_thread::sleep_for(kLook);
    }
}

}  // namespace

void add_system_operations(Operations& jobs, Operations& queries) {
    jobs.insert({{"system.auth", auth}, {"job.cancel", job_cancel}, {"job.watch", job_watch}});
    queries.insert({{"system.ping", ping},
                    {"system.version", version},
                    {"system.info", info},
                    {"driver.list", driver_list},
                    {"driver.inspect", driver_inspect},
                    {"job.list", job_list},
                    {"job.inspect", job_inspect}});
}

}  // namespace davit::engine
