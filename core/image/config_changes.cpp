// SPDX-License-Identifier: Apache-2.0
#include "core/image/config_changes.hpp"

#include "core/image/timestamp.hpp"
#include "sdk/base/json.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <functional>
#include <map>
#include <optional>

namespace davit::image {

using boost::json::array;
using boost::json::object;

namespace {

using Words = std::vector<std::string>;

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlanks = " \t\r";
    const std::size_t begin = text.find_first_not_of(kBlanks);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

// Words as a Dockerfile has them: separated by blanks, with quotes and backslashes.
Result<Words> words_of(std::string_view text) {
    Words words;
    std::string word;
    bool within = false;
    char quote = '\0';
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
            word += text[++i];
            within = true;
        } else if (quote != '\0') {
            c == quote ? void(quote = '\0') : void(word += c);
        } else if (c == '"' || c == '\'') {
            quote = c;
            within = true;
        } else if (c == ' ' || c == '\t') {
            if (within) words.push_back(std::exchange(word, {}));
            within = false;
        } else {
            word += c;
            within = true;
        }
    }
    if (quote != '\0') return fail(Code::invalid, "a quotation is not closed");
    if (within) words.push_back(word);
    return words;
}

// ["a", "b"], or nothing when it is no JSON.
std::optional<Words> json_list(std::string_view text) {
    if (!text.starts_with('[')) return std::nullopt;
    const auto parsed = json::parse(text, "list");
    if (!parsed || !parsed->is_array()) return std::nullopt;
    Words words;
    for (const auto& entry : parsed->get_array()) {
        if (!entry.is_string()) return std::nullopt;
        words.emplace_back(entry.get_string());
    }
    return words;
}

array json_of(const Words& words) { return array(words.begin(), words.end()); }

// The exec form as it is, the shell form for the image's shell.
array command(const object& config, std::string_view text) {
    if (const auto words = json_list(text)) return json_of(*words);
    Words shell = json::get_strings(config, "Shell").value_or({});
    if (shell.empty()) shell = {"/bin/sh", "-c"};
    shell.emplace_back(text);
    return json_of(shell);
}

object& member(object& config, std::string_view name) {
    auto& value = config[name];
    if (!value.is_object()) value = object();
    return value.get_object();
}

using Pairs = std::vector<std::pair<std::string, std::string>>;
// "a=b c=d", or the older "a b c".
Result<Pairs> pairs_of(std::string_view text) {
    const Words words = TRY(words_of(text));
    Pairs pairs;
    if (words.empty()) return fail(Code::invalid, "a name is missing");
    if (words.front().find('=') == std::string::npos) {
        const std::string_view rest =
            trimmed(text.substr(std::min(text.size(), text.find_first_of(" \t"))));
        if (rest.empty()) return fail(Code::invalid, "a value is missing");
        return Pairs{{words.front(), std::string(rest)}};
    }
    for (const std::string& word : words) {
        const std::size_t equals = word.find('=');
        if (equals == std::string::npos || equals == 0)
            return fail(Code::invalid, "\"", word, "\" is not of the form name=value");
        pairs.emplace_back(word.substr(0, equals), word.substr(equals + 1));
    }
    return pairs;
}

Result<void> set_environment(object& config, std::string_view text) {
    Words environment = json::get_strings(config, "Env").value_or({});
    for (const auto& [name, value] : TRY(pairs_of(text))) {
        std::erase_if(environment, [&, key = name + "="](const std::string& entry) {
            return entry.starts_with(key);
        });
        environment.push_back(name + "=" + value);
    }
    config["Env"] = json_of(environment);
    return {};
}

Result<void> set_labels(object& config, std::string_view text) {
    for (const auto& [name, value] : TRY(pairs_of(text))) member(config, "Labels")[name] = value;
    return {};
}

Result<void> expose(object& config, std::string_view text) {
    for (std::string port : TRY(words_of(text))) {
        if (port.find('/') == std::string::npos) port += "/tcp";
        int number = 0;
        const auto [end, fault] =
            std::from_chars(port.data(), port.data() + port.find('/'), number);
        const std::string protocol = port.substr(port.find('/') + 1);
        if (fault != std::errc{} || end != port.data() + port.find('/') || number < 1 ||
            number > 65535 || (protocol != "tcp" && protocol != "udp" && protocol != "sctp"))
            return fail(Code::invalid, "invalid containerPort: ", port);
        member(config, "ExposedPorts")[port] = object();
    }
    return {};
}

Result<void> add_volumes(object& config, std::string_view text) {
    for (const std::string& path : json_list(text) ? *json_list(text) : TRY(words_of(text))) {
        if (path.empty()) return fail(Code::invalid, "VOLUME specified can not be an empty string");
        member(config, "Volumes")[path] = object();
    }
    return {};
}

Result<void> set_directory(object& config, std::string_view text) {
    const std::string before = json::get_string(config, "WorkingDir", "").value_or("");
    std::string path(text);
    if (!path.starts_with('/')) path = (before.empty() ? "" : before) + "/" + path;
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    config["WorkingDir"] = path;
    return {};
}

Result<std::int64_t> nanoseconds(const std::string& text) {
    const auto before = parse_moment(text, 0);  // a duration is a moment before now
    if (!before || *before > 0) return fail(Code::invalid, "\"", text, "\" is no duration");
    return -*before;
}

Result<void> set_option(object& check, const std::string& name, const std::string& value) {
    static const std::map<std::string, const char*> kTimes = {
        {"--interval", "Interval"},
        {"--timeout", "Timeout"},
        {"--start-period", "StartPeriod"},
        {"--start-interval", "StartInterval"}};
    if (const auto time = kTimes.find(name); time != kTimes.end()) {
        check[time->second] = TRY(nanoseconds(value));
        return {};
    }
    int retries = 0;
    const auto [end, fault] = std::from_chars(value.data(), value.data() + value.size(), retries);
    if (name != "--retries" || fault != std::errc{} || end != value.data() + value.size())
        return fail(Code::invalid, "unknown flag: ", name);
    check["Retries"] = retries;
    return {};
}

Result<void> set_health_check(object& config, std::string_view text) {
    object check;
    while (text.starts_with("--")) {
        const std::string_view option = text.substr(0, text.find(' '));
        const std::size_t equals = option.find('=');
        if (equals == std::string_view::npos) return fail(Code::invalid, "unknown flag: ", option);
        TRY(set_option(check, std::string(option.substr(0, equals)),
                       std::string(option.substr(equals + 1))));
        text = trimmed(text.substr(option.size()));
    }
    const std::string_view type = text.substr(0, text.find(' '));
    const std::string_view rest = trimmed(text.substr(type.size()));
    if (type == "NONE" && rest.empty()) {
        check["Test"] = array{"NONE"};
    } else if (type == "CMD" && !rest.empty()) {
        const auto words = json_list(rest);
        Words test = {words ? "CMD" : "CMD-SHELL"};
        if (words)
            test.insert(test.end(), words->begin(), words->end());
        else
            test.emplace_back(rest);
        check["Test"] = json_of(test);
    } else {
        return fail(Code::invalid, "HEALTHCHECK wants NONE or CMD and a command");
    }
    config["Healthcheck"] = std::move(check);
    return {};
}

Result<void> add_trigger(object& config, std::string_view text) {
    Words triggers = json::get_strings(config, "OnBuild").value_or({});
    triggers.emplace_back(text);
    config["OnBuild"] = json_of(triggers);
    return {};
}

using Instruction = std::function<Result<void>(object&, std::string_view)>;

Instruction text_member(const char* name) {
    return [name](object& config, std::string_view text) -> Result<void> {
        config[name] = text;
        return {};
    };
}

const std::map<std::string, Instruction>& instructions() {
    static const std::map<std::string, Instruction> kAll = {
        {"CMD",
         [](object& config, std::string_view text) -> Result<void> {
             config["Cmd"] = command(config, text);
             return {};
         }},
        {"ENTRYPOINT",
         [](object& config, std::string_view text) -> Result<void> {
             config["Entrypoint"] = command(config, text);
             return {};
         }},
        {"ENV", set_environment},
        {"EXPOSE", expose},
        {"HEALTHCHECK", set_health_check},
        {"LABEL", set_labels},
        {"ONBUILD", add_trigger},
        {"STOPSIGNAL", text_member("StopSignal")},
        {"USER", text_member("User")},
        {"VOLUME", add_volumes},
        {"WORKDIR", set_directory}};
    return kAll;
}

Result<void> apply(object& config, std::string_view line) {
    line = trimmed(line);
    if (line.empty() || line.starts_with('#')) return {};
    std::string name(line.substr(0, line.find_first_of(" \t")));
    const std::string_view rest = trimmed(line.substr(name.size()));
    std::transform(name.begin(), name.end(), name.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    const auto found = instructions().find(name);
    if (found == instructions().end())
        return fail(Code::invalid, name, " is not a valid change command");
    if (rest.empty()) return fail(Code::invalid, name, " requires at least one argument");
    return found->second(config, rest).context(name);
}

// As image configurations have them, in the API's order.
constexpr std::string_view kMembers[] = {
    "User",   "ExposedPorts", "Env",         "Entrypoint",  "Cmd",     "Volumes", "WorkingDir",
    "Labels", "StopSignal",   "ArgsEscaped", "Healthcheck", "OnBuild", "Shell",
};

bool says_nothing(const boost::json::value* member) {
    if (member == nullptr || member->is_null()) return true;
    if (const auto* text = member->if_string()) return text->empty();
    if (const auto* list = member->if_array()) return list->empty();
    if (const auto* members = member->if_object()) return members->empty();
    return member->is_bool() && !member->get_bool();
}

std::string_view name_of(std::string_view variable) {
    return variable.substr(0, variable.find('='));
}

array merged_environment(const object& asked, const object& container) {
    Words all = json::get_strings(asked, "Env").value_or({});
    for (const std::string& variable : json::get_strings(container, "Env").value_or({}))
        if (std::none_of(all.begin(), all.end(), [&](const std::string& known) {
                return name_of(known) == name_of(variable);
            }))
            all.push_back(variable);
    return json_of(all);
}

}  // namespace

object merge_config(object asked, const object& container) {
    object merged;
    const bool keeps_command = says_nothing(json::find(asked, "Entrypoint"));
    for (const std::string_view name : kMembers) {
        const auto* ours = json::find(asked, name);
        const auto* theirs = json::find(container, name);
        if (name == "Cmd" && !keeps_command) theirs = nullptr;
        if (name == "OnBuild") theirs = nullptr;  // it was carried out where the container began
        if (name == "Env") {
            merged[name] = merged_environment(asked, container);
        } else if (!says_nothing(ours) && !says_nothing(theirs) && ours->is_object() &&
                   theirs->is_object() && name != "Healthcheck") {
            merged[name] = *theirs;
            for (const auto& [key, value] : ours->get_object())
                merged[name].get_object()[key] = value;
        } else if (const auto* given = says_nothing(ours) ? theirs : ours; !says_nothing(given)) {
            merged[name] = *given;
        }
    }
    return merged;
}

Result<void> apply_changes(object& config, const std::vector<std::string>& changes) {
    for (const std::string& change : changes)
        for (std::string_view rest = change; !rest.empty();) {
            const std::size_t end = rest.find('\n');
            TRY(apply(config, rest.substr(0, end)));
            rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        }
    return {};
}

}  // namespace davit::image
