# Writes the header that says which revision a build is of. Run at every build with -DSOURCE -DOUT -DVERSION; touches
# the header only when it changes, so that nothing is recompiled for an unchanged revision.
set(revision "")
find_program(GIT git)
if(GIT)
  # A checkout that belongs to somebody else (a container, say) is still the source of this build.
  execute_process(COMMAND ${GIT} -c safe.directory=${SOURCE} -C ${SOURCE} describe --always --dirty
                  OUTPUT_VARIABLE revision OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(revision STREQUAL "")
  set(revision unknown)
endif()

set(header "#define WGF_VERSION \"${VERSION}\"\n#define WGF_REVISION \"${revision}\"\n")
set(written "")
if(EXISTS ${OUT})
  file(READ ${OUT} written)
endif()
if(NOT written STREQUAL header)
  file(WRITE ${OUT} "${header}")
endif()
