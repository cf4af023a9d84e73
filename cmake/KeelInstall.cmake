# `find_package(keel)` gives keel::base, keel::raft, ..., one target a layer.
include(CMakePackageConfigHelpers)

get_property(layers GLOBAL PROPERTY KEEL_LAYERS)
set(config_folder "${CMAKE_INSTALL_LIBDIR}/cmake/keel")
install(TARGETS ${layers} EXPORT keelTargets
        ARCHIVE COMPONENT dev
        FILE_SET HEADERS COMPONENT dev)
install(EXPORT keelTargets NAMESPACE keel:: DESTINATION "${config_folder}" COMPONENT dev)

configure_package_config_file(cmake/keelConfig.cmake.in keelConfig.cmake INSTALL_DESTINATION "${config_folder}")
write_basic_package_version_file(keelConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/keelConfig.cmake" "${PROJECT_BINARY_DIR}/keelConfigVersion.cmake"
        DESTINATION "${config_folder}" COMPONENT dev)
