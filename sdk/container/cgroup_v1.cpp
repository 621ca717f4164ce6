// SPDX-License-Identifier: Apache-2.0
// Control groups version 1: one directory per hierarchy. On hybrid hosts the version 2 side stays
// at its root.
#include "sdk/base/file.hpp"
#include "sdk/base/process.hpp"
#include "sdk/base/undo.hpp"
#include "sdk/container/cgroup_files.hpp"
#include "sdk/container/cgroup_statistics.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <csignal>
#include <sstream>

namespace davit::sdk {

namespace {

using namespace cgroup;

struct Hierarchy {
    std::string name;  // of its mount directory: "memory", "cpu,cpuacct", "systemd"
    std::string path;
    Fd directory;
    std::vector<std::string> controllers;

    bool has(std::string_view controller) const {
        return std::find(controllers.begin(), controllers.end(), controller) != controllers.end();
    }
};

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

    Result<Entrance> open_entrance(const std::string& group) const override {
        Entrance entrance;
        for (const Hierarchy& hierarchy : hierarchies_) {
            Fd file(::openat(hierarchy.directory.get(), (inside(group) + "/tasks").c_str(),
                             O_WRONLY | O_CLOEXEC));
            if (!file) return os_error("open control group " + group);
            entrance.joins.push_back(std::move(file));
        }
        return entrance;
    }

    Result<Entrance> open_entrance_beside(const std::string& group, pid_t) const override {
        return open_entrance(group);
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
        TRY(add_processes(hierarchy.directory.get(), inside(group), pids));
        return pids;
    }

    Result<std::vector<Figure>> statistics(const std::string& group) const override {
        std::vector<Figure> figures{{.name = "cgroup.version", .value = 1}};
        TRY(processes(group));  // not_found once it is gone
        const auto add = [&](const char* controller, auto read) {
            if (const Hierarchy* hierarchy = find(controller))
                read(hierarchy->directory.get(), inside(group), figures);
        };
        add("cpuacct", add_cpu_v1);
        add("cpu", add_throttling_v1);
        add("memory", add_memory_v1);
        add("blkio", add_block_v1);
        add("pids", add_pids);
        return figures;
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
            TRY(remove_group(hierarchy.directory.get(), inside(group))
                    .context("remove control group ", group));
        return {};
    }

    Result<std::vector<std::string>> groups() const override {
        std::vector<std::string> all;
        for (const Hierarchy& hierarchy : hierarchies_)
            for (std::string& name : TRY(groups_in(hierarchy.directory.get(), parent_)))
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
        return make_group(hierarchy.directory.get(), path).context("in ", hierarchy.name);
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
        // Like the weight above, this one's file is the scheduler's.
        auto weighed = write_throttles(group, "blkio.weight_device", limits.device_weights);
        if (!weighed && weighed.error().code == Code::unsupported)
            weighed = write_throttles(group, "blkio.bfq.weight_device", limits.device_weights);
        TRY(std::move(weighed));
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

Result<std::unique_ptr<Cgroups>> open_cgroups_v1(const std::string& parent) {
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
