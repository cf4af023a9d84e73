# keel_layer(<name> [USES <layers below>...] [LINKS <targets>...])
#
# Makes keel_<name> (alias keel::<name>) from include/keel/<name>/ and src/<name>/: a static library, or an interface
# library while there are no sources. A layer's private headers are included as "<name>/file.hpp".
function(keel_layer name)
  cmake_parse_arguments(ARG "" "" "USES;LINKS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/${name}/*.cpp")
  file(GLOB headers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/include/keel/${name}/*.hpp")

  set(target keel_${name})
  list(TRANSFORM ARG_USES PREPEND keel_)
  if(sources)
    set(scope PUBLIC)
    add_library(${target} STATIC ${sources})
    target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/src")
    if(name STREQUAL "asio")
      keel_precompile(${target} asio Boost::headers)
    else()
      keel_precompile(${target} std)
    endif()
  else()
    set(scope INTERFACE)
    add_library(${target} INTERFACE)
  endif()
  add_library(keel::${name} ALIAS ${target})

  target_sources(${target} ${scope} FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}/include" FILES ${headers})
  target_compile_features(${target} ${scope} cxx_std_23)
  target_link_libraries(${target} ${scope} ${ARG_USES} ${ARG_LINKS})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  set_property(GLOBAL APPEND PROPERTY KEEL_LAYERS ${target})
endfunction()

# What single layers need for themselves and hand to nobody.
function(keel_own_details)
  get_target_property(wire_type keel_wire TYPE)
  if(wire_type STREQUAL "STATIC_LIBRARY")
    target_include_directories(keel_wire PRIVATE ${KEEL_XXHASH_INCLUDE})
    target_compile_definitions(keel_wire PRIVATE XXH_INLINE_ALL)  # checksums of small frames: the call would cost more
  endif()

  # How a trace is written is the simulator's, and a library of its own, so that a server that writes one needs no more.
  set(trace "${PROJECT_SOURCE_DIR}/src/sim/trace.cpp" "${PROJECT_SOURCE_DIR}/src/sim/messages.cpp")
  get_target_property(sources keel_sim SOURCES)
  list(REMOVE_ITEM sources ${trace})
  set_target_properties(keel_sim PROPERTIES SOURCES "${sources}")
  add_library(keel_trace STATIC ${trace})
  add_library(keel::trace ALIAS keel_trace)
  target_include_directories(keel_trace PRIVATE "${PROJECT_SOURCE_DIR}/src")
  target_link_libraries(keel_trace PUBLIC keel_port)
  keel_precompile(keel_trace std)
  set_target_properties(keel_trace PROPERTIES EXPORT_NAME trace)
  target_link_libraries(keel_sim PUBLIC keel_trace)
  set_property(GLOBAL APPEND PROPERTY KEEL_LAYERS keel_trace)

  # The page that a trace becomes: HTML, CSS and JavaScript, carried in the library.
  set(page "${PROJECT_SOURCE_DIR}/src/sim/page")
  set(embedded "${PROJECT_BINARY_DIR}/generated/page_files.cpp")
  set(script "${PROJECT_SOURCE_DIR}/cmake/KeelEmbed.cmake")
  add_custom_command(OUTPUT "${embedded}"
                     COMMAND ${CMAKE_COMMAND} "-DOUT=${embedded}" "-DFOLDER=${page}" -P "${script}"
                     DEPENDS "${page}/trace.html" "${page}/trace.css" "${page}/model.js" "${page}/picture.js"
                             "${page}/page.js" "${script}"
                     COMMENT "Embedding the trace's page" VERBATIM)
  target_sources(keel_sim PRIVATE "${embedded}")
endfunction()
