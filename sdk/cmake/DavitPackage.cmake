# SPDX-License-Identifier: Apache-2.0
# What a driver project outside the tree finds by find_package(davit): in the build folder and where it is installed.
include(CMakePackageConfigHelpers)
set(exported davit_flags davit_plugin_api sdk_base sdk_plugin sdk_netlink sdk_endpoint)
set_target_properties(davit_flags PROPERTIES EXPORT_NAME flags)
set_target_properties(davit_plugin_api PROPERTIES EXPORT_NAME plugin_api)
set_target_properties(sdk_base PROPERTIES EXPORT_NAME base)
set_target_properties(sdk_plugin PROPERTIES EXPORT_NAME plugin)
set_target_properties(sdk_netlink PROPERTIES EXPORT_NAME netlink)
set_target_properties(sdk_endpoint PROPERTIES EXPORT_NAME endpoint)
if(TARGET davit-conform)
  list(APPEND exported davit-conform)
  set_target_properties(davit-conform PROPERTIES EXPORT_NAME conform)
endif()

export(TARGETS ${exported} NAMESPACE davit:: FILE ${PROJECT_BINARY_DIR}/davitTargets.cmake)
set(DAVIT_PLUGIN_FILE ${PROJECT_SOURCE_DIR}/sdk/cmake/DavitPlugin.cmake)
configure_package_config_file(sdk/cmake/davitConfig.cmake.in ${PROJECT_BINARY_DIR}/davitConfig.cmake
  INSTALL_DESTINATION ${PROJECT_BINARY_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/davitConfigVersion.cmake COMPATIBILITY SameMinorVersion)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/davit)
install(TARGETS ${exported} EXPORT davit COMPONENT davit-dev ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}/davit
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(EXPORT davit NAMESPACE davit:: FILE davitTargets.cmake DESTINATION ${package} COMPONENT davit-dev)
set(DAVIT_PLUGIN_FILE [[${CMAKE_CURRENT_LIST_DIR}/DavitPlugin.cmake]])
configure_package_config_file(sdk/cmake/davitConfig.cmake.in ${PROJECT_BINARY_DIR}/package/davitConfig.cmake
  INSTALL_DESTINATION ${package})
install(FILES ${PROJECT_BINARY_DIR}/package/davitConfig.cmake ${PROJECT_BINARY_DIR}/davitConfigVersion.cmake
  sdk/cmake/DavitPlugin.cmake sdk/cmake/CheckDriver.cmake sdk/cmake/driver.map sdk/cmake/note.c.in
  DESTINATION ${package} COMPONENT davit-dev)
install(DIRECTORY plugin-api/include/davit DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT davit-dev)
install(DIRECTORY sdk/base sdk/plugin sdk/netlink sdk/endpoint DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/davit/sdk
  COMPONENT davit-dev FILES_MATCHING PATTERN "*.hpp")
