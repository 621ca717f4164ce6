// SPDX-License-Identifier: Apache-2.0
#include "endpoint_record.hpp"

#include "sdk/base/file.hpp"
#include "sdk/base/json.hpp"
#include "sdk/endpoint/link_name.hpp"

#include <unistd.h>
#include <boost/json.hpp>

namespace davit::macvlan {
namespace {

constexpr std::size_t kRecordLimit = 4096;  // a record has some 250 bytes

std::string file_name(const EndpointRecord& record) {
    return sdk::key_digest(record.network + "/" + record.endpoint) + ".json";
}

std::string to_text(const EndpointRecord& record) {
    boost::json::array mac;
    for (const std::uint8_t byte : record.mac) mac.push_back(byte);
    return boost::json::serialize(boost::json::object{{"network", record.network},
                                                      {"endpoint", record.endpoint},
                                                      {"sandbox", record.sandbox},
                                                      {"mac", std::move(mac)}});
}

Result<EndpointRecord> record_from_text(const std::string& text) {
    const auto object = TRY(json::parse_object(text, "endpoint record"));
    EndpointRecord record;
    record.network = TRY(json::require_string(object, "network"));
    record.endpoint = TRY(json::require_string(object, "endpoint"));
    record.sandbox = static_cast<int>(TRY(json::require_int(object, "sandbox")));
    const boost::json::array* mac = TRY(json::get_array(object, "mac"));
    if (mac == nullptr || mac->size() != record.mac.size())
        return fail(Code::corrupt, "read endpoint record: its mac is none");
    for (std::size_t i = 0; i < record.mac.size(); ++i)
        record.mac[i] = static_cast<std::uint8_t>(mac->at(i).to_number<int>());
    return record;
}

}  // namespace

Result<std::vector<EndpointRecord>> load_records(int directory) {
    std::vector<EndpointRecord> records;
    for (const std::string& name : TRY(list_names(directory))) {
        if (!name.ends_with(".json")) continue;
        auto record = record_from_text(TRY(read_file(directory, name, kRecordLimit)));
        if (record)
            records.push_back(std::move(*record));
        else if (::unlinkat(directory, name.c_str(), 0) != 0)
            return os_error("remove " + name);
    }
    return records;
}

Result<void> save_record(int directory, const EndpointRecord& record) {
    return atomic_write(directory, file_name(record), to_text(record));
}

Result<void> remove_record(int directory, const EndpointRecord& record) {
    const std::string name = file_name(record);
    if (::unlinkat(directory, name.c_str(), 0) != 0 && errno != ENOENT)
        return os_error("remove " + name);
    return {};
}

}  // namespace davit::macvlan
