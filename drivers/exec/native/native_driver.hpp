// SPDX-License-Identifier: Apache-2.0
// The exec driver "native": every container and every further process of one has a davit-launch of
// its own, which outlives this process. The driver prepares (control groups, policy,
// specification), starts launchers and finds them again; it holds nothing that the state
// directories do not. Thread-safe as exec.h asks.
#pragma once

#include "drivers/exec/native/container_handle.hpp"
#include "drivers/exec/native/encode.hpp"
#include "drivers/exec/native/launch_client.hpp"
#include "drivers/exec/native/policy.hpp"
#include "sdk/container/cgroup.hpp"
#include "sdk/plugin/exec_driver.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace davit::native {

class NativeDriver final : public sdk::ExecDriver {
public:
    static Result<std::unique_ptr<NativeDriver>> open(const sdk::Call& call,
                                                      const davit_open& request);
    static Result<void> probe(const sdk::Call& call, const davit_open& request);

    Result<davit_exec_process> create(const sdk::Call& call,
                                      const davit_exec_create& request) override;
    Result<void> start(const sdk::Call& call, const davit_exec_key& request) override;
    Result<davit_exec_streams> attach(const sdk::Call& call,
                                      const davit_exec_attach& request) override;
    Result<void> signal(const sdk::Call& call, const davit_exec_signal& request) override;
    Result<davit_exec_waiter> wait(const sdk::Call& call, const davit_exec_key& request) override;
    Result<davit_exec_exit> exit_record(const sdk::Call& call,
                                        const davit_exec_key& request) override;
    Result<davit_exec_process> exec(const sdk::Call& call,
                                    const davit_exec_session& request) override;
    Result<void> resize(const sdk::Call& call, const davit_exec_resize& request) override;
    Result<void> update(const sdk::Call& call, const davit_exec_update& request) override;
    Result<void> remove(const sdk::Call& call, const davit_exec_key& request) override;
    Result<davit_exec_process> recover(const sdk::Call& call,
                                       const davit_exec_recover& request) override;
    Result<void> list(const sdk::Call& call, const davit_exec_key& request) override;
    const void* ability(std::string_view id) override;

    Result<void> freeze(const davit_exec_key& request, bool frozen);
    Result<void> stats(const sdk::Call& call, const davit_exec_key& request);

private:
    NativeDriver(std::unique_ptr<sdk::Cgroups> groups, sdk::Entrance launchers,
                 LaunchClient launcher, std::string boot_id)
        : groups_(std::move(groups)),
          launchers_(std::move(launchers)),
          launcher_(std::move(launcher)),
          boot_id_(std::move(boot_id)) {}

    Result<ContainerPointer> find(const std::string& key) const;
    // The process of a request: the container's first, or a session's.
    Result<ProcessPointer> find(davit_str key, davit_str session) const;
    Result<void> insert(const std::string& key, ContainerPointer container);

    static davit_exec_process describe(const ProcessHandle& handle);
    Result<void> remove_container(const std::string& key, ContainerHandle& container);
    Result<void> remove_session(ContainerHandle& container, const std::string& name);
    Result<ProcessPointer> recover_process(Fd directory, bool session);
    void recover_sessions(ContainerHandle& container);
    // The launcher is gone and left no record: what it watched is killed, and a record of that
    // written.
    Result<sdk::ExitRecord> lost(const ProcessHandle& process);
    void reap_launchers();
    void sweep_leftovers();

    std::unique_ptr<sdk::Cgroups> groups_;
    sdk::Entrance launchers_;  // to the control group of the launchers
    LaunchClient launcher_;
    std::string boot_id_;
    PolicyCache policies_;
    mutable std::mutex mutex_;  // guards what follows; never held over a call to a launcher
    std::map<std::string, ContainerPointer> containers_;
    std::vector<Fd> leaving_;  // launchers of removed containers, to be reaped
};

}  // namespace davit::native
