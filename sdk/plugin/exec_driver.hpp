// SPDX-License-Identifier: Apache-2.0
// The C++ face of "davit.exec/1". A driver derives from it; every method's promise is written in
// davit/exec.h.
#pragma once

#include "davit/exec.h"
#include "sdk/plugin/entry.hpp"

namespace davit::sdk {

class ExecDriver {
public:
    virtual ~ExecDriver() = default;
    virtual Result<davit_exec_process> create(const Call& call,
                                              const davit_exec_create& request) = 0;
    virtual Result<void> start(const Call& call, const davit_exec_key& request) = 0;
    virtual Result<davit_exec_streams> attach(const Call& call,
                                              const davit_exec_attach& request) = 0;
    virtual Result<void> signal(const Call& call, const davit_exec_signal& request) = 0;
    virtual Result<davit_exec_waiter> wait(const Call& call, const davit_exec_key& request) = 0;
    virtual Result<davit_exec_exit> exit_record(const Call& call,
                                                const davit_exec_key& request) = 0;
    virtual Result<davit_exec_process> exec(const Call& call,
                                            const davit_exec_session& request) = 0;
    virtual Result<void> resize(const Call& call, const davit_exec_resize& request) = 0;
    virtual Result<void> update(const Call& call, const davit_exec_update& request) = 0;
    virtual Result<void> remove(const Call& call, const davit_exec_key& request) = 0;
    virtual Result<davit_exec_process> recover(const Call& call,
                                               const davit_exec_recover& request) = 0;
    virtual Result<void> list(const Call& call, const davit_exec_key& request) = 0;

    const void* get(std::string_view id);
    // The table of an ability beyond davit.exec/1, or nullptr.
    virtual const void* ability(std::string_view) { return nullptr; }
};

inline constexpr davit_exec kExecTable = {
    sizeof(davit_exec),          0,
    thunk<&ExecDriver::create>,  thunk<&ExecDriver::start>,
    thunk<&ExecDriver::attach>,  thunk<&ExecDriver::signal>,
    thunk<&ExecDriver::wait>,    thunk<&ExecDriver::exit_record>,
    thunk<&ExecDriver::exec>,    thunk<&ExecDriver::resize>,
    thunk<&ExecDriver::update>,  thunk<&ExecDriver::remove>,
    thunk<&ExecDriver::recover>, thunk<&ExecDriver::list>,
};

inline const void* ExecDriver::get(std::string_view id) {
    return id == DAVIT_EXEC ? static_cast<const void*>(&kExecTable) : ability(id);
}

}  // namespace davit::sdk
