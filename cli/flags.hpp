// SPDX-License-Identifier: Apache-2.0
// Options of one command: declared, parsed as docker's CLI parses them (-it, -p80:80, --rm=false,
// --name x, --name=x, --), and listed for --help. Only the command that runs declares its own. Not
// thread-safe.
#pragma once

#include "sdk/base/result.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::cli {

using Strings = std::vector<std::string>;

class Flags {
public:
    using Setter = std::function<Result<void>(std::string_view)>;
    struct Flag {
        std::string_view name;   // "detach"
        char letter = 0;         // 'd', or 0
        std::string_view value;  // "KEY=VALUE" as help shows it; empty for a switch
        std::string_view help;
        std::string_view section;  // heading of --help it stands under
        Setter set;
    };

    // What follows stands under this heading in --help.
    void section(std::string_view title) { section_ = title; }
    // `spec` is "detach" or "d,detach". The targets must outlive parse().
    void toggle(bool& target, std::string_view spec, std::string_view help);
    void toggle(std::optional<bool>& target, std::string_view spec, std::string_view help);
    void text(std::string& target, std::string_view spec, std::string_view value,
              std::string_view help);
    void text(std::optional<std::string>& target, std::string_view spec, std::string_view value,
              std::string_view help);
    void list(Strings& target, std::string_view spec, std::string_view value,
              std::string_view help);
    void number(std::optional<std::int64_t>& target, std::string_view spec, std::string_view value,
                std::string_view help);
    // Sizes as people write them ("64m", "1.5GiB"), in bytes; -1 stays -1.
    void bytes(std::optional<std::int64_t>& target, std::string_view spec, std::string_view help);
    // "1m30s", in nanoseconds.
    void duration(std::optional<std::int64_t>& target, std::string_view spec,
                  std::string_view help);
    void custom(Setter set, std::string_view spec, std::string_view value, std::string_view help);
    // A second name of a declared flag, which help does not list.
    void alias(std::string_view name, std::string_view of) { aliases_.emplace_back(name, of); }

    enum class Order { anywhere, before_operands };  // `run IMAGE ls -l`: -l is not ours
    // Fills the targets and returns the operands. Errors: invalid, naming the flag and, if one is
    // near, what was meant.
    Result<Strings> parse(const Strings& arguments, Order order);
    bool help_asked() const { return help_asked_; }
    const std::vector<Flag>& all() const { return flags_; }

private:
    void add(std::string_view spec, std::string_view value, std::string_view help, Setter set);
    const Flag* find(std::string_view name) const;
    const Flag* find(char letter) const;
    Result<bool> parse_long(std::string_view argument,
                            const std::string* next);  // true: took `next`
    Result<bool> parse_short(std::string_view argument, const std::string* next);
    Error unknown(std::string_view name) const;

    std::vector<Flag> flags_;
    std::vector<std::pair<std::string_view, std::string_view>> aliases_;
    std::string_view section_;
    bool help_asked_ = false;
};

}  // namespace davit::cli
