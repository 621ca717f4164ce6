// SPDX-License-Identifier: Apache-2.0
// The writing half of record.hpp, apart from the reading half so that launchers carry no JSON
// parser. Every text in a record is of our own making (keys, hex digits), so nothing needs
// escaping.
#include "sdk/base/file.hpp"
#include "sdk/monitor/record.hpp"

namespace davit::sdk {

namespace {
std::string text(const std::string& value) { return "\"" + value + "\""; }
const char* truth(bool value) { return value ? "true" : "false"; }
}  // namespace

Result<void> write_state(int directory, const StateRecord& record) {
    const std::string json =
        "{\"version\":1,\"boot_id\":" + text(record.boot_id) + ",\"group\":" + text(record.group) +
        ",\"pid\":" + std::to_string(record.pid) +
        ",\"start_time\":" + std::to_string(record.start_time) +
        ",\"launcher_pid\":" + std::to_string(record.launcher_pid) +
        ",\"launcher_start_time\":" + std::to_string(record.launcher_start_time) +
        ",\"own_pids\":" + truth(record.own_pids) + ",\"tty\":" + truth(record.tty) + "}\n";
    return atomic_write(directory, "state.json", json);
}

Result<void> write_exit(int directory, const ExitRecord& record) {
    const std::string json = "{\"version\":1,\"code\":" + std::to_string(record.code) +
                             ",\"signal\":" + std::to_string(record.signal) +
                             ",\"out_of_memory\":" + truth(record.out_of_memory) +
                             ",\"monitor_lost\":" + truth(record.monitor_lost) +
                             ",\"time_ns\":" + std::to_string(record.time_ns) + "}\n";
    return atomic_write(directory, "exit.json", json);
}

}  // namespace davit::sdk
