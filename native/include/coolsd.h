/*
 * coolsd: relaxed speculative decoding for autoregressive image models. C ABI.
 *
 * Every function returns a coolsd_status; coolsd_last_error() has the words. Structs start with their own size in
 * bytes. Memory behind pointers belongs to the caller and is only read or written during the call. A handle may be
 * used by one thread at a time; distinct handles are independent.
 */
#ifndef COOLSD_H
#define COOLSD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef COOLSD_API
#if defined(__GNUC__)
#define COOLSD_API __attribute__((visibility("default")))
#else
#define COOLSD_API
#endif
#endif

/* What a call returns. */
typedef enum coolsd_status {
  COOLSD_OK = 0,
  COOLSD_INVALID_ARGUMENT = 1, /* named with its value by coolsd_last_error() */
  COOLSD_NO_BACKEND = 2,       /* not in this build, or no device */
  COOLSD_OUT_OF_MEMORY = 3
} coolsd_status;

/* What became of one sequence. Everything but COOLSD_ROW_OK leaves the sequence without tokens (-1). */
typedef enum coolsd_row_status {
  COOLSD_ROW_OK = 0,
  COOLSD_ROW_NAN = 1,            /* a logit that was read is NaN */
  COOLSD_ROW_INFINITE = 2,       /* a logit that was read is +inf */
  COOLSD_ROW_EMPTY = 3,          /* all logits of a row are -inf, or the window is masked entirely */
  COOLSD_ROW_TOKEN_OUT_OF_RANGE = 4 /* a draft token below 0 or not below the vocabulary size */
} coolsd_row_status;

typedef enum coolsd_dtype { COOLSD_F32 = 0, COOLSD_F16 = 1, COOLSD_BF16 = 2 } coolsd_dtype;

typedef enum coolsd_backend { COOLSD_CPU = 0, COOLSD_CUDA = 1 } coolsd_backend;

/* What a uniform is drawn for; each (seed, position, purpose) is its own number. */
typedef enum coolsd_purpose {
  COOLSD_DRAFT = 0,
  COOLSD_ACCEPT = 1,
  COOLSD_RESAMPLE = 2,
  COOLSD_BONUS = 3
} coolsd_purpose;

/* How logits become probabilities: guidance, temperature, window, top-k, top-p, in this order. */
typedef struct coolsd_sampling {
  size_t struct_size;
  float temperature; /* >= 0; 0 is argmax, ties to the lowest index */
  float guidance;    /* logits = unconditional + guidance (conditional - unconditional); unused without the latter */
  int32_t top_k;     /* keep the k largest, ties to the lowest index; 0 keeps all */
  float top_p;       /* keep the smallest set of largest with mass >= top_p, ties likewise; 1 keeps all */
  int32_t window_lo; /* tokens lo <= t < hi can be drawn; 0, 0 means all */
  int32_t window_hi;
} coolsd_sampling;

/* A view of logits: element (b, i, v) stands at data + (b batch_stride + i row_stride + v) elements. */
typedef struct coolsd_logits {
  const void* data; /* NULL: absent */
  int64_t batch_stride;
  int64_t row_stride;
  int32_t dtype; /* coolsd_dtype */
} coolsd_logits;

typedef struct coolsd_verifier coolsd_verifier;

typedef struct coolsd_verifier_spec {
  size_t struct_size;
  int32_t backend;      /* coolsd_backend */
  int32_t vocab;        /* V >= 2 */
  int32_t draft_length; /* L, 0..64 */
  const float* omega;   /* [L], finite, >= 0; copied */
  coolsd_sampling target;
  coolsd_sampling draft;
} coolsd_verifier_spec;

typedef struct coolsd_verify_args {
  size_t struct_size;
  int32_t batch;                  /* B >= 1 */
  coolsd_logits target;           /* [B, L+1, V]; row i predicts draft position i+1 */
  coolsd_logits target_uncond;    /* [B, L+1, V] or absent */
  coolsd_logits draft;            /* [B, L, V] */
  coolsd_logits draft_uncond;     /* [B, L, V] or absent */
  const int32_t* draft_tokens;    /* [B, L] */
  const int32_t* draft_lengths;   /* [B], each 0..L; NULL: all L */
  const uint64_t* seeds;          /* [B] */
  const uint64_t* positions;      /* [B]; absolute position of the first draft token */
  int32_t* tokens;                /* out [B, L+1]: accepted tokens, the drawn one, then -1 */
  int32_t* accepted;              /* out [B] */
  int32_t* status;                /* out [B], coolsd_row_status */
  double* drift;                  /* out [B, L] or NULL: D of visited positions, 0 elsewhere */
} coolsd_verify_args;

typedef struct coolsd_sample_args {
  size_t struct_size;
  int32_t batch;
  coolsd_logits logits;        /* [B, 1, V] */
  coolsd_logits logits_uncond; /* [B, 1, V] or absent */
  int32_t purpose;             /* COOLSD_DRAFT: the draft's sampling; COOLSD_BONUS: the target's */
  const uint64_t* seeds;       /* [B] */
  const uint64_t* positions;   /* [B]: absolute position of the token drawn */
  int32_t* tokens;             /* out [B], -1 where status is not COOLSD_ROW_OK */
  int32_t* status;             /* out [B], coolsd_row_status */
} coolsd_sample_args;

/* Version as major * 10000 + minor * 100 + patch. */
COOLSD_API int32_t coolsd_version(void);

/* Words about this thread's last call that did not return COOLSD_OK; valid until its next call. */
COOLSD_API const char* coolsd_last_error(void);

/* COOLSD_OK if the backend can be used; otherwise coolsd_last_error() says why not. */
COOLSD_API coolsd_status coolsd_backend_status(int32_t backend);

/* Makes a verifier; *out is freed with coolsd_verifier_destroy. */
COOLSD_API coolsd_status coolsd_verifier_create(const coolsd_verifier_spec* spec, coolsd_verifier** out);

/* Frees a verifier; NULL is ignored. */
COOLSD_API void coolsd_verifier_destroy(coolsd_verifier* verifier);

/*
 * One decoding step: accepts a prefix of each sequence's draft and draws one token more. Draft token i (from 0) uses
 * the uniform of (seed, position + i, COOLSD_ACCEPT); the token drawn after n accepted ones that of
 * (seed, position + n, COOLSD_RESAMPLE) after a rejection and (seed, position + n, COOLSD_BONUS) otherwise.
 */
COOLSD_API coolsd_status coolsd_verify(coolsd_verifier* verifier, const coolsd_verify_args* args);

/* Draws one token per sequence: what verify does with draft length 0 when the purpose is COOLSD_BONUS. */
COOLSD_API coolsd_status coolsd_sample(coolsd_verifier* verifier, const coolsd_sample_args* args);

#ifdef __cplusplus
}
#endif

#endif
