// SPDX-License-Identifier: Apache-2.0
// Which drivers there are and which instances of them are configured; opens an instance when it is
// first used. The one way from a name ("fast") to a running driver. Built once by the engine,
// thread-safe.
#pragma once

#include "core/plugin/host_table.hpp"
#include "core/plugin/instance.hpp"
#include "core/plugin/library.hpp"
#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"

#include <boost/json/fwd.hpp>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::plugin {

// A named, configured use of a driver, as daemon.json has it.
struct InstanceSettings {
    std::string kind, name;
    std::string driver;     // empty: of the same name
    std::string isolation;  // "in-process", "process"; empty: in-process for Davit's own drivers,
                            // else process
    std::string sha256;     // pin of the file; empty: none
    std::string config;     // JSON object; empty: {}
};

// A folder that is searched for driver files.
struct DriverFolder {
    std::string path;
    // own: every driver in it has an instance of its own name; listed: it is shown until
    // daemon.json names it.
    enum class Use { own, listed } use = Use::listed;
};

struct CatalogSettings {
    std::vector<DriverFolder> folders;  // searched in this order; the first of a name wins
    std::vector<InstanceSettings>
        instances;  // add to those of Davit's own drivers, or replace them
    std::map<std::string, std::string, std::less<>>
        defaults;  // by kind: the instance to use when none is named
    // By kind, a JSON object of settings for all instances: each goes to the configs whose schema
    // knows it and that do not set it themselves. A driver that knows one of them not is refused an
    // instance.
    std::map<std::string, std::string, std::less<>> shared;
    std::string scope;  // 8 hex digits that tell this engine from others
    HostServices host;
    // Opens the directory that is the instance's alone (0700), making it if need be.
    std::function<Result<Fd>(std::string_view kind, std::string_view instance)> open_state;
    // The same directory for a look alone: where it is not made yet, one that lies where it would.
    // Empty: open_state.
    std::function<Result<Fd>(std::string_view kind, std::string_view instance)> look_at_state;
    // Whether an instance has been used before.
    std::function<bool(std::string_view kind, std::string_view instance)> has_state;
    // Which instance was chosen for a kind, here or by an earlier process; empty: none yet.
    std::function<std::string(std::string_view kind)> remembered;
    std::function<Result<void>(std::string_view kind, const std::string& instance)> remember;
};

// ../lib/davit/drivers of this executable, /usr/lib/davit/drivers, /usr/local/lib/davit/drivers,
// then `driver_path`.
Result<std::vector<DriverFolder>> driver_folders(const std::vector<std::string>& driver_path);

// What `probe` found of one ability of a driver on this host.
struct Ability {
    std::string name;  // "davit.storage.quota/1"
    bool available = false;
    std::string reason;  // "no: ext4 without project quota"
};

struct Probed {
    bool works = false;
    std::string reason;  // why it does not
    std::vector<Ability> abilities;
};

// The instance of a kind that is used when none is named, and why it is this one.
struct Choice {
    std::string instance;
    std::string reason;
};

// What is known of an instance without opening it. `reason`: why it does not work; empty when it
// does, or when nobody has asked yet.
struct InstanceStatus {
    std::string name, driver, reason;
};

class Catalog {
public:
    // Reads every manifest and checks every configured instance; opens none. Errors: what an
    // operator must mend, naming the instance: not_found driver (with the nearest name), invalid
    // config, unsupported isolation.
    static Result<std::unique_ptr<Catalog>> create(CatalogSettings settings);
    ~Catalog();

    // The instance, opened if it is not yet; the empty name is the kind's default. Concurrent
    // callers wait for one opening; after a failure the next call tries again. Errors: not_found
    // with the nearest name; what `load` and the driver's `open` say.
    Result<std::shared_ptr<Instance>> find(std::string_view kind, std::string_view name);
    // The instance that a user means by `wanted`: its name, or that of a driver, whose first
    // instance it is then; empty: the default. Errors: not_found with the nearest name.
    Result<std::string> instance_of(std::string_view kind, std::string_view wanted);
    // The configured default, else the only instance; of several, the one that was chosen before,
    // else the one of the highest rank whose driver works here, one that has been used before
    // first.
    Result<Choice> default_choice(std::string_view kind);
    Result<std::string> default_name(std::string_view kind);
    std::vector<InstanceStatus> statuses(std::string_view kind) const;
    std::vector<std::string> names(std::string_view kind) const;
    // Names of a kind's instances that are open now: what has state to recover or to close.
    std::vector<std::string> open_names(std::string_view kind) const;

    // Checks `options` (JSON object; empty: {}) against the schema `topic` ("network", "endpoint",
    // "layer") of the instance's driver and gives them back with defaults filled in. Errors:
    // not_found instance; invalid, naming the key.
    Result<std::string> check_options(std::string_view kind, std::string_view name,
                                      std::string_view topic, std::string_view options);

    // Loads the driver of an instance and asks it whether it works here, in the instance's
    // directory and with its configuration. Asked once; the answer is kept.
    Result<Probed> probe(std::string_view kind, std::string_view name);

    // For query driver.list: an array of
    //   {"Kind","Name","Description","Version","Licence","Vendor","Path","Interfaces":[…],"Own":bool,
    //    "State":"open"|"closed"|"listed"|"refused","Reason","Instances":[{"Name","Default":bool,"State","Why"}]}
    // sorted by kind and name. Why: a default is the default, or an instance does not work. A
    // refused file has Name and Kind empty unless its manifest could be read.
    boost::json::array list();
    // For query driver.inspect: `name` is a driver or an instance, "kind/name" where both kinds
    // have it. The object of the list and:
    // "Sha256","RequiredMinor","Needs":{"Kernel":[…],"Capabilities":[…]},"Rank","Works":bool,
    //    "Abilities":[{"Name","Available":bool,"Reason"}],"ConfigSchema":{…},"OptionSchemas":{topic:{…}},
    //    and in each instance "Isolation","Config":{…}.
    // Probes the driver unless it is only listed. Errors: not_found with the nearest name; conflict
    // when ambiguous.
    Result<boost::json::object> inspect(std::string_view name);

private:
    struct Driver;
    struct Slot;
    explicit Catalog(CatalogSettings settings);

    void scan(const DriverFolder& folder);
    void scan_file(const DriverFolder& folder, const std::string& path);
    Result<void> add_instances();
    Result<void> add_instance(const InstanceSettings& wanted);
    Result<std::string> checked_config(const InstanceSettings& wanted,
                                       const DriverManifest& manifest) const;
    Result<void> check_defaults() const;
    std::shared_ptr<Driver> find_driver(std::string_view kind, std::string_view name) const;
    Result<std::shared_ptr<Slot>> find_slot(std::string_view kind, std::string_view name);
    Error no_driver(std::string_view kind, std::string_view name) const;
    Result<const davit_driver*> load(Slot& slot);
    davit_open request_of(const Slot& slot, const Fd& state, const HostTable& host) const;
    Result<std::shared_ptr<Instance>> open(Slot& slot);
    Result<Probed> probe(Slot& slot);
    Result<Choice> choose_default(std::string_view kind);
    Result<Choice> choose_by_probing(std::string_view kind,
                                     std::vector<std::shared_ptr<Slot>> candidates);
    Result<Choice> keep_choice(Slot& slot, const std::string& name);
    std::vector<std::shared_ptr<Slot>> slots_of(const Driver& driver) const;
    boost::json::object describe(Slot& slot, const std::optional<Choice>& choice, bool with_config);
    Result<std::shared_ptr<Driver>> find_shown(std::string_view name) const;
    boost::json::object summary(const Driver& driver, bool with_config);

    CatalogSettings settings_;
    std::vector<std::shared_ptr<Driver>> drivers_;  // the three members change only in `create`
    std::map<std::pair<std::string, std::string>, std::shared_ptr<Slot>>
        slots_;  // by kind and instance name
    mutable std::mutex defaults_lock_;
    std::map<std::string, Choice, std::less<>> chosen_;  // by kind; guarded by defaults_lock_
};

}  // namespace davit::plugin
