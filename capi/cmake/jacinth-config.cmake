# find_package(jacinth) gives
#
#   jacinth::jacinth         the shared library, or the static one where only that is installed
#   jacinth::jacinth-static  the static library, with the system libraries that it needs
#
# No path here is absolute: a prefix may be moved, or installed through DESTDIR.

# This file is PREFIX/share/cmake/jacinth/jacinth-config.cmake.
get_filename_component(_jacinth_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

# Which folder of PREFIX holds libraries is the distribution's choice.
set(_jacinth_folders lib lib64)
if(CMAKE_LIBRARY_ARCHITECTURE)
  set(_jacinth_folders "lib/${CMAKE_LIBRARY_ARCHITECTURE}" ${_jacinth_folders})
endif()
set(_jacinth_shared "")
set(_jacinth_static "")
foreach(_jacinth_folder IN LISTS _jacinth_folders)
  set(_jacinth_library "${_jacinth_prefix}/${_jacinth_folder}/libjacinth")
  if(NOT _jacinth_shared AND EXISTS "${_jacinth_library}.so")
    set(_jacinth_shared "${_jacinth_library}.so")
  endif()
  if(NOT _jacinth_static AND EXISTS "${_jacinth_library}.a")
    set(_jacinth_static "${_jacinth_library}.a")
  endif()
endforeach()

if(NOT _jacinth_shared AND NOT _jacinth_static)
  set(jacinth_FOUND FALSE)
  set(jacinth_NOT_FOUND_MESSAGE
      "neither libjacinth.so nor libjacinth.a in ${_jacinth_folders} of ${_jacinth_prefix}")
endif()

if(_jacinth_static AND NOT TARGET jacinth::jacinth-static)
  include(CMakeFindDependencyMacro)
  find_dependency(Threads)
  add_library(jacinth::jacinth-static STATIC IMPORTED)
  set_target_properties(jacinth::jacinth-static PROPERTIES
    IMPORTED_LOCATION "${_jacinth_static}"
    IMPORTED_LINK_INTERFACE_LANGUAGES C
    INTERFACE_INCLUDE_DIRECTORIES "${_jacinth_prefix}/include"
    # The libraries of its Rust standard library: Libs.private of jacinth.pc.
    INTERFACE_LINK_LIBRARIES "gcc_s;util;rt;Threads::Threads;m;${CMAKE_DL_LIBS}")
endif()

if(NOT TARGET jacinth::jacinth)
  if(_jacinth_shared)
    add_library(jacinth::jacinth SHARED IMPORTED)
    set_target_properties(jacinth::jacinth PROPERTIES
      IMPORTED_LOCATION "${_jacinth_shared}"
      INTERFACE_INCLUDE_DIRECTORIES "${_jacinth_prefix}/include")
  elseif(_jacinth_static)
    add_library(jacinth::jacinth INTERFACE IMPORTED)
    set_target_properties(jacinth::jacinth PROPERTIES INTERFACE_LINK_LIBRARIES jacinth::jacinth-static)
  endif()
endif()

unset(_jacinth_prefix)
unset(_jacinth_folders)
unset(_jacinth_folder)
unset(_jacinth_library)
unset(_jacinth_shared)
unset(_jacinth_static)
