// SPDX-License-Identifier: Apache-2.0
#include "drivers/exec/native/launch/spec.hpp"

namespace davit::native {

Result<SpecView> SpecView::over(std::span<const std::byte> block) {
    if (block.size() < sizeof(Spec) || block.size() > kMaxSpec)
        return fail(Code::invalid, "read specification: its size is wrong");
    const SpecView view(block);
    if (view->magic != kSpecMagic || view->version != kSpecVersion || view->size != block.size())
        return fail(Code::invalid,
                    "read specification: driver and launcher are of different builds");
    return view;
}

Result<std::string_view> SpecView::text(Text text) const {
    if (text.length == 0) return std::string_view{"", 0};
    if (std::uint64_t{text.offset} + text.length + 1 > block_.size()) return outside();
    const char* begin = reinterpret_cast<const char*>(block_.data()) + text.offset;
    if (begin[text.length] != '\0') return outside();
    return std::string_view(begin, text.length);
}

}  // namespace davit::native
