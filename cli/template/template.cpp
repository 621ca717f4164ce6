// SPDX-License-Identifier: Apache-2.0
#include "cli/template/template.hpp"

#include "cli/nearest.hpp"
#include "cli/template/functions.hpp"
#include "cli/template/lexer.hpp"
#include "cli/template/parser.hpp"
#include "cli/template/print.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <utility>
#include <vector>

namespace davit::cli {
namespace {

namespace bj = boost::json;
using namespace templates;

bool listed(std::string_view name, std::span<const std::string_view> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

// Members of the API whose names users choose. A key that is not there is no mistake: "<no value>".
constexpr std::string_view kMaps[] = {"Labels",       "Annotations", "Networks",   "Ports",
                                      "PortBindings", "Sysctls",     "Tmpfs",      "Volumes",
                                      "ExposedPorts", "Options",     "DriverOpts", "StorageOpt",
                                      "Attributes",   "Config",      "Data",       "Runtimes"};
// Members that the API leaves out or sends as null when they are empty, and that are single things,
// not lists.
constexpr std::string_view kPointers[] = {
    "Health",      "Healthcheck",      "Init",           "StopTimeout", "SizeRw",
    "SizeRootFs",  "MemorySwappiness", "OomKillDisable", "PidsLimit",   "IPAMConfig",
    "BindOptions", "VolumeOptions",    "TmpfsOptions"};
constexpr std::string_view kOptionalLists[] = {
    "Shell",   "OnBuild",  "Mounts",         "Annotations", "Sysctls",     "StorageOpt", "Tmpfs",
    "ExecIDs", "Warnings", "DeviceRequests", "Binds",       "SecurityOpt", "CapAdd",     "CapDrop"};
constexpr std::string_view kOptionalTexts[] = {"StopSignal", "MacAddress", "Comment", "Variant",
                                               "Parent"};

// A value and, when it was taken from a member, that member's name, which tells how an absent or
// null one is shown.
struct Item {
    Value value;
    std::string name;
    bool missing = false;  // a key that a map does not have: prints as "<no value>"
};

std::string shown(const Item& item) {
    if (!item.value.is_null()) return plain(item.value);
    if (item.missing || item.name.empty()) return "<no value>";
    if (listed(item.name, kPointers)) return "<nil>";
    return listed(item.name, kMaps) ? "map[]" : "[]";
}

class Evaluator {
public:
    Evaluator(const Value& data, Template::Mode mode, const Template::Method& method)
        : mode_(mode), method_(method) {
        variables_.push_back({"$", {data, {}}});
    }

    enum class Flow { on, leave, next };
    Result<Flow> run(const Nodes& nodes, const Item& dot) {
        for (const auto& node : nodes) {
            if (const auto* text = std::get_if<std::string>(&node.what)) {
                out += *text;
            } else if (const auto* action =
                           std::get_if<std::shared_ptr<const Pipeline>>(&node.what)) {
                const auto item = TRY(evaluate(**action, dot));
                if ((*action)->variables.empty()) out += shown(item);
            } else if (const auto* jump = std::get_if<Node::Jump>(&node.what)) {
                return *jump == Node::Jump::leave ? Flow::leave : Flow::next;
            } else {
                const auto flow =
                    TRY(branch(*std::get<std::shared_ptr<const Branch>>(node.what), dot));
                if (flow != Flow::on) return flow;
            }
        }
        return Flow::on;
    }

    std::string out;

private:
    struct Variable {
        std::string name;
        Item item;
    };

    static Error error(Position position, std::string_view about, std::string_view cause) {
        return fail(Code::invalid, to_string(position), ": ", about, about.empty() ? "" : ": ",
                    cause);
    }

    Result<Flow> branch(const Branch& branch, const Item& dot) {
        const auto visible = variables_.size();
        Flow flow = Flow::on;
        if (branch.kind == Branch::Kind::range) {
            TRY(range(branch, dot));
        } else {
            const auto item = TRY(evaluate(branch.pipeline, dot));
            const bool taken = truth(item.value);
            const bool with = branch.kind == Branch::Kind::with && taken;
            flow = TRY(run(taken ? branch.body : branch.otherwise, with ? item : dot));
        }
        variables_.resize(visible);
        return flow;
    }

    // One round of a range. The loop's variables are set anew.
    Result<Flow> round(const Branch& branch, Value key, const Value& element) {
        const auto visible = variables_.size();
        const auto& names = branch.pipeline.variables;
        if (!names.empty()) set(branch.pipeline, names.back(), {element, {}});
        if (names.size() == 2) set(branch.pipeline, names.front(), {std::move(key), {}});
        const auto flow = TRY(run(branch.body, {element, {}}));
        variables_.resize(visible);
        return flow;
    }

    Result<void> range(const Branch& branch, const Item& dot) {
        const auto item = TRY(evaluate(branch.pipeline, dot, false));
        if (const auto* array = item.value.if_array(); array != nullptr && !array->empty()) {
            std::int64_t i = 0;
            for (const auto& element : *array)
                if (TRY(round(branch, i++, element)) == Flow::leave) break;
        } else if (const auto* object = item.value.if_object();
                   object != nullptr && !object->empty()) {
            std::vector<const bj::key_value_pair*> members;
            for (const auto& member : *object) members.push_back(&member);
            std::sort(members.begin(), members.end(),
                      [](auto* a, auto* b) { return a->key() < b->key(); });
            for (const auto* member : members)
                if (TRY(round(branch, bj::string(member->key()), member->value())) == Flow::leave)
                    break;
        } else if (const auto* count = item.value.if_int64(); count != nullptr && *count > 0) {
            for (std::int64_t i = 0; i < *count; ++i)
                if (TRY(round(branch, i, Value(i))) == Flow::leave) break;
        } else if (item.value.is_bool() || item.value.is_string() || item.value.is_double()) {
            return error(branch.pipeline.position, "range",
                         "can't iterate over " + plain(item.value));
        } else {
            TRY(run(branch.otherwise, dot));
        }
        return {};
    }

    void set(const Pipeline& pipeline, const std::string& name, Item item) {
        if (pipeline.assigns)
            for (auto i = variables_.rbegin(); i != variables_.rend(); ++i)
                if (i->name == name) {
                    i->item = std::move(item);
                    return;
                }
        variables_.push_back({name, std::move(item)});
    }

    Result<Item> evaluate(const Pipeline& pipeline, const Item& dot, bool bind = true) {
        Item item;
        bool first = true;
        for (const auto& command : pipeline.commands) {
            item = TRY(evaluate(command, dot, first ? nullptr : &item));
            first = false;
        }
        if (bind)
            for (const auto& name : pipeline.variables) set(pipeline, name, item);
        return item;
    }

    // `last`: the value of the command before, which becomes the last argument.
    Result<Item> evaluate(const Command& command, const Item& dot, const Item* last) {
        const auto& head = command.front();
        if (head.kind == Operand::Kind::function) return call(command, dot, last);
        if (head.kind == Operand::Kind::field && (command.size() > 1 || last != nullptr))
            return call_method(command, dot, last);
        if (command.size() > 1 || last != nullptr)
            return error(head.position, describe(head),
                         "can't give arguments to a value that is not a function");
        return value_of(head, dot);
    }

    Result<std::vector<Value>> arguments_of(const Command& command, const Item& dot,
                                            const Item* last) {
        std::vector<Value> arguments;
        for (std::size_t i = 1; i < command.size(); ++i)
            arguments.push_back(TRY(value_of(command[i], dot)).value);
        if (last != nullptr) arguments.push_back(last->value);
        return arguments;
    }

    Result<Item> call(const Command& command, const Item& dot, const Item* last) {
        const auto& name = command.front().text;
        if (name == "and" || name == "or") return shortcut(command, dot, last, name == "or");
        const auto arguments = TRY(arguments_of(command, dot, last));
        if (auto special = in_list(name, arguments)) return Item{std::move(*special), {}};
        auto result = call_function(name, arguments);
        if (!result) return error(command.front().position, "", result.error().what);
        return fields({std::move(*result), {}}, command.front());
    }

    // What functions mean in lists: docker marshals a row as a sorted map, and leaves headings as
    // they are.
    std::optional<Value> in_list(std::string_view name, std::span<const Value> arguments) const {
        static constexpr std::string_view kText[] = {"json",  "split", "join", "title",
                                                     "lower", "upper", "pad",  "truncate"};
        if (arguments.empty()) return std::nullopt;
        if (mode_ == Template::Mode::heading && listed(name, kText)) return arguments[0];
        if (mode_ != Template::Mode::row || name != "json" || !arguments[0].is_object())
            return std::nullopt;
        return bj::string(to_json(arguments[0], {.escape_html = true, .sort_keys = true}));
    }

    // and, or: the first argument that decides, the others are not looked at.
    Result<Item> shortcut(const Command& command, const Item& dot, const Item* last, bool stop_at) {
        Item item;
        if (command.size() == 1 && last == nullptr)
            return error(command.front().position, command.front().text,
                         "wrong number of arguments: want at least 1, got 0");
        for (std::size_t i = 1; i < command.size(); ++i) {
            item = TRY(value_of(command[i], dot));
            if (truth(item.value) == stop_at) return item;
        }
        return last != nullptr ? *last : item;
    }

    Result<Item> call_method(const Command& command, const Item& dot, const Item* last) {
        const auto& head = command.front();
        const auto arguments = TRY(arguments_of(command, dot, last));
        if (method_ && head.fields.size() == 1)
            if (auto value = method_(head.fields[0], arguments)) return Item{std::move(*value), {}};
        return error(head.position, describe(head), "is not a function, but has arguments");
    }

    static std::string describe(const Operand& operand) {
        std::string text = operand.kind == Operand::Kind::field ? "" : operand.text;
        for (const auto& field : operand.fields) text.append(".").append(field);
        return text;
    }

    Result<Item> value_of(const Operand& operand, const Item& dot) {
        switch (operand.kind) {
            case Operand::Kind::dot: return fields(dot, operand);
            case Operand::Kind::field: return fields(dot, operand);
            case Operand::Kind::variable:
                for (auto i = variables_.rbegin(); i != variables_.rend(); ++i)
                    if (i->name == operand.text) return fields(i->item, operand);
                return error(operand.position, operand.text, "undefined variable");
            case Operand::Kind::function: return call({operand}, dot, nullptr);
            case Operand::Kind::string: return Item{bj::string(operand.text), {}};
            case Operand::Kind::integer: return Item{operand.integer, {}};
            case Operand::Kind::real: return Item{operand.real, {}};
            case Operand::Kind::boolean: return Item{operand.boolean, {}};
            case Operand::Kind::nil: return Item{nullptr, {}};
            case Operand::Kind::pipeline: break;
        }
        return fields(TRY(evaluate(*operand.pipeline, dot)), operand);
    }

    Result<Item> fields(Item item, const Operand& operand) {
        for (const auto& name : operand.fields) item = TRY(field(std::move(item), name, operand));
        return item;
    }

    Result<Item> field(Item item, const std::string& name, const Operand& operand) {
        const auto* object = item.value.if_object();
        if (object == nullptr) {
            if (item.value.is_null() && (item.missing || listed(item.name, kMaps)))
                return Item{nullptr, name, true};
            const auto what = item.value.is_null() ? std::string("it is nil")
                                                   : "not an object: " + plain(item.value);
            return error(operand.position, describe(operand), "can't take ." + name + ": " + what);
        }
        if (const auto* found = object->if_contains(name)) return Item{*found, name};
        if (mode_ == Template::Mode::inspect) {
            if (listed(name, kPointers) || listed(name, kOptionalLists)) return Item{nullptr, name};
            if (listed(name, kOptionalTexts)) return Item{bj::string(), name};
            if (listed(item.name, kMaps)) return Item{nullptr, name, true};
        }
        return error(operand.position, describe(operand),
                     "no field \"" + name + "\"" + hint(*object, name));
    }

    // "; did you mean .Names?", or the list when it is short enough to be read.
    static std::string hint(const bj::object& object, std::string_view name) {
        std::vector<std::string_view> names;
        for (const auto& member : object)
            names.emplace_back(member.key().data(), member.key().size());
        for (const auto other : names)
            if (other.size() == name.size() && plain_lower(other) == plain_lower(name))
                return "; did you mean ." + std::string(other) + "?";
        if (const auto near = nearest(name, names); !near.empty())
            return "; did you mean ." + std::string(near) + "?";
        if (names.empty()) return "";
        std::string text = "; there are ";
        for (std::size_t i = 0; i < names.size(); ++i)
            text.append(i > 0 ? ", ." : ".").append(names[i]);
        return text;
    }

    static std::string plain_lower(std::string_view text) {
        std::string out(text);
        for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        return out;
    }

    Template::Mode mode_;
    const Template::Method& method_;
    std::vector<Variable> variables_;
};

}  // namespace

Result<Template> Template::parse(std::string_view text) {
    auto nodes = templates::parse(text);
    if (!nodes) return std::move(nodes).error().context("parse template");
    return Template(std::move(*nodes));
}

Result<std::string> Template::execute(const Value& data, Mode mode, const Method& method) const {
    Evaluator evaluator(data, mode, method);
    auto done = evaluator.run(nodes_, {data, {}});
    if (!done) return std::move(done).error().context("template");
    return std::move(evaluator.out);
}

}  // namespace davit::cli
