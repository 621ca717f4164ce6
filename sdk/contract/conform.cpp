// SPDX-License-Identifier: Apache-2.0
// davit-conform: runs the contract of every driver in a file. For driver authors; needs root for
// storage and network.
#include "davit/module.h"
#include "sdk/contract/network_contract.hpp"
#include "sdk/contract/storage_contract.hpp"
#include "sdk/plugin/value.hpp"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <cstdio>
#include <string>

namespace davit::sdk::contract {
namespace {

constexpr int kUsageError = 2;

constexpr char kUsage[] =
    "usage: davit-conform run DRIVER.so [CONFIG] [--gtest_filter=…] [--gtest_output=xml:FILE]\n"
    "\n"
    "Runs every case of the contract of each driver in the file, and ends with 0 when all hold.\n"
    "CONFIG: a JSON object, the configuration of the instances that are opened; by default {}.\n";

const davit_module* load(const char* path) {
    void* file = ::dlopen(path, RTLD_NOW | RTLD_LOCAL);  // never closed, as in davitd
    void* symbol = file == nullptr ? nullptr : ::dlsym(file, DAVIT_MODULE_SYMBOL);
    if (symbol == nullptr) {
        std::fprintf(stderr, "davit-conform: load %s: %s\n", path, ::dlerror());
        return nullptr;
    }
    return reinterpret_cast<davit_module_fn>(symbol)();
}

// "plain-dir" → "PlainDir": a test suite's name is an identifier.
std::string suite_name(std::string_view driver) {
    std::string name;
    bool upper = true;
    for (const char c : driver) {
        const bool is_letter = std::isalnum(static_cast<unsigned char>(c)) != 0;
        if (is_letter)
            name += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
        upper = !is_letter;
    }
    return name;
}

bool register_driver(const davit_driver* driver, const std::string& config) {
    if (view(driver->kind) == "network") {
        register_network_contract({.name = suite_name(view(driver->name)),
                                   .driver = [driver] { return driver; },
                                   .config = config});
        return true;
    }
    if (view(driver->kind) != "storage") return false;
    register_storage_contract({.name = suite_name(view(driver->name)),
                               .driver = [driver] { return driver; },
                               .config = config});
    return true;
}

int run(const char* path, const std::string& config) {
    const davit_module* module = load(path);
    if (module == nullptr) return kUsageError;
    bool any = false;
    for (std::uint32_t i = 0; i < module->driver_count; ++i)
        any = register_driver(module->drivers[i], config) || any;
    if (any) return RUN_ALL_TESTS();
    std::fprintf(stderr, "davit-conform: run %s: it has no driver of a kind that has a contract\n",
                 path);
    return kUsageError;
}

}  // namespace
}  // namespace davit::sdk::contract

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);  // takes the --gtest_ options away
    if ((argc != 3 && argc != 4) || std::string_view(argv[1]) != "run") {
        std::fputs(davit::sdk::contract::kUsage, stderr);
        return davit::sdk::contract::kUsageError;
    }
    return davit::sdk::contract::run(argv[2], argc == 4 ? argv[3] : "{}");
}
