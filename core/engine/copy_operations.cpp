// SPDX-License-Identifier: Apache-2.0
// cp: a path of a container as an archive, out and in.
#include "core/container/mount_sources.hpp"
#include "core/container/user.hpp"
#include "core/engine/engine.hpp"
#include "sdk/base/file.hpp"
#include "sdk/base/process.hpp"

#include <boost/json.hpp>

#include <fcntl.h>
#include <sys/stat.h>

#include <ctime>
#include <optional>
#include <utility>

namespace davit::engine {

namespace {

namespace bj = boost::json;
using archive::PathStat;
using archive::Place;
using container::ContainerPtr;
using container::Containers;
using job::Job;

// Cleaned as Go's filepath.Join("/", path) does, except that what "/" or "/." at the end mean is
// kept.
std::string clean_path(std::string_view path) {
    std::vector<std::string_view> parts;
    const bool directory = path.ends_with('/') || path.ends_with("/.") || path == ".";
    while (!path.empty()) {
        const std::size_t slash = path.find('/');
        const std::string_view part = path.substr(0, slash);
        path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
        if (part == ".." && !parts.empty()) parts.pop_back();
        if (!part.empty() && part != "." && part != "..") parts.push_back(part);
    }
    std::string clean;
    for (const std::string_view part : parts) clean.append("/").append(part);
    return directory || clean.empty() ? clean + "/" : clean;
}

// The last component: how the path's own entry is called in the archive.
std::string base_of(std::string_view asked, std::string_view clean) {
    if (asked.ends_with("/.") || asked == ".") return ".";
    while (clean.ends_with('/')) clean.remove_suffix(1);
    if (clean.empty()) return "/";
    return std::string(clean.substr(clean.rfind('/') + 1));
}

// Go's os.FileMode, which clients expect as a number.
std::uint32_t go_mode(mode_t mode) {
    std::uint32_t result = mode & 0777;
    if (S_ISDIR(mode)) result |= 1u << 31;
    if (S_ISLNK(mode)) result |= 1u << 27;
    if (S_ISBLK(mode)) result |= 1u << 26;
    if (S_ISCHR(mode)) result |= 1u << 26 | 1u << 21;
    if (S_ISFIFO(mode)) result |= 1u << 25;
    if (S_ISSOCK(mode)) result |= 1u << 24;
    if ((mode & S_ISUID) != 0) result |= 1u << 23;
    if ((mode & S_ISGID) != 0) result |= 1u << 22;
    if ((mode & S_ISVTX) != 0) result |= 1u << 20;
    return result;
}

std::string time_text(const timespec& time) {
    std::tm parts{};
    ::gmtime_r(&time.tv_sec, &parts);
    char text[64];
    std::string shown(text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts));
    if (time.tv_nsec != 0) {
        std::string fraction = std::to_string(1'000'000'000 + time.tv_nsec).substr(1);
        fraction.erase(fraction.find_last_not_of('0') + 1);
        shown += "." + fraction;
    }
    return shown + "Z";
}

bj::object stat_json(const PathStat& stat, const std::string& name) {
    return {{"name", name},
            {"size", stat.size},
            {"mode", go_mode(stat.mode)},
            {"mtime", time_text(stat.modified)},
            {"linkTarget", stat.target}};
}

struct Asked {
    ContainerPtr container;
    std::string reference, path, base;
};
Result<Asked> asked_of(Engine& engine, Job& job) {
    const std::string path = job.argument("path");
    if (path.empty()) return fail(Code::invalid, "bad parameter: path cannot be empty");
    Asked asked{.container = TRY(engine.containers().find(job.argument("id"))),
                .reference = job.argument("id"),
                .path = clean_path(path),
                .base = {}};
    asked.base = base_of(path, asked.path);
    job.describe(asked.container->name() + ":" + asked.path);
    return asked;
}

// In docker's words: its clients look for them.
Result<void> explained(Result<void> done, const Asked& asked) {
    if (done || done.error().code != Code::not_found) return done;
    return fail(Code::not_found, "Could not find the file ", asked.path, " in container ",
                asked.reference);
}

Result<void> look(Engine& engine, Job& job) {
    const Asked asked = TRY(asked_of(engine, job));
    const archive::Archiver archiver(TRY(engine.unpacker()));
    auto done = engine.containers().with_files(
        job.cancel(), asked.container, Containers::Shown::everything,
        [&](Place place) -> Result<void> {
            const PathStat stat = TRY(archiver.look(std::move(place), asked.path, job.cancel()));
            return job.result(stat_json(stat, asked.base));
        });
    return explained(std::move(done), asked);
}

Result<void> get(Engine& engine, Job& job) {
    const Asked asked = TRY(asked_of(engine, job));
    const archive::Archiver archiver(TRY(engine.unpacker()));
    const auto tell = [&](const PathStat& stat) { return job.result(stat_json(stat, asked.base)); };
    const auto sink = [&](std::string_view bytes) { return job.bytes(bytes); };
    auto done = engine.containers().with_files(
        job.cancel(), asked.container, Containers::Shown::everything, [&](Place place) {
            return archiver.pack(std::move(place), {.path = asked.path, .shown = asked.base}, tell,
                                 sink, job.cancel());
        });
    return explained(std::move(done), asked);
}

// The innermost mount that `path` lies in decides whether it can be written.
Result<void> check_writable(const container::Container& container, const std::string& path) {
    const container::Mount* inside = nullptr;
    for (const container::Mount* mount : container::in_order(container.config().mounts))
        if (path == mount->target || path.starts_with(mount->target + "/")) inside = mount;
    if (inside != nullptr && inside->read_only)
        return fail(Code::denied, "mounted volume is marked read-only");
    if (inside == nullptr && container.config().read_only_root)
        return fail(Code::denied, "container rootfs is marked read-only");
    return {};
}

// The user that the container runs as, by its own user database.
Result<std::optional<archive::Owner>> owner_in(const Place& place,
                                               const container::Container& container) {
    const container::Config& config = container.config();
    if (config.user.empty()) return std::optional<archive::Owner>();
    Fd running;
    if (place.kind != archive::RootKind::mount) {
        const std::string root = "/proc/" + std::to_string(container.state().pid) + "/root";
        running = TRY(open_directory(root, O_PATH));
        if (has_ended(place.root.get()))  // else the pid was its own
            return fail(Code::conflict, "look for user ", config.user, ": the container has ended");
    }
    const int root = running ? running.get() : place.root.get();
    const container::User user = TRY(container::resolve_user(root, config.user, {}));
    return std::optional<archive::Owner>(archive::Owner{user.uid, user.gid});
}

Result<void> put(Engine& engine, Job& job) {
    const Asked asked = TRY(asked_of(engine, job));
    TRY(check_writable(*asked.container, asked.path));
    const archive::Archiver archiver(TRY(engine.unpacker()));
    archive::ExtractRequest request{.path = asked.path,
                                    .keep_kinds = job.flag("noOverwriteDirNonDir")};
    auto done = engine.containers().with_files(
        job.cancel(), asked.container, Containers::Shown::everything,
        [&](Place place) -> Result<void> {
            if (job.flag("copyUIDGID")) request.owner = TRY(owner_in(place, *asked.container));
            return archiver.extract(std::move(place), request, job.request().input, job.cancel());
        });
    if (!done && done.error().os_errno == ENOTDIR)
        return fail(Code::invalid, "extraction point is not a directory");
    return explained(std::move(done), asked);
}

}  // namespace

void add_copy_operations(Operations& jobs, Operations& queries) {
    jobs.insert({{"container.archive.get", get}, {"container.archive.put", put}});
    queries.insert({{"container.archive.stat", look}});
}

}  // namespace davit::engine
