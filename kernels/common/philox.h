/*
 * Random numbers: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"). The counter is
 * (absolute position, purpose, sibling), the key the request's seed, so a draw depends on nothing but the request.
 */
#ifndef COOLSD_KERNELS_COMMON_PHILOX_H
#define COOLSD_KERNELS_COMMON_PHILOX_H

#include <stdint.h>

#include "qualifiers.h"

namespace coolsd {

struct PhiloxBlock {
  uint32_t word[4];
};

COOLSD_HD PhiloxBlock philox4x32_10(PhiloxBlock counter, uint32_t key0, uint32_t key1) {
#ifdef __CUDACC__
#pragma unroll
#endif
  for (int round = 0; round < 10; ++round) {
    uint64_t a = uint64_t{0xD2511F53u} * counter.word[0];
    uint64_t b = uint64_t{0xCD9E8D57u} * counter.word[2];
    PhiloxBlock next = {{static_cast<uint32_t>(b >> 32) ^ counter.word[1] ^ key0, static_cast<uint32_t>(b),
                         static_cast<uint32_t>(a >> 32) ^ counter.word[3] ^ key1, static_cast<uint32_t>(a)}};
    counter = next;
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return counter;
}

/*
 * The uniform in [0, 1) for one purpose at one absolute position of one request, a multiple of 2^-53: the upper 53 bits
 * of the block's first two words, the first on top. sibling is 0 in chains.
 */
COOLSD_HD double uniform(uint64_t seed, uint64_t position, uint32_t purpose, uint32_t sibling = 0) {
  const PhiloxBlock counter = {
      {static_cast<uint32_t>(position), static_cast<uint32_t>(position >> 32), purpose, sibling}};
  const PhiloxBlock block = philox4x32_10(counter, static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32));
  return static_cast<double>((uint64_t{block.word[0]} << 32 | block.word[1]) >> 11) * 0x1p-53;
}

/*
 * The seed of a step that begins at a position, of a request's seed: 64 bits of the block of (seed; position, purpose
 * 4). Block verification looks at every token of a draft and at every acceptance uniform, also behind what it accepts.
 * Were they drawn by absolute position alone, the next step would draw the same numbers again and be biased by what
 * this one has made of them.
 */
COOLSD_HD uint64_t step_seed(uint64_t seed, uint64_t position) {
  const PhiloxBlock counter = {{static_cast<uint32_t>(position), static_cast<uint32_t>(position >> 32), 4, 0}};
  const PhiloxBlock block = philox4x32_10(counter, static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32));
  return uint64_t{block.word[0]} << 32 | block.word[1];
}

}  // namespace coolsd

#endif
