// SPDX-License-Identifier: Apache-2.0
#include "sdk/plugin/storage_layer.hpp"

#include "sdk/base/file.hpp"

#include <algorithm>
#include <set>
#include <string_view>

namespace davit::sdk {
namespace {

constexpr std::uint64_t kBlock =
    512;  // stat(2) counts in these, whatever the file system's own size
constexpr std::uint64_t kInodesBetweenChecks =
    256;  // of the cancel flag: well below a millisecond of work

bool is_alphanumeric(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool may_follow(char c) {
    return is_alphanumeric(c) || std::string_view("._:-").find(c) != std::string_view::npos;
}

}  // namespace

Result<void> require_storage_key(const std::string& key) {
    if (key.empty()) return fail(Code::invalid, "read key: it is empty");
    if (key.size() > DAVIT_STORAGE_KEY_MAX)
        return fail(Code::invalid, "read key: it is longer than ",
                    std::to_string(DAVIT_STORAGE_KEY_MAX), " bytes");
    if (!is_alphanumeric(key[0]) || !std::all_of(key.begin(), key.end(), may_follow))
        return fail(Code::invalid, "read key: it has a character that keys must not have");
    return {};
}

Result<davit_storage_space> measure_layer(const Call& call, int directory) {
    auto space = sized<davit_storage_space>();
    std::set<ino_t> linked;  // files with several names; all lie on one file system
    std::uint64_t seen = 0;
    const auto count = [&](const struct stat& file) -> Result<void> {
        const bool has_names = !S_ISDIR(file.st_mode) && file.st_nlink > 1;
        if (has_names && !linked.insert(file.st_ino).second) return {};
        space.bytes += static_cast<std::uint64_t>(file.st_blocks) * kBlock;
        ++space.files;
        if (++seen % kInodesBetweenChecks != 0) return {};
        return call.check("measure layer");
    };
    TRY(visit_tree(directory, count));
    return space;
}

Result<void> emit_layer(const Call& call, const std::string& key, const std::string& parent,
                        bool committed) {
    auto record = sized<davit_storage_layer>();
    record.state = committed ? DAVIT_STORAGE_COMMITTED : DAVIT_STORAGE_PREPARED;
    record.key = str(key);
    record.parent = str(parent);
    return call.emit(record);
}

Result<void> emit_finding(const Call& call, const std::string& key, const std::string& text,
                          bool repaired) {
    auto record = sized<davit_storage_finding>();
    record.repaired = repaired ? 1 : 0;
    record.key = str(key);
    record.text = str(text);
    return call.emit(record);
}

}  // namespace davit::sdk
