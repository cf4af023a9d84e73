# As a script, cmake -DNPM=... -DFROM=... -DTO=... -P KeelNpm.cmake: installs what FROM/package-lock.json pins into TO.
file(COPY "${FROM}/package.json" "${FROM}/package-lock.json" DESTINATION "${TO}")
execute_process(COMMAND "${NPM}" ci --prefix "${TO}" --ignore-scripts --no-audit --no-fund --loglevel=error
                RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "npm could not install what ${FROM}/package-lock.json names, and tests need it. Does this machine "
                      "reach npm's registry (npm ping)? Another one, or a proxy: npm config set registry URL, "
                      "npm config set https-proxy URL. Then build again.")
endif()
file(TOUCH "${TO}/installed")
