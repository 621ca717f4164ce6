// SPDX-License-Identifier: Apache-2.0
// The catalog as queries driver.list and driver.inspect show it; the members are documented in
// catalog.hpp.
#include "core/plugin/catalog_entry.hpp"
#include "core/plugin/schema.hpp"
#include "sdk/base/json.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <set>
#include <tuple>

namespace davit::plugin {
namespace {

boost::json::array array_of(const std::vector<std::string>& texts) {
    return boost::json::array(texts.begin(), texts.end());
}

boost::json::array abilities_of(const Probed& probed) {
    boost::json::array list;
    for (const auto& ability : probed.abilities)
        list.push_back(
            {{"Name", ability.name}, {"Available", ability.available}, {"Reason", ability.reason}});
    return list;
}

}  // namespace

std::vector<std::shared_ptr<Catalog::Slot>> Catalog::slots_of(const Driver& driver) const {
    std::vector<std::shared_ptr<Slot>> found;
    for (const auto& [key, slot] : slots_)
        if (slot->driver.get() == &driver) found.push_back(slot);
    return found;
}

boost::json::object Catalog::describe(Slot& slot, const std::optional<Choice>& choice,
                                      bool with_config) {
    const bool is_default = choice && choice->instance == slot.settings.name;
    const std::string trouble = slot.known_trouble();
    boost::json::object instance{{"Name", slot.settings.name},
                                 {"Default", is_default},
                                 {"State", slot.is_open() ? "open" : "closed"},
                                 {"Why", !trouble.empty() ? trouble
                                         : is_default     ? choice->reason
                                                          : ""}};
    if (!with_config) return instance;
    instance["Isolation"] = "in-process";  // the only one there is
    instance["Config"] = boost::json::parse(slot.config);
    return instance;
}

boost::json::object Catalog::summary(const Driver& driver, bool with_config) {
    const auto& manifest = driver.manifest;
    boost::json::object object{{"Kind", manifest.kind},
                               {"Name", manifest.name},
                               {"Description", manifest.description},
                               {"Path", driver.path},
                               {"Own", driver.own},
                               {"Interfaces", array_of(manifest.interfaces)}};
    static const Manifest kUnread;
    const auto& module = driver.library ? driver.library->manifest() : kUnread;
    object["Version"] = module.version;
    object["Licence"] = module.licence;
    object["Vendor"] = module.vendor;

    std::optional<Choice> choice;
    if (const auto known = default_choice(manifest.kind)) choice = *known;
    boost::json::array instances;
    bool open = false;
    std::string trouble;
    for (const auto& slot : slots_of(driver)) {
        trouble = slot->known_trouble();
        open = open || slot->is_open();
        instances.push_back(describe(*slot, choice, with_config));
    }
    object["State"] = !driver.refused.empty() ? "refused"
                      : open                  ? "open"
                      : instances.empty()     ? "listed"
                                              : "closed";
    object["Reason"] = !driver.refused.empty()  ? driver.refused
                       : !driver.unused.empty() ? driver.unused
                                                : trouble;
    object["Instances"] = std::move(instances);
    return object;
}

boost::json::array Catalog::list() {
    auto sorted = drivers_;
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
        return std::tie(a->manifest.kind, a->manifest.name) <
               std::tie(b->manifest.kind, b->manifest.name);
    });
    boost::json::array drivers;
    for (const auto& driver : sorted) drivers.push_back(summary(*driver, false));
    return drivers;
}

Result<std::shared_ptr<Catalog::Driver>> Catalog::find_shown(std::string_view name) const {
    const auto slash = name.find('/');
    const auto kind = slash == std::string_view::npos ? std::string_view{} : name.substr(0, slash);
    const auto plain = slash == std::string_view::npos ? name : name.substr(slash + 1);
    std::set<std::shared_ptr<Driver>> found;
    std::vector<std::string> known;
    const auto consider = [&](const std::shared_ptr<Driver>& driver, const std::string& called) {
        known.push_back(called);
        if (called == plain && (kind.empty() || driver->manifest.kind == kind))
            found.insert(driver);
    };
    for (const auto& driver : drivers_) consider(driver, driver->manifest.name);
    for (const auto& [key, slot] : slots_) consider(slot->driver, key.second);
    if (found.size() == 1) return *found.begin();
    if (found.empty())
        return fail(Code::not_found, "inspect driver ", name, ": no such driver or instance",
                    suggestion(plain, known));
    std::string kinds;
    for (const auto& driver : found)
        kinds += (kinds.empty() ? "" : ", ") + driver->manifest.kind + "/" + std::string(plain);
    return fail(Code::conflict, "inspect driver ", name, ": there are several: ", kinds);
}

Result<boost::json::object> Catalog::inspect(std::string_view name) {
    const auto driver = TRY(find_shown(name));
    auto object = summary(*driver, true);
    object["Works"] = false;
    if (!driver->library) return object;
    const auto& manifest = driver->manifest;
    object["Sha256"] = TRY(driver->library->sha256());
    object["RequiredMinor"] = driver->library->manifest().required_minor;
    object["Needs"] = {{"Kernel", array_of(manifest.kernel)},
                       {"Capabilities", array_of(manifest.capabilities)}};
    object["Rank"] = manifest.rank;
    object["ConfigSchema"] = *manifest.config;
    boost::json::object topics;
    for (const auto& [topic, schema] : manifest.options) topics[topic] = *schema;
    object["OptionSchemas"] = std::move(topics);
    object["Abilities"] = boost::json::array();

    const auto slots = slots_of(*driver);
    if (slots.empty()) return object;  // only named drivers run code
    const auto probed = probe(*slots.front());
    object["Works"] = probed && probed->works;
    if (!probed) object["Reason"] = probed.error().what;
    if (probed && !probed->works) object["Reason"] = probed->reason;
    if (probed) object["Abilities"] = abilities_of(*probed);
    return object;
}

}  // namespace davit::plugin
