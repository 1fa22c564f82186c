/*
 * What the benchmarks measure against: the C calls without Java, and memory read once. The Java side is
 * org.coolsd.bench.NativePeer. Compiled for the machine that builds it, since it stands for that machine's limit.
 */
#include <coolsd.h>
#include <jni.h>
#include <stdint.h>
#include <string.h>

/* Eight independent vectors hide the latency of the loads; gcc splits them where registers are shorter. */
enum { kVectors = 8 };
typedef uint64_t Vector __attribute__((vector_size(64), aligned(1), may_alias));

/* A checksum of `bytes` bytes, so that no load can be left out. */
static uint64_t read_once(const char* from, size_t bytes) {
  Vector sums[kVectors] = {{0}};
  const size_t block = sizeof(sums);
  size_t at = 0;
  for (; at + block <= bytes; at += block) {
    const Vector* vectors = (const Vector*)(from + at);
    for (int i = 0; i < kVectors; i++) sums[i] ^= vectors[i];
  }
  char rest[sizeof(sums)] = {0};
  memcpy(rest, from + at, bytes - at);
  uint64_t sum = 0;
  for (int i = 0; i < kVectors; i++) {
    const Vector both = sums[i] ^ ((const Vector*)rest)[i];
    for (int lane = 0; lane < 8; lane++) sum ^= both[lane];
  }
  return sum;
}

/* Reads `bytes` bytes at an address. */
JNIEXPORT jlong JNICALL Java_org_coolsd_bench_NativePeer_read(JNIEnv* env, jclass type, jlong address, jlong bytes) {
  (void)env, (void)type;
  return (jlong)read_once((const char*)(intptr_t)address, (size_t)bytes);
}

/* Calls coolsd_verify `times` times with the same handle and arguments; returns the last status. */
JNIEXPORT jint JNICALL Java_org_coolsd_bench_NativePeer_verify(JNIEnv* env, jclass type, jlong verifier, jlong args,
                                                               jint times) {
  (void)env, (void)type;
  coolsd_status status = COOLSD_OK;
  for (jint i = 0; i < times && status == COOLSD_OK; i++) {
    status = coolsd_verify((coolsd_verifier*)(intptr_t)verifier, (const coolsd_verify_args*)(intptr_t)args);
  }
  return (jint)status;
}

/* The same for coolsd_sample. */
JNIEXPORT jint JNICALL Java_org_coolsd_bench_NativePeer_sample(JNIEnv* env, jclass type, jlong verifier, jlong args,
                                                               jint times) {
  (void)env, (void)type;
  coolsd_status status = COOLSD_OK;
  for (jint i = 0; i < times && status == COOLSD_OK; i++) {
    status = coolsd_sample((coolsd_verifier*)(intptr_t)verifier, (const coolsd_sample_args*)(intptr_t)args);
  }
  return (jint)status;
}
