// SPDX-License-Identifier: Apache-2.0
// Control groups version 1: one directory per hierarchy. On hybrid hosts the version 2 side stays
// at its root.
#include "sdk/base/file.hpp"
#include "sdk/base/process.hpp"
#include "sdk/base/undo.hpp"
#include "sdk/container/cgroup.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <sstream>

namespace davit::sdk {

namespace {

constexpr std::size_t kMaxFile = 1u << 20;  // cgroup.procs of 100 000 processes
constexpr int kPatience = 100;       // tries, 10 ms apart: a killed process leaves within moments
constexpr long kPause = 10'000'000;  // nanoseconds

struct Hierarchy {
    std::string name;  // of its mount directory: "memory", "cpu,cpuacct", "systemd"
    std::string path;
    Fd directory;
    std::vector<std::string> controllers;

    bool has(std::string_view controller) const {
        return std::find(controllers.begin(), controllers.end(), controller) != controllers.end();
    }
};

void pause() {
    const timespec time{0, kPause};
    ::nanosleep(&time, nullptr);
}

Result<void> write_file(int directory, const std::string& path, const std::string& value) {
    Fd file(::openat(directory, path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file) return os_error("open " + path);
    if (::write(file.get(), value.data(), value.size()) < 0)
        return os_error("write " + value + " to " + path);
    return {};
}

std::string device_rule(const DeviceRule& rule) {
    const auto number = [](const std::optional<std::int64_t>& value) {
        return value && *value >= 0 ? std::to_string(*value) : std::string("*");
    };
    return std::string(1, rule.type) + " " + number(rule.major) + ":" + number(rule.minor) + " " +
           rule.access;
}

// Lines of /proc/self/mountinfo: "… root mount-point options … - type source super-options".
std::vector<Hierarchy> find_hierarchies(const std::string& mountinfo) {
    std::vector<Hierarchy> found;
    std::istringstream lines(mountinfo);
    for (std::string line; std::getline(lines, line);) {
        const std::size_t dash = line.find(" - cgroup ");
        if (dash == std::string::npos) continue;
        std::istringstream fields(line);
        std::string skip, point, options;
        fields >> skip >> skip >> skip >> skip >> point;
        const std::size_t last = line.rfind(' ');
        options = line.substr(last + 1);
        Hierarchy hierarchy{point.substr(point.rfind('/') + 1), point, Fd(), {}};
        std::istringstream words(options);
        for (std::string word; std::getline(words, word, ',');)
            if (word != "rw" && word != "ro") hierarchy.controllers.push_back(word);
        found.push_back(std::move(hierarchy));
    }
    return found;
}

class CgroupsV1 final : public Cgroups {
public:
    CgroupsV1(std::string parent, std::vector<Hierarchy> hierarchies)
        : parent_(std::move(parent)), hierarchies_(std::move(hierarchies)) {}

    Result<void> prepare() {
        for (const Hierarchy& hierarchy : hierarchies_) {
            TRY(make_directory_in(hierarchy, parent_));
            if (hierarchy.has("cpuset")) TRY(prepare_cpuset(hierarchy));
            TRY(make_directory_in(hierarchy, inside(kLaunch)));
        }
        return {};
    }

    Result<void> make(const std::string& group, const Resources& limits) const override {
        Undo leave_nothing([&] { static_cast<void>(remove(group)); });
        for (const Hierarchy& hierarchy : hierarchies_)
            TRY(make_directory_in(hierarchy, inside(group)));
        TRY(write_limits(group, limits));
        if (limits.devices) TRY(write_devices(group, *limits.devices));
        leave_nothing.keep();
        return {};
    }

    Result<void> update(const std::string& group, const Resources& limits) const override {
        TRY(write_limits(group, limits));
        if (limits.devices) return write_devices(group, *limits.devices);
        return {};
    }

    Result<std::vector<Fd>> open_joins(const std::string& group) const override {
        std::vector<Fd> files;
        for (const Hierarchy& hierarchy : hierarchies_) {
            Fd file(::openat(hierarchy.directory.get(), (inside(group) + "/tasks").c_str(),
                             O_WRONLY | O_CLOEXEC));
            if (!file) return os_error("open control group " + group);
            files.push_back(std::move(file));
        }
        return files;
    }

    Result<Fd> open_memory_events(const std::string& group) const override {
        const Hierarchy* memory = find("memory");
        if (memory == nullptr)
            return fail(Code::unsupported, "watch memory of ", group, ": no memory hierarchy");
        Fd file(::openat(memory->directory.get(), (inside(group) + "/memory.oom_control").c_str(),
                         O_RDONLY | O_CLOEXEC));
        if (!file) return os_error("open memory events of " + group);
        return file;
    }

    std::vector<GroupDirectory> directories(const std::string& group) const override {
        std::vector<GroupDirectory> list;
        for (const Hierarchy& hierarchy : hierarchies_)
            list.push_back({hierarchy.name, hierarchy.path + "/" + inside(group)});
        return list;
    }

    Result<std::vector<pid_t>> processes(const std::string& group) const override {
        const Hierarchy& hierarchy = counting();
        std::vector<pid_t> pids;
        const std::string text =
            TRY(read_file(hierarchy.directory.get(), inside(group) + "/cgroup.procs", kMaxFile));
        std::istringstream lines(text);
        for (pid_t pid = 0; lines >> pid;) pids.push_back(pid);
        return pids;
    }

    Result<void> freeze(const std::string& group, bool frozen) const override {
        const Hierarchy* freezer = find("freezer");
        if (freezer == nullptr)
            return fail(Code::unsupported, "pause ", group, ": no freezer hierarchy");
        const std::string file = inside(group) + "/freezer.state";
        const std::string wanted = frozen ? "FROZEN" : "THAWED";
        for (int attempt = 0; attempt < kPatience; ++attempt) {
            // Written again each time: a process that was just forked may have slipped through.
            TRY(write_file(freezer->directory.get(), file, wanted).context("pause ", group));
            const std::string now = TRY(read_file(freezer->directory.get(), file, 64));
            if (now.starts_with(wanted)) return {};
            pause();
        }
        static_cast<void>(write_file(freezer->directory.get(), file, "THAWED"));
        return fail(Code::busy, "pause ", group, ": a process does not stop");
    }

    Result<void> kill(const std::string& group) const override {
        for (int attempt = 0; attempt < kPatience; ++attempt) {
            auto pids = processes(group);
            if (!pids && pids.error().code == Code::not_found) return {};
            if (!pids) return std::move(pids).error();
            if (pids->empty()) return {};
            for (const pid_t pid : *pids)
                if (auto process = open_pidfd(pid))
                    static_cast<void>(send_signal(process->get(), SIGKILL));
            static_cast<void>(thaw(group));  // a frozen process dies only once it may run
            pause();
        }
        return fail(Code::busy, "kill control group ", group, ": it does not become empty");
    }

    Result<void> remove(const std::string& group) const override {
        for (const Hierarchy& hierarchy : hierarchies_)
            TRY(remove_directory(hierarchy.directory.get(), inside(group))
                    .context("remove control group ", group));
        return {};
    }

    Result<std::vector<std::string>> groups() const override {
        std::vector<std::string> all;
        for (const Hierarchy& hierarchy : hierarchies_)
            for (std::string& name : TRY(subdirectories(hierarchy.directory.get(), parent_)))
                if (name != kLaunch && std::find(all.begin(), all.end(), name) == all.end())
                    all.push_back(std::move(name));
        return all;
    }

private:
    std::string inside(const std::string& group) const { return parent_ + "/" + group; }

    const Hierarchy* find(std::string_view controller) const {
        for (const Hierarchy& hierarchy : hierarchies_)
            if (hierarchy.has(controller)) return &hierarchy;
        return nullptr;
    }

    // The hierarchy whose list of processes we believe: programs inside cannot move away from any
    // of them, but the freezer's is the one that pausing and killing act on.
    const Hierarchy& counting() const {
        const Hierarchy* freezer = find("freezer");
        return freezer != nullptr ? *freezer : hierarchies_.front();
    }

    Result<void> thaw(const std::string& group) const {
        const Hierarchy* freezer = find("freezer");
        if (freezer == nullptr) return {};
        return write_file(freezer->directory.get(), inside(group) + "/freezer.state", "THAWED");
    }

    // A new group of this hierarchy has no processor and no memory node, and nothing can run in it.
    // Ours get those of the group above; with clone_children the groups below begin with ours.
    Result<void> prepare_cpuset(const Hierarchy& hierarchy) const {
        const int directory = hierarchy.directory.get();
        for (const char* file : {"cpuset.cpus", "cpuset.mems"}) {
            const std::string own = TRY(read_file(directory, parent_ + "/" + file, kMaxFile));
            if (own.find_first_not_of(" \n") != std::string::npos) continue;
            const std::size_t slash = parent_.rfind('/');
            const std::string above =
                slash == std::string::npos ? "" : parent_.substr(0, slash + 1);
            TRY(write_file(directory, parent_ + "/" + file,
                           TRY(read_file(directory, above + file, kMaxFile))));
        }
        return write_file(directory, parent_ + "/cgroup.clone_children", "1");
    }

    static Result<void> make_directory_in(const Hierarchy& hierarchy, const std::string& path) {
        if (::mkdirat(hierarchy.directory.get(), path.c_str(), 0755) != 0 && errno != EEXIST)
            return os_error("make control group " + hierarchy.name + "/" + path);
        return {};
    }

    static Result<std::vector<std::string>> subdirectories(int directory, const std::string& path) {
        std::vector<std::string> found;
        Fd opened(
            ::openat(directory, path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!opened)
            return errno == ENOENT ? Result<std::vector<std::string>>(found)
                                   : os_error("open " + path);
        for (std::string& name : TRY(list_names(opened.get()))) {
            struct stat status {};
            if (::fstatat(opened.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
                S_ISDIR(status.st_mode))
                found.push_back(std::move(name));
        }
        return found;
    }

    // A group is busy for a moment after its last process was reaped.
    static Result<void> remove_directory(int directory, const std::string& path) {
        for (int attempt = 0;; ++attempt) {
            if (::unlinkat(directory, path.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT)
                return {};
            if (errno != EBUSY || attempt == kPatience) return os_error("remove " + path);
            for (const std::string& child : TRY(subdirectories(directory, path)))
                TRY(remove_directory(directory, path + "/" + child));
            if (::unlinkat(directory, path.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT)
                return {};
            pause();
        }
    }

    Result<void> write_value(const std::string& group, const std::string& file,
                             const std::string& value) const {
        const std::string_view controller = std::string_view(file).substr(0, file.find('.'));
        const Hierarchy* hierarchy = find(controller);
        if (hierarchy == nullptr)
            return fail(Code::unsupported, "limit ", file, ": no ", std::string(controller),
                        " hierarchy");
        auto written = write_file(hierarchy->directory.get(), inside(group) + "/" + file, value);
        if (!written && written.error().os_errno == ENOENT)
            return fail(Code::unsupported, "limit ", file, ": this kernel does not offer it");
        return written;
    }
    template <class Number>
    Result<void> write_number(const std::string& group, const char* file,
                              const std::optional<Number>& value) const {
        return value ? write_value(group, file, std::to_string(*value)) : Result<void>();
    }

    Result<void> write_limits(const std::string& group, const Resources& limits) const {
        TRY(write_memory(group, limits));
        TRY(write_processor(group, limits));
        if (limits.pids) {
            // Zero and below mean no limit; the kernel's word for it is "max".
            TRY(write_value(group, "pids.max",
                            *limits.pids > 0 ? std::to_string(*limits.pids) : "max"));
        }
        return write_block(group, limits);
    }

    Result<void> write_memory(const std::string& group, const Resources& limits) const {
        const char* const both = "memory.memsw.limit_in_bytes";
        auto limited = write_number(group, "memory.limit_in_bytes", limits.memory);
        // memory may not exceed memory-and-swap at any moment: growing, the second has to go first.
        if (!limited && limited.error().os_errno == EINVAL && limits.memory_and_swap) {
            TRY(write_number(group, both, limits.memory_and_swap));
            limited = write_number(group, "memory.limit_in_bytes", limits.memory);
        }
        TRY(std::move(limited));
        TRY(write_number(group, both, limits.memory_and_swap));
        TRY(write_number(group, "memory.soft_limit_in_bytes", limits.memory_reservation));
        TRY(write_number(group, "memory.swappiness", limits.swappiness));
        if (limits.disable_oom_killer)
            TRY(write_value(group, "memory.oom_control", *limits.disable_oom_killer ? "1" : "0"));
        return {};
    }

    Result<void> write_processor(const std::string& group, const Resources& limits) const {
        TRY(write_number(group, "cpu.shares", limits.cpu_shares));
        TRY(write_number(group, "cpu.cfs_period_us", limits.cpu_period));
        TRY(write_number(group, "cpu.cfs_quota_us", limits.cpu_quota));
        TRY(write_number(group, "cpu.rt_period_us", limits.cpu_realtime_period));
        TRY(write_number(group, "cpu.rt_runtime_us", limits.cpu_realtime_runtime));
        if (limits.cpus) TRY(write_value(group, "cpuset.cpus", *limits.cpus));
        if (limits.memory_nodes) TRY(write_value(group, "cpuset.mems", *limits.memory_nodes));
        return {};
    }

    Result<void> write_block(const std::string& group, const Resources& limits) const {
        if (limits.block_weight) {
            auto written = write_number(group, "blkio.weight", limits.block_weight);
            if (!written && written.error().code ==
                                Code::unsupported)  // the scheduler in use decides on the file
                written = write_number(group, "blkio.bfq.weight", limits.block_weight);
            TRY(std::move(written));
        }
        TRY(write_throttles(group, "blkio.throttle.read_bps_device", limits.read_bytes));
        TRY(write_throttles(group, "blkio.throttle.write_bps_device", limits.write_bytes));
        TRY(write_throttles(group, "blkio.throttle.read_iops_device", limits.read_operations));
        return write_throttles(group, "blkio.throttle.write_iops_device", limits.write_operations);
    }

    Result<void> write_throttles(const std::string& group, const char* file,
                                 const std::vector<Throttle>& list) const {
        for (const Throttle& one : list)
            TRY(write_value(group, file,
                            std::to_string(one.major) + ":" + std::to_string(one.minor) + " " +
                                std::to_string(one.rate)));
        return {};
    }

    Result<void> write_devices(const std::string& group, std::vector<DeviceRule> rules) const {
        const Hierarchy* devices = find("devices");
        if (devices == nullptr)
            return fail(Code::unsupported, "limit devices: no devices hierarchy");
        for (const DeviceRule& usual : usual_device_rules()) rules.push_back(usual);
        const std::string directory = inside(group);
        Fd allow(::openat(devices->directory.get(), (directory + "/devices.allow").c_str(),
                          O_WRONLY | O_CLOEXEC));
        Fd deny(::openat(devices->directory.get(), (directory + "/devices.deny").c_str(),
                         O_WRONLY | O_CLOEXEC));
        if (!allow || !deny) return os_error("limit devices");
        for (const DeviceRule& rule : rules) {
            const std::string text = device_rule(rule);
            if (::write((rule.allow ? allow : deny).get(), text.data(), text.size()) < 0)
                return os_error("limit device " + text);
        }
        return {};
    }

    std::string parent_;
    std::vector<Hierarchy> hierarchies_;
};

}  // namespace

std::vector<DeviceRule> usual_device_rules() {
    // Making any node is harmless, opening it is what counts; then null, zero, full, tty, random,
    // urandom, console, the terminals of a devpts and its ptmx.
    std::vector<DeviceRule> rules{{true, 'c', {}, {}, "m"}, {true, 'b', {}, {}, "m"}};
    for (const std::int64_t minor : {3, 5, 7, 8, 9}) rules.push_back({true, 'c', 1, minor, "rwm"});
    for (const std::int64_t minor : {0, 1, 2}) rules.push_back({true, 'c', 5, minor, "rwm"});
    rules.push_back({true, 'c', 136, {}, "rwm"});
    return rules;
}

Result<std::unique_ptr<Cgroups>> Cgroups::open(const std::string& parent) {
    Fd proc = TRY(open_directory("/proc/self", O_PATH));
    std::vector<Hierarchy> hierarchies =
        find_hierarchies(TRY(read_file(proc.get(), "mountinfo", 16 * kMaxFile)));
    if (hierarchies.empty())
        return fail(Code::unsupported,
                    "use control groups: no version 1 hierarchy is mounted on this host");
    for (Hierarchy& hierarchy : hierarchies)
        hierarchy.directory = TRY(open_directory(hierarchy.path, O_PATH));
    auto groups = std::make_unique<CgroupsV1>(parent, std::move(hierarchies));
    TRY(groups->prepare().context("use control groups"));
    return std::unique_ptr<Cgroups>(std::move(groups));
}

}  // namespace davit::sdk
