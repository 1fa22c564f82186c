/*
 * Access to global and shared memory. Kernels use these functions and CUDA's atomics for all of it; plain C++ accesses
 * are for registers and local arrays only. Under nvcc each is the one instruction it stands for. Under the SIMT
 * executor (COOLSD_SIMT, native/test/simt) each is checked: bounds, alignment, initialisation, races, fences; plain
 * accesses would go unchecked, and to shared memory they would go wrong.
 *
 *   load_global(p), store_global(p, v)    any type T of 1 to 16 bytes, p aligned to T
 *   load_global_16(p)                     16 bytes of read-only input, p aligned to 16
 *   load_workspace(p), store_workspace    memory that other blocks write in the same launch: not through L1
 *   load_shared(p), store_shared(p, v)    p points into __shared__ memory
 *   load_shared(a, i), store_shared(a, i, v)  element of a __shared__ array of known length; prefer it: the executor
 *                                         then sees an index past the end even where another variable follows
 *   load_input(packed, p)                 the same from global memory, or where p is below packed's size from this
 * array in the kernel's parameters, whose offset it is dynamic_shared<T>()                   start of the dynamic
 * shared memory, aligned to 16 load_relaxed(p)                       atomic read, for polling; a __threadfence must
 * follow before what it announces is read load_acquire(p)                       the same with that fence
 *   store_release(p, v), add_release(p, v)  atomic store, add (returns the old value) after a __threadfence: with a
 *                                         __syncthreads before it, it announces all that the block wrote
 */
#ifndef COOLSD_KERNELS_COMMON_MEMORY_CUH
#define COOLSD_KERNELS_COMMON_MEMORY_CUH

#include <stddef.h>
#include <stdint.h>

namespace coolsd {

/* Keeps an argument out of template deduction: store_global(float*, 0) stores a float. */
template <typename T>
struct Same {
  using type = T;
};

#ifdef COOLSD_SIMT

#define COOLSD_SITE ::coolsd::simt::Site site = ::coolsd::simt::Site::here()

template <typename T>
T load_global(const T* p, COOLSD_SITE) {
  return simt::load_global(p, site);
}
template <typename T>
void store_global(T* p, typename Same<T>::type v, COOLSD_SITE) {
  simt::store_global(p, v, site);
}
inline uint4 load_global_16(const void* p, COOLSD_SITE) {
  return simt::load_global(static_cast<const uint4*>(p), site);
}
template <typename T>
T load_workspace(const T* p, COOLSD_SITE) {
  return simt::load_global(p, site);
}
template <typename T>
void store_workspace(T* p, typename Same<T>::type v, COOLSD_SITE) {
  simt::store_global(p, v, site);
}
template <typename T>
T load_shared(const T* p, COOLSD_SITE) {
  return simt::load_shared(p, site);
}
template <typename T>
void store_shared(T* p, typename Same<T>::type v, COOLSD_SITE) {
  simt::store_shared(p, v, site);
}
template <typename T, size_t N>
T load_shared(const T (&a)[N], size_t i, COOLSD_SITE) {
  simt::check_index(i, N, site);
  return simt::load_shared(&a[0] + i, site);
}
template <typename T, size_t N>
void store_shared(T (&a)[N], size_t i, typename Same<T>::type v, COOLSD_SITE) {
  simt::check_index(i, N, site);
  simt::store_shared(&a[0] + i, v, site);
}
template <typename T, size_t N>
T load_input(const char (&packed)[N], const T* p, COOLSD_SITE) {
  const auto offset = reinterpret_cast<uintptr_t>(p);
  if (offset >= N) return simt::load_global(p, site);
  simt::check_index(offset + sizeof(T) - 1, N, site);
  return simt::copy_from<T>(&packed[0] + offset);
}
template <typename T>
T* dynamic_shared() {
  return static_cast<T*>(simt::machine->memory().dynamic_window());
}
inline unsigned load_relaxed(const unsigned* p, COOLSD_SITE) { return simt::load_atomic(p, site); }
inline unsigned load_acquire(const unsigned* p, COOLSD_SITE) {
  const unsigned v = simt::load_atomic(p, site);
  __threadfence();
  return v;
}
inline void store_release(unsigned* p, unsigned v, COOLSD_SITE) {
  __threadfence();
  atomicExch(p, v, site);
}
inline unsigned add_release(unsigned* p, unsigned v, COOLSD_SITE) {
  __threadfence();
  return atomicAdd(p, v, site);
}

#undef COOLSD_SITE

#else

template <typename T>
__device__ __forceinline__ T load_global(const T* p) {
  return *p;
}
template <typename T>
__device__ __forceinline__ void store_global(T* p, typename Same<T>::type v) {
  *p = v;
}
__device__ __forceinline__ uint4 load_global_16(const void* p) { return __ldg(static_cast<const uint4*>(p)); }
template <typename T>
__device__ __forceinline__ T load_workspace(const T* p) {
  return __ldcg(p);
}
template <typename T>
__device__ __forceinline__ void store_workspace(T* p, typename Same<T>::type v) {
  __stcg(p, v);
}
template <typename T>
__device__ __forceinline__ T load_shared(const T* p) {
  return *p;
}
template <typename T>
__device__ __forceinline__ void store_shared(T* p, typename Same<T>::type v) {
  *p = v;
}
template <typename T, size_t N>
__device__ __forceinline__ T load_shared(const T (&a)[N], size_t i) {
  return a[i];
}
template <typename T, size_t N>
__device__ __forceinline__ void store_shared(T (&a)[N], size_t i, typename Same<T>::type v) {
  a[i] = v;
}
/* One load through a generic address, of whichever it is. */
template <typename T, size_t N>
__device__ __forceinline__ T load_input(const char (&packed)[N], const T* p) {
  const auto offset = reinterpret_cast<uintptr_t>(p);
  return *reinterpret_cast<const T*>(offset < N ? packed + offset : reinterpret_cast<const char*>(p));
}
template <typename T>
__device__ __forceinline__ T* dynamic_shared() {
  extern __shared__ uint4 coolsd_dynamic_shared[];
  return reinterpret_cast<T*>(coolsd_dynamic_shared);
}
__device__ __forceinline__ unsigned load_relaxed(const unsigned* p) { return *const_cast<const volatile unsigned*>(p); }
__device__ __forceinline__ unsigned load_acquire(const unsigned* p) {
  const unsigned v = load_relaxed(p);
  __threadfence();
  return v;
}
__device__ __forceinline__ void store_release(unsigned* p, unsigned v) {
  __threadfence();
  atomicExch(p, v);
}
__device__ __forceinline__ unsigned add_release(unsigned* p, unsigned v) {
  __threadfence();
  return atomicAdd(p, v);
}

#endif

}  // namespace coolsd

#endif
