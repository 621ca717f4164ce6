// SPDX-License-Identifier: Apache-2.0
#include "core/store/migration.hpp"

#include "core/store/image_schema.hpp"
#include "core/store/network_schema.hpp"
#include "core/store/schema.hpp"
#include "core/store/volume_schema.hpp"

#include <array>
#include <string>

namespace davit::store {

std::span<const Migration> migrations() {
    static constexpr std::array kSteps = {
        Migration{1, "containers and networks", kContainersSchema},
        Migration{2, "images", kImagesSchema},
        Migration{3, "networks", kNetworksSchema},
        Migration{4, "volumes", kVolumesSchema},
    };
    return kSteps;
}

Result<void> migrate(Database& database, std::span<const Migration> steps) {
    std::int64_t version = 0;
    TRY(database.session().each("PRAGMA user_version",
                                [&](const Row& row) { version = row.integer(0); }));
    if (version > steps.back().version)
        return fail(Code::unsupported, "open graph: it was written by a newer davitd (schema ",
                    std::to_string(version), ", this one knows ",
                    std::to_string(steps.back().version), "): install that version again");
    for (const Migration& step : steps) {
        if (step.version <= version) continue;
        auto transaction = TRY(database.begin(Durability::power_loss));
        TRY(transaction.script(step.sql).context("migrate graph to ", step.name));
        TRY(transaction.script(("PRAGMA user_version=" + std::to_string(step.version)).c_str()));
        TRY(transaction.commit());
    }
    return {};
}

}  // namespace davit::store
