// SPDX-License-Identifier: Apache-2.0
#include "sdk/base/file.hpp"
#include "sdk/base/json.hpp"
#include "sdk/monitor/record.hpp"

#include <boost/json.hpp>

namespace davit::sdk {

namespace {

constexpr std::size_t kMaxRecord = 4096;

Result<boost::json::object> read_record(int directory, const std::string& name) {
    const std::string text = TRY(read_file(directory, name, kMaxRecord));
    auto object = json::parse_object(text, name);
    if (!object) return fail(Code::corrupt, object.error().what);
    const auto version = json::require_int(*object, "version");
    if (!version || *version != 1) return fail(Code::corrupt, "read ", name, ": unknown version");
    return object;
}

template <class Record>
Result<Record> or_corrupt(Result<Record> record, const std::string& name) {
    if (!record && record.error().code == Code::invalid)
        return fail(Code::corrupt, "read ", name, ": ", record.error().what);
    return record;
}

Result<StateRecord> state_of(const boost::json::object& object) {
    StateRecord record;
    record.boot_id = TRY(json::require_string(object, "boot_id"));
    record.group = TRY(json::require_string(object, "group"));
    record.pid = static_cast<std::int32_t>(TRY(json::require_int(object, "pid")));
    record.start_time = static_cast<std::uint64_t>(TRY(json::require_int(object, "start_time")));
    record.launcher_pid = static_cast<std::int32_t>(TRY(json::require_int(object, "launcher_pid")));
    record.launcher_start_time =
        static_cast<std::uint64_t>(TRY(json::require_int(object, "launcher_start_time")));
    record.own_pids = TRY(json::get_bool(object, "own_pids", false));
    record.tty = TRY(json::get_bool(object, "tty", false));
    return record;
}

Result<ExitRecord> exit_of(const boost::json::object& object) {
    ExitRecord record;
    record.code = static_cast<std::int32_t>(TRY(json::require_int(object, "code")));
    record.signal = static_cast<std::int32_t>(TRY(json::require_int(object, "signal")));
    record.out_of_memory = TRY(json::get_bool(object, "out_of_memory", false));
    record.monitor_lost = TRY(json::get_bool(object, "monitor_lost", false));
    record.time_ns = TRY(json::require_int(object, "time_ns"));
    return record;
}

}  // namespace

Result<StateRecord> read_state(int directory) {
    const boost::json::object object = TRY(read_record(directory, "state.json"));
    return or_corrupt(state_of(object), "state.json");
}

Result<ExitRecord> read_exit(int directory) {
    const boost::json::object object = TRY(read_record(directory, "exit.json"));
    return or_corrupt(exit_of(object), "exit.json");
}

}  // namespace davit::sdk
