// SPDX-License-Identifier: Apache-2.0
// A list of rows shown as a table, as JSON lines or through a template: what --format means for ps,
// images and the like.
#pragma once

#include "cli/template/template.hpp"
#include "sdk/base/result.hpp"

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::cli {

// Lines of tab-separated cells with their columns lined up: cells are padded to the widest plus
// three spaces and to at least ten, the last of a line not at all. docker's look.
std::string align_columns(std::string_view text);

class Listing {
public:
    struct Heading {
        std::string_view field, heading;  // "ID", "CONTAINER ID"
    };
    // `format`: what the user gave: "", "table", "table …", "json" or a template. `standard`: the
    // template of the table when the user gave none. Errors: invalid (the template).
    static Result<Listing> create(std::string_view format, std::string_view standard,
                                  std::vector<Heading> headings);

    // Whether the template mentions the field: for fields that are dear to find out.
    bool wants(std::string_view field) const { return text_.find(field) != std::string::npos; }
    Result<void> add(const boost::json::object& row, const Template::Method& method = {});
    // All rows, the table with its headings. Ends with a newline unless there is nothing.
    Result<std::string> finish();

private:
    Listing(std::string text, Template rows, bool table, std::vector<Heading> headings)
        : text_(std::move(text)),
          template_(std::move(rows)),
          table_(table),
          headings_(std::move(headings)) {}
    Result<std::string> heading_line() const;

    std::string text_;
    Template template_;
    bool table_;
    std::vector<Heading> headings_;
    std::string rows_;
};

}  // namespace davit::cli
