// SPDX-License-Identifier: Apache-2.0
// The functions behind the steps of version_steps.cpp: each knows one difference between two API
// versions that is more than a field left out. What is no object, or not of the kind that the API
// describes, is left as it is for the engine to refuse. No state, thread-safe.
#pragma once

#include "sdk/base/result.hpp"

#include <boost/json/fwd.hpp>
#include <string_view>

namespace davit::docker_api::edits {

using Value = boost::json::value;

// Arguments and bodies, into the current version's form. Errors: INVALID, in docker's words.
Result<void> prune_all_volumes(Value& args);
Result<void> filter_by_reference(Value& args);
Result<void> refuse_many_endpoints(Value& create);
Result<void> refuse_read_only_force_recursive(Value& create);
Result<void> refuse_subpath(Value& create);
Result<void> forget_options_of_other_mounts(Value& create);
Result<void> forget_endpoint_mac(Value& create);
Result<void> move_mac_to_endpoint(Value& create);

// Answers, into an older version's form.
Result<void> set_version_range(Value& version);
Result<void> add_container_fields(Value& image);
Result<void> add_build_container(Value& image);
Result<void> add_virtual_size(Value& image);
Result<void> add_virtual_sizes(Value& images);
Result<void> add_virtual_sizes_of_usage(Value& usage);
Result<void> add_builder_size(Value& usage);
Result<void> add_short_id_aliases(Value& container);
Result<void> say_exited_while_removing(Value& container);
Result<void> add_bridge_filters(Value& info);
Result<void> add_nondistributable(Value& info);
Result<void> name_unknown_system(Value& info);
Result<void> flatten_security_options(Value& info);

// The member, when `value` is an object that has one of this kind; else nullptr.
boost::json::object* object_in(Value& value, std::string_view name);
boost::json::array* array_in(Value& value, std::string_view name);
// Takes "HostConfig.Mounts.*.BindOptions.NonRecursive" away; a * stands for every element or
// member.
void forget(Value& value, std::string_view path);

}  // namespace davit::docker_api::edits
