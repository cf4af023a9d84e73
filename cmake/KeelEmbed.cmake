# As a script, cmake -DOUT=... -DFOLDER=... -P KeelEmbed.cmake: writes the page's files as strings of C++.
set(text "#include \"sim/page_files.hpp\"\n\nnamespace keel::sim {\n\n")

# embed(<variable> <files>...): one behind the other
function(embed variable)
  set(all)
  foreach(file IN LISTS ARGN)
    file(READ "${FOLDER}/${file}" content)
    string(FIND "${content}" ")keel\"" end)
    if(NOT end EQUAL -1)
      message(FATAL_ERROR "${file} holds the end of a raw string: )keel\"")
    endif()
    string(APPEND all "${content}")
  endforeach()
  set(text "${text}const std::string_view ${variable} = R\"keel(${all})keel\";\n\n" PARENT_SCOPE)
endfunction()

embed(page_html trace.html)
embed(page_css trace.css)
embed(page_js model.js picture.js page.js)
file(WRITE "${OUT}" "${text}}  // namespace keel::sim\n")
