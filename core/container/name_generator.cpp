// SPDX-License-Identifier: Apache-2.0
#include "core/container/name_generator.hpp"

#include <sys/random.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace davit::container {

namespace {

// What a davit hangs above, and what the sea is like.
constexpr std::array kAdjectives = {
    "able",   "bold",   "brave", "bright", "brisk", "calm",  "clear",  "crisp",  "deft",   "eager",
    "fair",   "fine",   "fleet", "free",   "fresh", "glad",  "gentle", "grand",  "handy",  "hardy",
    "keen",   "kind",   "light", "lively", "loyal", "lucid", "merry",  "mighty", "modest", "neat",
    "nimble", "noble",  "open",  "plain",  "proud", "quick", "quiet",  "rapid",  "ready",  "sharp",
    "silver", "smooth", "snug",  "solid",  "sound", "spry",  "stout",  "sturdy", "sunny",  "swift",
    "tidy",   "trim",   "true",  "vivid",  "warm"};
constexpr std::array kNouns = {
    "anchor",  "barge",  "beacon",   "boom",    "bosun",   "bow",     "brig",    "buoy",
    "cabin",   "canoe",  "capstan",  "clipper", "cog",     "compass", "coracle", "corvette",
    "crane",   "cutter", "deck",     "dhow",    "dinghy",  "dory",    "ferry",   "fender",
    "frigate", "galley", "gig",      "harbour", "helm",    "hull",    "jetty",   "jib",
    "junk",    "kayak",  "keel",     "ketch",   "lantern", "lighter", "lugger",  "mast",
    "mooring", "oar",    "pier",     "pilot",   "pinnace", "punt",    "quay",    "raft",
    "rudder",  "sail",   "schooner", "skiff",   "sloop",   "tiller",  "trawler", "tug",
    "whaler",  "wharf",  "yacht",    "yawl"};

}  // namespace

std::string generate_name() {
    std::array<std::uint16_t, 2> numbers{};
    (void)!::getrandom(numbers.data(), sizeof numbers, 0);
    return std::string(kAdjectives[numbers[0] % kAdjectives.size()]) + "_" +
           kNouns[numbers[1] % kNouns.size()];
}

}  // namespace davit::container
