// SPDX-License-Identifier: Apache-2.0
#include "core/volume/volumes.hpp"

#include "core/volume/local_options.hpp"
#include "sdk/base/file.hpp"
#include "sdk/base/undo.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace davit::volume {

namespace {

constexpr int kLogWarning = 2;               // DAVIT_LOG_…
constexpr std::size_t kNameMax = 255;        // a file name's length
constexpr std::size_t kNameBytes = 32;       // random ones of an anonymous volume
constexpr const char* kAside = ".removed-";  // no volume's name begins with a dot

bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::string random_name() {
    unsigned char raw[kNameBytes];
    (void)!::getrandom(raw, sizeof raw, 0);  // never partial for so few
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (const unsigned char byte : raw) {
        text += kDigits[byte >> 4];
        text += kDigits[byte & 15];
    }
    return text;
}

bool is_random_name(const std::string& name) {
    return name.size() == 2 * kNameBytes && std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

std::int64_t now_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

Error no_such(const std::string& name) {
    return fail(Code::not_found, "get ", name, ": no such volume");
}

}  // namespace

Result<void> check_name(const std::string& name) {
    if (name.size() == 1)
        return fail(Code::invalid, "create ", name,
                    ": volume name is too short, names should be at least two alphanumeric "
                    "characters");
    const bool good = !name.empty() && name.size() <= kNameMax && is_alphanumeric(name[0]) &&
                      std::all_of(name.begin(), name.end(), [](char c) {
                          return is_alphanumeric(c) || c == '_' || c == '.' || c == '-';
                      });
    if (good) return {};
    return fail(Code::invalid, "create ", name, ": \"", name,
                "\" includes invalid characters for a local volume name, only "
                "\"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host "
                "directory, use absolute path");
}

Result<std::unique_ptr<Volumes>> Volumes::open(Settings settings) {
    std::unique_ptr<Volumes> volumes(new Volumes(std::move(settings)));
    for (Row& row : TRY(load(volumes->settings_.graph)))
        if (row.stage == Stage::ready)
            volumes->by_name_.emplace(row.volume.name, std::move(row.volume));
        else
            volumes->unsettled_.push_back(std::move(row));
    return volumes;
}

Result<void> Volumes::recover(const std::function<bool(const std::string&)>& exists) {
    std::lock_guard lock(mutex_);
    for (Row& row : std::exchange(unsettled_, {})) {
        const std::string& name = row.volume.name;
        if (row.stage == Stage::made && exists(row.container)) {
            TRY(set_stage(settings_.graph, row.volume, Stage::ready));
            by_name_.emplace(name, std::move(row.volume));
        } else {
            (void)put_aside(name);  // it may be aside already
            TRY(erase(settings_.graph, row.volume));
        }
    }
    sweep();
    return {};
}

// Directories without a row. One that has a user's name and files in it is left for the user.
void Volumes::sweep() {
    const auto names = list_names(settings_.directory.get());
    if (!names) return;
    for (const std::string& name : *names) {
        if (by_name_.contains(name)) continue;
        const int directory = settings_.directory.get();
        if (name.starts_with(kAside) || is_random_name(name)) {
            if (auto removed = remove_tree(directory, name); !removed)
                settings_.log(kLogWarning, "clear up volume: " + removed.error().what);
            continue;
        }
        (void)::unlinkat(directory, (name + "/_data").c_str(), AT_REMOVEDIR);  // if it is empty
        if (::unlinkat(directory, name.c_str(), AT_REMOVEDIR) != 0)
            settings_.log(kLogWarning,
                          "volume " + name +
                              " has files, but the graph has no such "
                              "volume: create it to use them, or remove the directory");
    }
}

Result<Volume> Volumes::create(const Wanted& wanted) { return make(wanted, Stage::ready, ""); }

Result<Volume> Volumes::create_for(const std::string& container, const Wanted& wanted) {
    return make(wanted, Stage::made, container);
}

Result<Volume> Volumes::make(const Wanted& wanted, Stage stage, const std::string& container) {
    if (!wanted.driver.empty() && wanted.driver != kLocalDriver)
        return fail(Code::not_found, "error looking up volume plugin ", wanted.driver,
                    ": plugin \"", wanted.driver, "\" not found");
    Volume volume{.name = wanted.name.empty() ? random_name() : wanted.name,
                  .created_ns = now_ns(),
                  .anonymous = wanted.name.empty(),
                  .labels = wanted.labels,
                  .options = wanted.options};
    TRY(check_name(volume.name));
    TRY(read_options(volume.options).context("create ", volume.name));
    if (volume.anonymous) volume.labels.emplace("com.docker.volume.anonymous", "");
    std::lock_guard lock(mutex_);
    if (const auto known = by_name_.find(volume.name); known != by_name_.end())
        return known->second;
    TRY(make_directory(settings_.directory.get(), volume.name, 0701));
    Undo directory([&] { (void)remove_tree(settings_.directory.get(), volume.name); });
    const Fd own =
        TRY(open_beneath(settings_.directory.get(), volume.name, O_RDONLY | O_DIRECTORY));
    TRY(make_directory(own.get(), "_data", 0755));
    TRY(insert(settings_.graph, {.volume = volume, .stage = stage, .container = container}));
    directory.keep();
    by_name_.emplace(volume.name, volume);
    publish(volume.name, "create");
    return volume;
}

Result<void> Volumes::settle(const std::string& name) {
    return set_stage(settings_.graph, TRY(find(name)), Stage::ready);
}

Result<Volume> Volumes::find(const std::string& name) const {
    std::lock_guard lock(mutex_);
    const auto known = by_name_.find(name);
    if (known == by_name_.end()) return no_such(name);
    return known->second;
}

std::vector<Volume> Volumes::list() const {
    std::lock_guard lock(mutex_);
    std::vector<Volume> all;
    for (const auto& [name, volume] : by_name_) all.push_back(volume);
    return all;
}

std::vector<std::string> Volumes::users_of(const std::string& name) const {
    std::vector<std::string> ids;
    if (users_)
        for (const User& user : users_(name)) ids.push_back(user.container);
    return ids;
}

Result<std::uint64_t> Volumes::size(const std::string& name) const {
    const Fd data =
        TRY(open_beneath(settings_.directory.get(), name + "/_data", O_RDONLY | O_DIRECTORY));
    std::uint64_t bytes = 0;
    std::set<ino_t> counted;  // files of several names
    TRY(visit_tree(data.get(), [&](const struct stat& status) -> Result<void> {
        const bool again = status.st_nlink > 1 && !S_ISDIR(status.st_mode) &&
                           !counted.insert(status.st_ino).second;
        if (!again && S_ISREG(status.st_mode)) bytes += static_cast<std::uint64_t>(status.st_size);
        return {};
    }));
    return bytes;
}

// Renamed first: a name is free again at once, however long its files take to go.
Result<std::string> Volumes::put_aside(const std::string& name) {
    std::string aside = kAside + random_name();
    TRY(move_beneath(settings_.directory.get(), name, aside));
    return aside;
}

Result<void> Volumes::remove(const std::string& name, Absent absent) {
    std::string aside;
    {
        std::lock_guard lock(mutex_);
        const auto known = by_name_.find(name);
        if (known == by_name_.end())
            return absent == Absent::accepted ? Result<void>() : no_such(name);
        std::string users;
        for (const std::string& id : users_of(name)) users += (users.empty() ? "" : ", ") + id;
        if (!users.empty() || pinned_.contains(name))
            return fail(Code::conflict, "remove ", name, ": volume is in use - [", users, "]");
        // The word first: from here on a crash removes the rest at the next start.
        TRY(set_stage(settings_.graph, known->second, Stage::removed));
        aside = TRY(put_aside(name).context("remove ", name));
        TRY(erase(settings_.graph, known->second));
        by_name_.erase(known);
    }
    publish(name, "destroy");
    return remove_tree(settings_.directory.get(), aside).context("remove ", name);
}

void Volumes::publish(const std::string& name, const char* action) const {
    settings_.events.publish(
        {.type = "volume", .action = action, .id = name, .attributes = {{"driver", kLocalDriver}}});
}

Volumes::Pin::Pin(Volumes& volumes, std::string name) : volumes_(&volumes), name_(std::move(name)) {
    std::lock_guard lock(volumes_->mutex_);
    volumes_->pinned_.insert(name_);
}

Volumes::Pin::Pin(Pin&& other) noexcept
    : volumes_(std::exchange(other.volumes_, nullptr)), name_(std::move(other.name_)) {}

Volumes::Pin::~Pin() {
    if (volumes_ == nullptr) return;
    std::lock_guard lock(volumes_->mutex_);
    volumes_->pinned_.erase(volumes_->pinned_.find(name_));
}

}  // namespace davit::volume
