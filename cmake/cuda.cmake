# Compiles native/src/cuda/cuda_device.cu for every architecture the project supports, in parallel, and keeps what ptxas
# says of each kernel for scripts/ptxas_table.py.
set(COOLSD_ARCHITECTURES 80 86 89 90 100 120)
get_filename_component(COOLSD_NVCC_BIN ${COOLSD_NVCC} REALPATH)
get_filename_component(COOLSD_NVCC_BIN ${COOLSD_NVCC_BIN} DIRECTORY)
find_library(COOLSD_CUDART cudart_static HINTS ${COOLSD_NVCC_BIN}/../lib64 ${COOLSD_NVCC_BIN}/../lib
             /usr/local/cuda/lib64 REQUIRED)
set(codes)
foreach(arch ${COOLSD_ARCHITECTURES})
  list(APPEND codes -gencode arch=compute_${arch},code=sm_${arch})
endforeach()
# The newest once more as PTX, for architectures that come later.
list(APPEND codes -gencode arch=compute_120,code=compute_120)
# No contraction: arithmetic is that of the CPU backend and of the SIMT executor.
set(flags -std=c++17 -O3 --fmad=false -Werror all-warnings -Xcompiler -fPIC,-fvisibility=hidden -I${PROJECT_SOURCE_DIR}/kernels
    -I${PROJECT_SOURCE_DIR}/native/include -I${PROJECT_SOURCE_DIR}/native/src)
file(GLOB kernels CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/kernels/*.cu ${PROJECT_SOURCE_DIR}/kernels/common/*)
set(source ${PROJECT_SOURCE_DIR}/native/src/cuda/cuda_device.cu)
set(object ${PROJECT_BINARY_DIR}/cuda_device.o)
set(log ${PROJECT_BINARY_DIR}/ptxas.log)
add_custom_command(
  OUTPUT ${object} ${log}
  COMMAND sh -c "\"$0\" \"$@\" -Xptxas -v -t 0 -c ${source} -o ${object} > ${log} 2>&1 || { cat ${log} >&2; rm -f ${log}; exit 1; }"
          ${COOLSD_NVCC} ${flags} ${codes}
  DEPENDS ${source} ${PROJECT_SOURCE_DIR}/native/src/cuda/device.h ${PROJECT_SOURCE_DIR}/native/include/coolsd.h ${kernels}
  COMMENT "nvcc: kernels for sm_80 to sm_120"
  VERBATIM)
target_sources(coolsd PRIVATE ${object})
find_package(Threads REQUIRED)
target_link_libraries(coolsd PRIVATE ${COOLSD_CUDART} Threads::Threads ${CMAKE_DL_LIBS} rt)
# Symbols of cudart stay inside.
target_link_options(coolsd PRIVATE -Wl,--exclude-libs,ALL)
