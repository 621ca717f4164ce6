// SPDX-License-Identifier: Apache-2.0
#include "core/container/log_options.hpp"

#include "core/container/byte_size.hpp"
#include "core/container/host_fields.hpp"
#include "sdk/base/json.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <charconv>
#include <regex>
#include <string_view>
#include <utility>

namespace davit::container {

namespace {

namespace bj = boost::json;

constexpr std::size_t kShortId = 12;

Result<std::uint32_t> read_count(const std::string& key, const std::string& text) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number == 0)
        return fail(Code::invalid, "create container: invalid value for ", key, ": ", text);
    return number;
}

std::vector<std::string> names_of(std::string_view list) {
    std::vector<std::string> names;
    while (!list.empty()) {
        const std::size_t end = std::min(list.find(','), list.size());
        if (end != 0) names.emplace_back(list.substr(0, end));
        list.remove_prefix(std::min(end + 1, list.size()));
    }
    return names;
}

Result<std::string> checked_regex(const std::string& text) {
    try {
        std::regex compiled(text);
    } catch (const std::regex_error& broken) {
        return fail(Code::invalid, "create container: invalid expression '", text,
                    "': ", broken.what());
    }
    return text;
}

Result<void> read_option(const std::string& key, const std::string& value, LogOptions& options) {
    if (key == "max-size") {
        options.max_bytes = value == "-1" ? 0 : TRY(read_bytes(value));
    } else if (key == "max-file") {
        options.max_files = TRY(read_count(key, value));
    } else if (key == "labels") {
        options.labels = names_of(value);
    } else if (key == "env") {
        options.environment = names_of(value);
    } else if (key == "labels-regex") {
        options.labels_regex = TRY(checked_regex(value));
    } else if (key == "env-regex") {
        options.environment_regex = TRY(checked_regex(value));
    } else if (key == "tag") {
        options.tag = value;
    } else if (key == "mode") {
        // Nothing a program writes ever waits for a reader of its log.
        if (value != "blocking" && value != "non-blocking")
            return fail(Code::invalid, "create container: logger: invalid mode: ", value);
    } else if (key == "max-buffer-size") {
        TRY(read_bytes(value));  // there is no buffer that it could limit
    } else if (key != "compress" || (value != "false" && value != "0")) {
        return fail(Code::unsupported, "create container: log option \"", key, "=", value,
                    "\" for json-file is not supported");
    }
    return {};
}

std::string escaped(std::string_view text) {
    static constexpr char kDigits[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::isalnum(byte) || c == '-' || c == '_' || c == '.' || c == '~')
            out += c;
        else if (c == ' ')
            out += '+';
        else
            out.append("%").append(1, kDigits[byte >> 4]).append(1, kDigits[byte & 15]);
    }
    return out;
}

void replace_all(std::string& text, std::string_view what, std::string_view by) {
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
        text.replace(at, what.size(), by);
}

std::string tag_text(std::string tag, const LogSubject& subject) {
    replace_all(tag, "{{.ID}}", subject.id.substr(0, kShortId));
    replace_all(tag, "{{.FullID}}", subject.id);
    replace_all(tag, "{{.Name}}", subject.name);
    return tag;
}

class Chosen {
public:
    Chosen(const std::vector<std::string>& names, const std::string& expression)
        : names_(names), any_(!expression.empty()), expression_(any_ ? expression : "") {}
    bool operator()(const std::string& name) const {
        return std::find(names_.begin(), names_.end(), name) != names_.end() ||
               (any_ && std::regex_search(name, expression_));
    }

private:
    const std::vector<std::string>& names_;
    bool any_;
    std::regex expression_;
};

}  // namespace

Result<LogOptions> read_log_options(const bj::object& host) {
    LogOptions options;
    const auto* log = TRY(json::get_object(host, "LogConfig"));
    if (log == nullptr) return options;
    const std::string type = TRY(json::get_string(*log, "Type", "json-file"));
    options.keep = type != "none";
    if (options.keep && type != "json-file")
        return fail(Code::unsupported, "create container: log driver \"", type,
                    "\" is not supported yet");
    for (const auto& [key, value] : TRY(string_map(*log, "Config")))
        TRY(read_option(key, value, options));
    if (options.max_files > 1 && options.max_bytes == 0)
        return fail(Code::invalid,
                    "create container: max-file needs max-size with the json-file log driver");
    return options;
}

std::string log_details(const LogOptions& options, const LogSubject& subject) {
    std::map<std::string, std::string> shown;
    const Chosen label(options.labels, options.labels_regex);
    for (const auto& [name, value] : subject.labels)
        if (label(name)) shown[name] = value;
    const Chosen variable(options.environment, options.environment_regex);
    for (const std::string& setting : subject.environment) {
        const std::string name = setting.substr(0, setting.find('='));
        if (variable(name)) shown[name] = setting.substr(std::min(name.size() + 1, setting.size()));
    }
    if (!options.tag.empty()) shown["tag"] = tag_text(options.tag, subject);
    std::string text;
    for (const auto& [name, value] : shown)
        text.append(text.empty() ? "" : ",")
            .append(escaped(name))
            .append("=")
            .append(escaped(value));
    return text;
}

}  // namespace davit::container
