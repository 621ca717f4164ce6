// SPDX-License-Identifier: Apache-2.0
// The files of a container as tar archives, in and out: for cp, export, commit, and for what an
// image puts into a new volume. Each call starts one `davit-unpack archive`, which locks itself up
// in those files before it touches any (rule R-41); nothing is resolved or read in the daemon.
// Thread-safe.
#pragma once

#include "core/unpack/order.hpp"
#include "sdk/base/cancel.hpp"
#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"

#include <sys/types.h>
#include <cstdint>
#include <ctime>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::archive {

using unpack::RootKind;

struct Attached {
    std::string target;  // absolute, inside
    Fd mount;            // detached
};

// The files to work on. `kind` says what `root` is: a detached mount, which the archiver takes with
// it (nobody holds it any more once the call returns), or a pidfd.
struct Place {
    RootKind kind = RootKind::mount;
    Fd root;
    std::vector<Attached> mounts = {};  // over a root of kind `mount`, in this order
};

struct PathStat {
    mode_t mode = 0;  // with the type, as in stat(2)
    std::uint64_t size = 0;
    timespec modified{};
    std::string target;  // of a symbolic link: where it leads, every link on the way resolved
};

// One entry of a selection: a path relative to the packed directory, or a deletion of it, which
// becomes a whiteout.
struct Selected {
    std::string path;
    bool deleted = false;
};

struct PackRequest {
    std::string path = "/";   // a link that it ends in is packed itself, unless "/" or "/." follows
    std::string shown = "/";  // its name in the archive; what lies below gets it as beginning
    bool tell_holes = false;  // sparse files stay sparse, times exact: for extracting here
    std::optional<std::vector<Selected>> selection = {};  // instead of all; parents first
};

struct Owner {
    uid_t uid = 0;
    gid_t gid = 0;
};

struct ExtractRequest {
    std::string path;         // an existing directory; links are followed
    bool keep_kinds = false;  // refuse to replace a directory by what is none, and the reverse
    std::optional<Owner> owner = {};  // of everything; else the archive says it
};

using WhenFound = std::function<Result<void>(const PathStat&)>;
using Sink = std::function<Result<void>(std::string_view bytes)>;

class Archiver {
public:
    explicit Archiver(std::string program) : program_(std::move(program)) {}  // davit-unpack

    // Errors: not_found; invalid for "file/".
    Result<PathStat> look(Place place, const std::string& path,
                          const std::shared_ptr<Cancel>& cancel) const;
    // `found` first (may be empty), then the archive. An error of either ends it.
    Result<void> pack(Place place, const PackRequest& request, const WhenFound& found,
                      const Sink& sink, const std::shared_ptr<Cancel>& cancel) const;
    // What `source` gives until its end, an uncompressed archive; what was extracted before a
    // failure stays.
    Result<void> extract(Place place, const ExtractRequest& request, int source,
                         const std::shared_ptr<Cancel>& cancel) const;
    // What lies in the directory `path` goes, as it is, into the directory that is `to`'s root.
    Result<void> copy(Place from, const std::string& path, Place to,
                      const std::shared_ptr<Cancel>& cancel) const;

private:
    std::string program_;
};

}  // namespace davit::archive
