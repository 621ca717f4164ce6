// SPDX-License-Identifier: Apache-2.0
#include "cli/flags.hpp"

#include "cli/nearest.hpp"
#include "cli/units.hpp"

#include <charconv>

namespace davit::cli {
namespace {

Result<bool> parse_bool(std::string_view text) {
    for (const auto* yes : {"true", "1", "t", "T", "TRUE", "True"})
        if (text == yes) return true;
    for (const auto* no : {"false", "0", "f", "F", "FALSE", "False"})
        if (text == no) return false;
    return fail(Code::invalid, "expected true or false");
}

Result<std::int64_t> parse_number(std::string_view text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || text.empty())
        return fail(Code::invalid, "expected a whole number");
    return number;
}

std::string shown(const Flags::Flag& flag) {
    std::string text;
    if (flag.letter != 0) text = std::string("-") + flag.letter + ", ";
    return text.append("--").append(flag.name);
}

Result<void> set(const Flags::Flag& flag, std::string_view value) {
    auto done = flag.set(value);
    if (done) return {};
    return fail(Code::invalid, "invalid argument \"", value, "\" for ", shown(flag), ": ",
                done.error().what);
}

}  // namespace

void Flags::add(std::string_view spec, std::string_view value, std::string_view help, Setter set) {
    const char letter = spec.size() > 2 && spec[1] == ',' ? spec[0] : '\0';
    if (letter != 0) spec.remove_prefix(2);
    flags_.push_back({spec, letter, value, help, section_, std::move(set)});
}

void Flags::toggle(bool& target, std::string_view spec, std::string_view help) {
    add(spec, "", help, [&target](std::string_view text) -> Result<void> {
        target = TRY(parse_bool(text));
        return {};
    });
}

void Flags::toggle(std::optional<bool>& target, std::string_view spec, std::string_view help) {
    add(spec, "", help, [&target](std::string_view text) -> Result<void> {
        target = TRY(parse_bool(text));
        return {};
    });
}

void Flags::text(std::string& target, std::string_view spec, std::string_view value,
                 std::string_view help) {
    add(spec, value, help, [&target](std::string_view text) -> Result<void> {
        target = text;
        return {};
    });
}

void Flags::text(std::optional<std::string>& target, std::string_view spec, std::string_view value,
                 std::string_view help) {
    add(spec, value, help, [&target](std::string_view text) -> Result<void> {
        target = std::string(text);
        return {};
    });
}

void Flags::list(Strings& target, std::string_view spec, std::string_view value,
                 std::string_view help) {
    add(spec, value, help, [&target](std::string_view text) -> Result<void> {
        target.emplace_back(text);
        return {};
    });
}

void Flags::number(std::optional<std::int64_t>& target, std::string_view spec,
                   std::string_view value, std::string_view help) {
    add(spec, value, help, [&target](std::string_view text) -> Result<void> {
        target = TRY(parse_number(text));
        return {};
    });
}

void Flags::bytes(std::optional<std::int64_t>& target, std::string_view spec,
                  std::string_view help) {
    add(spec, "BYTES", help, [&target](std::string_view text) -> Result<void> {
        target = text == "-1" ? -1 : TRY(parse_bytes(text));
        return {};
    });
}

void Flags::duration(std::optional<std::int64_t>& target, std::string_view spec,
                     std::string_view help) {
    add(spec, "DURATION", help, [&target](std::string_view text) -> Result<void> {
        target = TRY(parse_duration(text));
        return {};
    });
}

void Flags::custom(Setter set, std::string_view spec, std::string_view value,
                   std::string_view help) {
    add(spec, value, help, std::move(set));
}

const Flags::Flag* Flags::find(std::string_view name) const {
    for (const auto& [other, of] : aliases_)
        if (other == name) name = of;
    for (const auto& flag : flags_)
        if (flag.name == name) return &flag;
    return nullptr;
}

const Flags::Flag* Flags::find(char letter) const {
    for (const auto& flag : flags_)
        if (flag.letter == letter) return &flag;
    return nullptr;
}

Error Flags::unknown(std::string_view name) const {
    std::vector<std::string_view> names{"help"};
    for (const auto& flag : flags_) names.push_back(flag.name);
    const auto near = nearest(name, names);
    if (near.empty()) return fail(Code::invalid, "unknown flag: --", name);
    return fail(Code::invalid, "unknown flag: --", name, "; did you mean --", near, "?");
}

Result<bool> Flags::parse_long(std::string_view argument, const std::string* next) {
    const auto equals = argument.find('=');
    const auto name = argument.substr(0, equals);
    const Flag* flag = find(name);
    if (flag == nullptr) {
        if (name != "help") return unknown(name);
        help_asked_ = true;
        return false;
    }
    if (equals != std::string_view::npos) {
        TRY(set(*flag, argument.substr(equals + 1)));
        return false;
    }
    if (flag->value.empty()) {
        TRY(set(*flag, "true"));
        return false;
    }
    if (next == nullptr)
        return fail(Code::invalid, "flag needs a value: --", name, " ", flag->value);
    TRY(set(*flag, *next));
    return true;
}

Result<bool> Flags::parse_short(std::string_view argument, const std::string* next) {
    for (std::size_t i = 0; i < argument.size(); ++i) {
        const Flag* flag = find(argument[i]);
        if (flag == nullptr) {
            if (argument[i] == 'h') return help_asked_ = true, false;
            return fail(Code::invalid, "unknown flag: -", argument.substr(i, 1), " in -", argument);
        }
        auto rest = argument.substr(i + 1);
        if (flag->value.empty()) {
            if (!rest.starts_with('=')) {
                TRY(set(*flag, "true"));
                continue;
            }
            TRY(set(*flag, rest.substr(1)));
            return false;
        }
        if (rest.starts_with('=')) rest.remove_prefix(1);
        if (rest.empty() && next == nullptr)
            return fail(Code::invalid, "flag needs a value: -", argument.substr(i, 1), " ",
                        flag->value);
        TRY(set(*flag, rest.empty() ? std::string_view(*next) : rest));
        return rest.empty();
    }
    return false;
}

Result<Strings> Flags::parse(const Strings& arguments, Order order) {
    Strings operands;
    for (std::size_t i = 0; i < arguments.size() && !help_asked_; ++i) {
        const std::string_view argument = arguments[i];
        const auto* next = i + 1 < arguments.size() ? &arguments[i + 1] : nullptr;
        const bool rest_is_operands = argument == "--";
        if (rest_is_operands) ++i;
        if (rest_is_operands ||
            ((argument.size() < 2 || argument[0] != '-') && order == Order::before_operands)) {
            operands.insert(operands.end(), arguments.begin() + static_cast<std::ptrdiff_t>(i),
                            arguments.end());
            break;
        }
        if (argument.size() < 2 || argument[0] != '-')
            operands.emplace_back(argument);
        else if (argument[1] == '-' ? TRY(parse_long(argument.substr(2), next))
                                    : TRY(parse_short(argument.substr(1), next)))
            ++i;
    }
    return operands;
}

}  // namespace davit::cli
