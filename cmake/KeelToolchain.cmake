# How everything here is compiled: standard, warnings, sanitizers, cache, linker, precompiled headers.

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

add_compile_options(-Wall -Wextra -Wconversion -Wno-sign-conversion $<$<BOOL:${KEEL_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports these inside its own library headers once it has inlined them.
  add_compile_options(-Wno-restrict -Wno-stringop-overflow -Wno-array-bounds -Wno-stringop-overread)
  if(CMAKE_UNITY_BUILD)
    add_compile_options(-Wno-subobject-linkage)  # it takes sources that are included for headers
  endif()
  if(KEEL_SANITIZE)
    add_compile_options(-Wno-maybe-uninitialized)  # it cannot follow a variant's index through instrumented code
  endif()
endif()

if(KEEL_SANITIZE)
  add_compile_options(-fsanitize=${KEEL_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${KEEL_SANITIZE})
endif()

if(PROJECT_IS_TOP_LEVEL)
  find_program(KEEL_CCACHE ccache)
  if(KEEL_CCACHE AND NOT CMAKE_DISABLE_PRECOMPILE_HEADERS)
    # ccache and precompiled headers agree only with these.
    set(CMAKE_CXX_COMPILER_LAUNCHER
        env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${KEEL_CCACHE})
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      add_compile_options(-fpch-preprocess)
    else()
      add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
    endif()
  endif()
  find_program(KEEL_MOLD mold)
  if(KEEL_MOLD)
    add_link_options(-fuse-ld=mold)
  endif()
  set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
endif()

# keel_precompile(<target> <set> [<targets whose headers are in the set>...])
#
# The headers of cmake/pch/<set>.hpp, compiled once and shared by all who name the set.
function(keel_precompile target set)
  if(NOT TARGET pch_${set})
    set(source "${PROJECT_BINARY_DIR}/pch/${set}.cpp")
    file(CONFIGURE OUTPUT "${source}" CONTENT "// Nothing here: this file carries a precompiled header.\n")
    add_library(pch_${set} OBJECT EXCLUDE_FROM_ALL "${source}")
    target_link_libraries(pch_${set} PRIVATE ${ARGN})
    target_precompile_headers(pch_${set} PRIVATE "${PROJECT_SOURCE_DIR}/cmake/pch/${set}.hpp")
  endif()
  target_precompile_headers(${target} REUSE_FROM pch_${set})
endfunction()
