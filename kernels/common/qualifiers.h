/* What a function of the rule is compiled for: host and device under nvcc, host elsewhere. */
#ifndef COOLSD_KERNELS_COMMON_QUALIFIERS_H
#define COOLSD_KERNELS_COMMON_QUALIFIERS_H

#ifdef __CUDACC__
#define COOLSD_HD __host__ __device__ __forceinline__
#else
#define COOLSD_HD inline
#endif

#endif
