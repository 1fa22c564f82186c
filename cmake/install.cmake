# cmake --install: the library, its headers, and what CMake and pkg-config need to find them, wherever the folder is moved.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS coolsd EXPORT coolsd LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES native/include/coolsd.h ${PROJECT_BINARY_DIR}/include/coolsd_version.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES LICENSE NOTICE DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/coolsd)
install(EXPORT coolsd NAMESPACE coolsd:: DESTINATION ${package} FILE coolsd-config.cmake)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/coolsd-config-version.cmake COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/coolsd-config-version.cmake DESTINATION ${package})

# From the folder of coolsd.pc, which may be lib/pkgconfig or lib/x86_64-linux-gnu/pkgconfig, back to the prefix.
file(RELATIVE_PATH up /p/${CMAKE_INSTALL_LIBDIR}/pkgconfig /p)
string(REGEX REPLACE "/$" "" up "${up}")
configure_file(cmake/coolsd.pc.in coolsd.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/coolsd.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
