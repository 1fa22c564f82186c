# Highway, SIMD for every instruction set: one version of it, whose source is fetched once, linked statically. Its headers are a
# system's, whose warnings are not ours.
set(highway ${PROJECT_SOURCE_DIR}/build/highway-1.0.3)
if(NOT EXISTS ${highway}/hwy/highway.h)
  execute_process(COMMAND ${PROJECT_SOURCE_DIR}/scripts/highway.sh ${highway} RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "the source of Highway is missing in ${highway}")
  endif()
endif()
add_library(hwy STATIC ${highway}/hwy/aligned_allocator.cc ${highway}/hwy/per_target.cc ${highway}/hwy/targets.cc)
target_include_directories(hwy SYSTEM PUBLIC ${highway})
target_compile_options(hwy PRIVATE -w)
set_target_properties(hwy PROPERTIES POSITION_INDEPENDENT_CODE ON)
# On Arm NEON alone: GCC has no operators for vectors of SVE, whose width is not known, and this library's loops use them.
target_compile_definitions(hwy PUBLIC "HWY_DISABLED_TARGETS=(HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)")
add_library(hwy::hwy ALIAS hwy)
