// SPDX-License-Identifier: Apache-2.0
// What a container has mounted: read from a create body, kept with the container, shown by inspect.
// Values; no state.
#pragma once

#include "sdk/base/result.hpp"

#include <boost/json/fwd.hpp>
#include <map>
#include <string>
#include <vector>

namespace davit::container {

enum class MountKind { bind, volume, tmpfs };

// How far read-only reaches into what is mounted below a bind.
enum class ReadOnlyBelow { all, none };

struct Mount {
    MountKind kind = MountKind::bind;
    std::string source;  // a path of the host; a volume's name, once it has one
    std::string target;  // absolute, without "." and ".."
    bool read_only = false;
    std::string mode;         // what -v had behind the second colon; docker writes "z" for nothing
    std::string propagation;  // of a bind: "rprivate", …
    bool recursive = true;
    ReadOnlyBelow read_only_below = ReadOnlyBelow::all;
    bool create_source = false;        // -v makes a missing directory, --mount refuses it
    std::string subpath;               // of a volume
    bool copy = true;                  // what the image has there goes into an empty volume
    bool anonymous = false;            // the volume belongs to this container
    std::vector<std::string> options;  // of a tmpfs: "size=64m", "ro", …
    bool shown = true;                 // by inspect; --tmpfs is not
    // What the volume is to be made from if there is none of that name. Not kept.
    std::string driver;
    std::map<std::string, std::string> labels, driver_options;
};

// --volumes-from NAME[:ro]
struct VolumesFrom {
    std::string container;
    bool read_only = false;
};

struct Mounts {
    std::vector<Mount> list;  // in the order asked for
    std::vector<VolumesFrom> from;
    std::vector<std::string> places;  // Config.Volumes: a volume there, unless something is
};

// Binds, Mounts, Tmpfs and VolumesFrom of a HostConfig, and Volumes of a Config. Errors: invalid,
// in docker's words; unsupported.
Result<Mounts> read_mounts(const boost::json::object& config, const boost::json::object& host);

// The form that the graph keeps.
boost::json::array stored_mounts(const std::vector<Mount>& mounts);
Result<std::vector<Mount>> read_stored_mounts(const boost::json::array& stored);

// "/a/./b//../c" as "/a/c". Errors: invalid unless it is absolute and not "/".
Result<std::string> clean_target(const std::string& target);

}  // namespace davit::container
