# Writes the header with version and revision. Every build runs it, with -DSOURCE -DOUT -DVERSION. It touches the header
# only when the revision changes, so that an unchanged revision recompiles nothing.
set(revision "$Format:%h$") # which `git archive` replaces
if(revision MATCHES Format)
  set(revision "")
endif()
find_program(GIT git)
if(GIT AND EXISTS ${SOURCE}/.git) # a repository further out has revisions of its own
  # Git refuses a checkout that belongs to another user (in a container, say), but it is the source of this build.
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
