# SPDX-License-Identifier: Apache-2.0
# davit_add_driver(NAME overlay KIND storage SOURCES plugin.cpp … [LINK davit::netlink …] [MANIFEST manifest.json])
# Builds lib/davit/drivers/NAME.so as the driver ABI asks (docs/driver-guide/abi.md): hidden symbols, its own C++
# runtime, one exported symbol, the manifest in an ELF note.
set(DAVIT_PLUGIN_CMAKE_DIR ${CMAKE_CURRENT_LIST_DIR})

function(davit_add_driver)
  cmake_parse_arguments(ARG "" "NAME;KIND;MANIFEST;VERSION" "SOURCES;LINK" ${ARGN})
  if(NOT ARG_MANIFEST)
    set(ARG_MANIFEST manifest.json)
  endif()
  if(NOT ARG_VERSION)
    set(ARG_VERSION ${PROJECT_VERSION})
  endif()
  set(target davit_driver_${ARG_NAME})
  string(REPLACE "-" "_" target ${target})
  get_filename_component(manifest ${ARG_MANIFEST} ABSOLUTE)
  set(note ${CMAKE_CURRENT_BINARY_DIR}/${ARG_NAME}_note.c)
  configure_file(${DAVIT_PLUGIN_CMAKE_DIR}/note.c.in ${note} @ONLY)
  set_source_files_properties(${note} PROPERTIES OBJECT_DEPENDS ${manifest})

  add_library(${target} MODULE ${ARG_SOURCES} ${note})
  set_target_properties(${target} PROPERTIES
    PREFIX "" OUTPUT_NAME ${ARG_NAME} SUFFIX ".so"
    LIBRARY_OUTPUT_DIRECTORY ${DAVIT_DRIVER_OUTPUT_DIRECTORY})
  target_compile_definitions(${target} PRIVATE DAVIT_MODULE_VERSION="${ARG_VERSION}")
  target_link_libraries(${target} PRIVATE davit::plugin ${ARG_LINK} davit_flags)
  target_link_options(${target} PRIVATE
    -Wl,--exclude-libs,ALL -Wl,--version-script=${DAVIT_PLUGIN_CMAKE_DIR}/driver.map)
  if(NOT DAVIT_SANITIZE)
    target_link_options(${target} PRIVATE -static-libstdc++ -static-libgcc -Wl,-z,defs)
  endif()
  set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${DAVIT_PLUGIN_CMAKE_DIR}/driver.map)
  install(TARGETS ${target} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/davit/drivers)
endfunction()
