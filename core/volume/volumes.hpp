// SPDX-License-Identifier: Apache-2.0
// Every volume of the engine: a row of the graph and a directory, volumes/<name>/_data.
// Thread-safe.
//
// Who uses a volume is asked of the containers (`set_users`); a Pin keeps one from being removed
// while a container that is to use it is being made.
#pragma once

#include "core/event/bus.hpp"
#include "core/store/database.hpp"
#include "core/volume/volume.hpp"
#include "core/volume/volume_table.hpp"
#include "sdk/base/fd.hpp"
#include "sdk/base/mount.hpp"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace davit::volume {

// A container that a volume belongs to, running or not.
struct User {
    std::string container;
    std::string target;  // where in it
    Fd process;          // pidfd while it runs
};

struct Settings {
    store::Database& graph;
    event::Bus& events;
    std::string path;  // <data-root>/volumes
    Fd directory;      // the same
    std::function<void(int level, const std::string& line)> log;
};

class Volumes {
public:
    static Result<std::unique_ptr<Volumes>> open(Settings settings);

    using Users = std::function<std::vector<User>(const std::string& volume)>;
    void set_users(Users users) { users_ = std::move(users); }
    // After a start of the daemon: takes away what was made for containers that were never there,
    // and what was being removed.
    Result<void> recover(const std::function<bool(const std::string& container)>& exists);

    // One of that name is the answer as it is. Errors: invalid; not_found for an unknown driver.
    Result<Volume> create(const Wanted& wanted);
    // For a container that is being made: goes with it should the daemon die before `settle`.
    Result<Volume> create_for(const std::string& container, const Wanted& wanted);
    Result<void> settle(const std::string& name);

    // Errors: not_found in docker's words.
    Result<Volume> find(const std::string& name) const;
    std::vector<Volume> list() const;                                  // by name
    std::vector<std::string> users_of(const std::string& name) const;  // ids of containers
    const std::string& path() const { return settings_.path; }
    Result<std::uint64_t> size(const std::string& name) const;  // bytes in its files

    enum class Absent { refused, accepted };
    // Errors: conflict "volume is in use"; not_found.
    Result<void> remove(const std::string& name, Absent absent = Absent::refused);

    // The volume, or a part of it, as a detached mount. Errors: not_found; the kernel's own.
    Result<DetachedMount> mount(const std::string& name, const std::string& subpath = "");
    // Held from `mount` until the container runs when one of the volumes lives in memory: whoever
    // comes second finds it there.
    using Turn = std::unique_lock<std::mutex>;
    Turn take_turn(const std::vector<std::string>& names);

    class [[nodiscard]] Pin {
    public:
        Pin(Volumes& volumes, std::string name);
        Pin(Pin&& other) noexcept;
        ~Pin();

    private:
        Volumes* volumes_;
        std::string name_;
    };
    Pin pin(const std::string& name) { return Pin(*this, name); }

private:
    explicit Volumes(Settings settings) : settings_(std::move(settings)) {}
    Result<Volume> make(const Wanted& wanted, Stage stage, const std::string& container);
    Result<std::string> put_aside(const std::string& name);
    Result<DetachedMount> mount_in_memory(const Volume& volume);
    Result<void> remember_device(const Volume& volume, const DetachedMount& mount);
    void sweep();
    void publish(const std::string& name, const char* action) const;

    Settings settings_;
    Users users_;
    mutable std::mutex mutex_;  // of what follows; changes of the graph and the directory under it
    std::map<std::string, Volume> by_name_;
    std::multiset<std::string> pinned_;
    std::vector<Row> unsettled_;  // until `recover`
    std::mutex memory_turn_;
};

}  // namespace davit::volume
