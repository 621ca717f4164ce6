// SPDX-License-Identifier: Apache-2.0
// Control groups version 2: one tree for everything. A group whose controllers are handed to the
// groups below it cannot hold processes itself, so everything lives in leaves: containers, the
// launchers' group and, where it has to make room, this process.
#include "sdk/base/file.hpp"
#include "sdk/base/undo.hpp"
#include "sdk/container/cgroup_files.hpp"
#include "sdk/container/cgroup_statistics.hpp"
#include "sdk/container/cgroup_v2_settings.hpp"
#include "sdk/container/device_filter.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <iterator>
#include <sstream>

namespace davit::sdk {

namespace {

using namespace cgroup;

constexpr std::array<const char*, 5> kControllers = {"cpuset", "cpu", "io", "memory", "pids"};
constexpr const char* kAside = "davit-engine";  // where this process goes to make room

class CgroupsV2 final : public Cgroups {
public:
    CgroupsV2(std::string parent, Fd root) : parent_(std::move(parent)), root_(std::move(root)) {}

    // Hands the controllers down to the containers' groups, level by level.
    Result<void> prepare() {
        std::string level = ".";
        TRY(enable_below(level));
        std::istringstream names(parent_);
        for (std::string name; std::getline(names, name, '/');) {
            if (name.empty()) continue;
            level += "/" + name;
            TRY(make_group(root_.get(), level));
            TRY(enable_below(level));
        }
        return make_group(root_.get(), inside(kLaunch));
    }

    Result<void> make(const std::string& group, const Resources& limits) const override {
        Undo leave_nothing([&] { static_cast<void>(remove(group)); });
        TRY(make_group(root_.get(), inside(group)));
        TRY(update(group, limits));
        leave_nothing.keep();
        return {};
    }

    Result<void> update(const std::string& group, const Resources& limits) const override {
        const auto now = [&](const std::string& file) {
            return read_file(root_.get(), inside(group) + "/" + file, kMaxFile);
        };
        for (const Setting& setting : TRY(settings_of(limits, now))) TRY(write(group, setting));
        if (limits.block_weight.value_or(0) != 0)
            TRY(write_block_weight(group, *limits.block_weight));
        for (const Throttle& one : limits.device_weights)
            TRY(write(group, {"io.bfq.weight", std::to_string(one.major) + ":" +
                                                   std::to_string(one.minor) + " " +
                                                   std::to_string(one.rate)}));
        if (!limits.devices) return {};
        std::vector<DeviceRule> rules = *limits.devices;
        for (const DeviceRule& usual : usual_device_rules()) rules.push_back(usual);
        const Fd directory = TRY(open_group(inside(group)));
        return devices_.apply(directory.get(), TRY(device_policy(rules)));
    }

    Result<Entrance> open_entrance(const std::string& group) const override {
        return open_entrance_at(inside(group));
    }

    Result<Entrance> open_entrance_beside(const std::string& group, pid_t pid) const override {
        return open_entrance_at(TRY(place_of(group, pid)));
    }

    Result<Fd> open_memory_events(const std::string& group) const override {
        return open_beneath(root_.get(), inside(group) + "/memory.events", O_RDONLY);
    }

    std::vector<GroupDirectory> directories(const std::string& group) const override {
        return {{"", std::string(kMountPoint) + "/" + inside(group)}};
    }

    Result<std::vector<pid_t>> processes(const std::string& group) const override {
        std::vector<pid_t> pids;
        TRY(add_all(inside(group), pids));
        return pids;
    }

    Result<std::vector<Figure>> statistics(const std::string& group) const override {
        std::vector<Figure> figures{{.name = "cgroup.version", .value = 2}};
        TRY(read_file(root_.get(), inside(group) + "/cgroup.events", kMaxFile));
        add_all_v2(root_.get(), inside(group), figures);
        return figures;
    }

    Result<void> freeze(const std::string& group, bool frozen) const override {
        const std::string file = inside(group) + "/cgroup.freeze";
        TRY(write_file(root_.get(), file, frozen ? "1" : "0").context("pause ", group));
        for (int attempt = 0; attempt < kPatience; ++attempt) {
            if (TRY(event(group, "frozen")) == frozen) return {};
            pause();
        }
        static_cast<void>(write_file(root_.get(), file, "0"));
        return fail(Code::busy, "pause ", group, ": a process does not stop");
    }

    Result<void> kill(const std::string& group) const override {
        auto killed = write_file(root_.get(), inside(group) + "/cgroup.kill", "1");
        if (!killed && killed.error().code == Code::not_found) return {};
        TRY(std::move(killed));
        for (int attempt = 0; attempt < kPatience; ++attempt) {
            const auto populated = event(group, "populated");
            if (!populated && populated.error().code != Code::not_found) return populated.error();
            if (!populated || !*populated) return {};
            pause();
        }
        return fail(Code::busy, "kill control group ", group, ": it does not become empty");
    }

    Result<void> remove(const std::string& group) const override {
        return remove_group(root_.get(), inside(group)).context("remove control group ", group);
    }

    Result<std::vector<std::string>> groups() const override {
        std::vector<std::string> all = TRY(groups_in(root_.get(), parent_));
        std::erase(all, kLaunch);
        return all;
    }

private:
    std::string inside(const std::string& group) const { return parent_ + "/" + group; }

    Result<Fd> open_group(const std::string& path) const {
        return open_beneath(root_.get(), path, O_RDONLY | O_DIRECTORY);
    }

    Result<Entrance> open_entrance_at(const std::string& path) const {
        Entrance entrance;
        entrance.birthplace = TRY(open_group(path));
        entrance.joins.push_back(TRY(open_beneath(root_.get(), path + "/cgroup.procs", O_WRONLY)));
        return entrance;
    }

    // A container that may write its group can have made groups below it, and then its processes
    // are in those.
    Result<std::string> place_of(const std::string& group, pid_t pid) const {
        const std::string own = inside(group);
        const std::string found = TRY(group_of(std::to_string(pid)));
        return found.starts_with("/" + own + "/") ? found.substr(1) : own;
    }

    // "/system.slice/…" of a process, as this one's cgroup namespace has it.
    static Result<std::string> group_of(const std::string& process) {
        const Fd proc = TRY(open_directory("/proc", O_PATH));
        std::istringstream lines(TRY(read_file(proc.get(), process + "/cgroup", kMaxFile)));
        for (std::string line; std::getline(lines, line);)
            if (line.starts_with("0::")) return line.substr(3);
        return fail(Code::not_found, "find control group of process ", process);
    }

    Result<void> add_all(const std::string& path, std::vector<pid_t>& pids) const {
        auto added = add_processes(root_.get(), path, pids);
        // A container made this one threaded: its threads count with a group above.
        if (!added && added.error().os_errno != EOPNOTSUPP) return added;
        for (const std::string& child : TRY(groups_in(root_.get(), path)))
            TRY(add_all(path + "/" + child, pids));
        return {};
    }

    // cgroup.events: "populated 1\nfrozen 0\n".
    Result<bool> event(const std::string& group, const std::string& name) const {
        const std::string text =
            TRY(read_file(root_.get(), inside(group) + "/cgroup.events", kMaxFile));
        return text.find(name + " 1") != std::string::npos;
    }

    Result<void> write(const std::string& group, const Setting& setting) const {
        auto written = write_file(root_.get(), inside(group) + "/" + setting.file, setting.value);
        if (!written && written.error().os_errno == ENOENT)
            return fail(Code::unsupported, "limit ", setting.file,
                        ": this host does not offer it to our control groups");
        return written;
    }

    // The scheduler in use decides on the file.
    Result<void> write_block_weight(const std::string& group, std::uint64_t weight) const {
        auto written = write(group, {"io.bfq.weight", std::to_string(weight)});
        if (!written && written.error().code == Code::unsupported)
            return write(group, {"io.weight", std::to_string(io_weight(weight))});
        return written;
    }

    Result<std::vector<std::string>> words_of(const std::string& path) const {
        std::istringstream text(TRY(read_file(root_.get(), path, kMaxFile)));
        return std::vector<std::string>(std::istream_iterator<std::string>(text), {});
    }

    // A controller that is not here is no error: the limit that needs it is refused.
    Result<void> enable_below(const std::string& level) const {
        const auto available = TRY(words_of(level + "/cgroup.controllers"));
        const auto enabled = TRY(words_of(level + "/cgroup.subtree_control"));
        const auto in = [](const std::vector<std::string>& list, const char* name) {
            return std::find(list.begin(), list.end(), name) != list.end();
        };
        for (const char* controller : kControllers)
            if (in(available, controller) && !in(enabled, controller))
                TRY(enable(level, std::string("+") + controller));
        return {};
    }

    Result<void> enable(const std::string& level, const std::string& controller) const {
        const std::string file = level + "/cgroup.subtree_control";
        auto enabled = write_file(root_.get(), file, controller);
        if (!enabled && enabled.error().os_errno == EBUSY) {
            TRY(step_aside(level));
            enabled = write_file(root_.get(), file, controller);
        }
        if (!enabled && enabled.error().os_errno == EBUSY)
            return fail(Code::busy, "hand controllers below ", level,
                        ": other processes live in that control group; move them into one below "
                        "it, or configure another cgroup-parent");
        if (!enabled && enabled.error().os_errno == EINVAL)
            return {};  // cpu beside real-time tasks
        return enabled;
    }

    // Moves this process out of a group that must not hold any, if that is where it is.
    Result<void> step_aside(const std::string& level) const {
        const std::string own = TRY(group_of("self"));
        if ((own == "/" ? "." : "." + own) != level) return {};
        const std::string place = level + "/" + kAside;
        TRY(make_group(root_.get(), place));
        return write_file(root_.get(), place + "/cgroup.procs", "0");
    }

    std::string parent_;
    Fd root_;
    mutable DeviceFilters devices_;
};

}  // namespace

Result<std::unique_ptr<Cgroups>> open_cgroups_v2(const std::string& parent) {
    auto groups = std::make_unique<CgroupsV2>(parent, TRY(open_directory(kMountPoint, O_PATH)));
    TRY(groups->prepare().context("use control groups"));
    return std::unique_ptr<Cgroups>(std::move(groups));
}

}  // namespace davit::sdk
