// SPDX-License-Identifier: Apache-2.0
#include "core/daemon/logger.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <memory>

namespace davit::daemon {

namespace {

spdlog::level::level_enum spdlog_level(int level) {
    constexpr std::array kLevels = {spdlog::level::debug, spdlog::level::info, spdlog::level::warn,
                                    spdlog::level::err};
    return level >= 0 && level < 4 ? kLevels[static_cast<std::size_t>(level)] : spdlog::level::err;
}

// A container or an archive may have put anything into a text: nothing of it may act on a terminal.
std::string printable(std::string_view line) {
    std::string text;
    for (const char c : line) text += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    return text;
}

}  // namespace

engine::Log make_logger(const std::string& level) {
    auto logger = std::make_shared<spdlog::logger>(
        "davitd", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    logger->set_level(level == "fatal" ? spdlog::level::critical : spdlog::level::from_str(level));
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
    logger->flush_on(spdlog::level::debug);
    return [logger](std::string_view source, int severity, const std::string& line) {
        logger->log(spdlog_level(severity), "{}: {}", source, printable(line));
    };
}

}  // namespace davit::daemon
