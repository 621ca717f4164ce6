// SPDX-License-Identifier: Apache-2.0
// The filters of `images` and `image prune`, in Docker's meaning. No state.
#pragma once

#include "core/image/image_store.hpp"

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace davit::image {

// "dangling", "label", "label!", "before", "since", "until", "reference". Values of one name are
// alternatives for `reference`; of all other names every one must hold.
using Filters = std::map<std::string, std::vector<std::string>>;

struct Candidate {
    ImageRecord record;
    std::map<std::string, std::string> labels;
};
Result<Candidate> candidate(ImageStore& store, ImageRecord record);

// Errors: invalid for a filter that is not among `known`.
Result<void> check_filters(const Filters& filters, std::span<const std::string_view> known);
// Whether all filters keep the image; `reference` also takes the names away that it does not mean.
// Errors: invalid value; not_found image of before and since.
Result<bool> keeps(ImageStore& store, Candidate& image, const Filters& filters);
// "true", "1", "0", …. Errors: invalid.
Result<bool> read_flag(const std::string& filter, const std::string& text);

}  // namespace davit::image
