# What is installed, and how CPack makes a Debian package of it. deb.sh generates the manual page, the
# completions and the compressed changelog into ${CMAKE_BINARY_DIR}/package and runs cpack.
set(package ${CMAKE_SOURCE_DIR}/platform/package)
set(generated ${CMAKE_BINARY_DIR}/package)
install(TARGETS drey RUNTIME DESTINATION bin)
install(FILES ${package}/drey.service ${package}/drey-notify.service DESTINATION lib/systemd/system)
install(FILES ${package}/drey.sysusers DESTINATION lib/sysusers.d RENAME drey.conf)
install(FILES ${package}/drey.tmpfiles DESTINATION lib/tmpfiles.d RENAME drey.conf)
install(FILES ${package}/drey.avahi.service DESTINATION /etc/avahi/services RENAME drey.service)
install(FILES ${package}/drey.conf.example DESTINATION share/doc/drey/examples RENAME drey.conf)
install(FILES ${package}/debian/copyright ${generated}/changelog.gz DESTINATION share/doc/drey)
install(FILES ${package}/debian/lintian-overrides DESTINATION share/lintian/overrides RENAME drey)
install(FILES ${generated}/drey.1.gz DESTINATION share/man/man1)
install(FILES ${generated}/drey.bash DESTINATION share/bash-completion/completions RENAME drey)
install(FILES ${generated}/_drey DESTINATION share/zsh/vendor-completions)
install(FILES ${generated}/drey.fish DESTINATION share/fish/vendor_completions.d)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME drey)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "Drey developers <drey@localhost.localdomain>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE "$ENV{DREY_DEB_ARCHITECTURE}")
set(CPACK_DEBIAN_PACKAGE_DEPENDS "$ENV{DREY_DEB_DEPENDS}")
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS avahi-daemon)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "backup mesh for the devices of a home")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"Every device of a household keeps sealed pieces of the others' backups:
snapshots, deduplication, compression, encryption and several copies,
without a server, an account or the internet.

Ten words on paper and any device that survives bring every file back.
Begin with: drey setup")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${package}/debian/postinst ${package}/debian/prerm ${package}/debian/postrm ${package}/debian/conffiles)
include(CPack)
