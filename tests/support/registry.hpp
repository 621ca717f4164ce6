// SPDX-License-Identifier: Apache-2.0
// Debian's docker-registry, started on a free loopback port with a directory of its own; ended and
// removed with the object. Used by contract runs and driver tests. One thread.
#pragma once

#include <sys/types.h>
#include <memory>
#include <string>
#include <vector>

namespace davit::tests {

class Registry {
public:
    struct Options {
        std::string htpasswd;               // file of users; empty: anybody may do anything
        std::string certificate, key;       // files; empty: plain HTTP
        std::vector<std::string> settings;  // further REGISTRY_…=… of its environment
    };
    // A failure of the running test and nullptr when it does not answer within ten seconds.
    static std::unique_ptr<Registry> start(const Options& options);
    static std::unique_ptr<Registry> start() { return start(Options{}); }
    Registry(const Registry&) = delete;
    Registry& operator=(const Registry&) = delete;
    ~Registry();

    int port() const { return port_; }
    std::string address() const { return "localhost:" + std::to_string(port_); }
    const std::string& directory() const {
        return directory_;
    }  // its own; tests may keep files there

private:
    Registry() = default;
    pid_t pid_ = -1;
    int port_ = 0;
    std::string directory_;
};

// A directory of its own under /tmp, removed with the object.
class TemporaryDirectory {
public:
    TemporaryDirectory();
    ~TemporaryDirectory();
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

// A port that nobody listens on now.
int free_port();
// Runs a command of words and waits: its exit status, -1 when it could not be run. Output is thrown
// away.
int run(const std::vector<std::string>& words);

}  // namespace davit::tests
