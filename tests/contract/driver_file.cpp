// SPDX-License-Identifier: Apache-2.0
#include "tests/contract/driver_file.hpp"

#include "core/plugin/library.hpp"

#include <gtest/gtest.h>
#include <filesystem>

namespace davit::tests {
namespace {

const davit_driver* load(const std::string& path) {
    const auto library = plugin::Library::open(path);
    if (!library) {
        ADD_FAILURE() << library.error().what;
        return nullptr;
    }
    const auto module = (*library)->load("");
    if (!module) {
        ADD_FAILURE() << module.error().what;
        return nullptr;
    }
    const auto& manifest = (*library)->manifest().drivers.front();
    return plugin::find_driver(**module, manifest.kind, manifest.name);
}

}  // namespace

const davit_driver* load_driver(const std::string& name) {
    for (const std::string folder :
         {DAVIT_DRIVER_DIRECTORY, DAVIT_EXAMPLE_DIRECTORY, DAVIT_TEST_DRIVER_DIRECTORY})
        if (const auto path = folder + "/" + name + ".so"; std::filesystem::exists(path))
            return load(path);
    ADD_FAILURE() << "no driver " << name << " was built";
    return nullptr;
}

}  // namespace davit::tests
