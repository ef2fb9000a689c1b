/* The C ABI of the Rust static library in this folder. Private to core/text: everything here is
 * wrapped in C++ classes (tokenizer.h, template.h, language.h, sentences.h).
 *
 * Conventions. Text comes in as (pointer, length), need not end in NUL and should be UTF-8 (invalid
 * parts become U+FFFD); a pointer may be null only with length 0. Everything that comes out is one
 * plumbline_hf_buffer, which the caller frees with plumbline_hf_buffer_free, after an error too. No
 * function unwinds or aborts: a panic becomes PLUMBLINE_HF_INTERNAL. Handles are immutable and may
 * be shared by threads. */
#ifndef PLUMBLINE_CORE_TEXT_HF_PLUMBLINE_HF_H_
#define PLUMBLINE_CORE_TEXT_HF_PLUMBLINE_HF_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  PLUMBLINE_HF_OK = 0,        /* data is the result */
  PLUMBLINE_HF_INVALID = 1,   /* data is the message, as below */
  PLUMBLINE_HF_EXHAUSTED = 2, /* a template ran out of fuel or its text grew too long */
  PLUMBLINE_HF_UNKNOWN = 3,   /* no such token */
  PLUMBLINE_HF_INTERNAL = 4   /* a panic: our bug or a crate's */
} plumbline_hf_status;

typedef struct {
  int32_t status; /* plumbline_hf_status */
  uint8_t* data;
  size_t size;
  size_t capacity;
} plumbline_hf_buffer;

void plumbline_hf_buffer_free(plumbline_hf_buffer buffer);

/* -- Tokenizer
 * -------------------------------------------------------------------------------------- */

typedef struct plumbline_hf_tokenizer plumbline_hf_tokenizer;

/* How a token's text depends on its neighbours: decides how a stream may be detokenised. */
typedef enum {
  PLUMBLINE_HF_DECODER_BYTE_LEVEL =
      0, /* the text is the tokens' bytes, one after the other, as lossy UTF-8 */
  PLUMBLINE_HF_DECODER_BYTE_FALLBACK =
      1, /* a run of <0xNN> tokens is decoded as a whole; else piece by piece */
  PLUMBLINE_HF_DECODER_OTHER = 2
} plumbline_hf_decoder_kind;

/* `json` is a tokenizer.json. On OK, *out is a handle. */
plumbline_hf_buffer plumbline_hf_tokenizer_new(const uint8_t* json, size_t json_size,
                                               plumbline_hf_tokenizer** out);
void plumbline_hf_tokenizer_free(plumbline_hf_tokenizer* tokenizer);
/* One more than the largest id. */
uint32_t plumbline_hf_tokenizer_vocab_size(const plumbline_hf_tokenizer* tokenizer);
int32_t plumbline_hf_tokenizer_decoder_kind(const plumbline_hf_tokenizer* tokenizer);
/* The result is an array of int32_t in the machine's byte order. */
plumbline_hf_buffer plumbline_hf_tokenizer_encode(const plumbline_hf_tokenizer* tokenizer,
                                                  const uint8_t* text, size_t text_size,
                                                  int32_t add_special_tokens);
plumbline_hf_buffer plumbline_hf_tokenizer_decode(const plumbline_hf_tokenizer* tokenizer,
                                                  const uint32_t* ids, size_t id_count,
                                                  int32_t skip_special_tokens);
/* The bytes one token stands for; PLUMBLINE_HF_UNKNOWN when no token has the id. */
plumbline_hf_buffer plumbline_hf_tokenizer_token_bytes(const plumbline_hf_tokenizer* tokenizer,
                                                       uint32_t id);
/* The token's id, or -1. */
int64_t plumbline_hf_tokenizer_token_id(const plumbline_hf_tokenizer* tokenizer,
                                        const uint8_t* token, size_t token_size);
/* Bits: 1 = the id exists, 2 = special, 4 = a byte token <0xNN>. */
int32_t plumbline_hf_tokenizer_token_flags(const plumbline_hf_tokenizer* tokenizer, uint32_t id);

/* -- Templates
 * -------------------------------------------------------------------------------------- */

typedef struct plumbline_hf_template plumbline_hf_template;

/* strftime(format) for the time of this render: writes at most `capacity` bytes, returns how many
 * (0: failed). */
typedef size_t (*plumbline_hf_strftime)(const void* context, const char* format, size_t format_size,
                                        char* out, size_t capacity);

/* `dialect`: 0 chat (transformers), 1 task (lm-eval). A message of an error begins with
 * "<name>:<line>: ". */
plumbline_hf_buffer plumbline_hf_template_new(const uint8_t* source, size_t source_size,
                                              const uint8_t* name, size_t name_size,
                                              int32_t dialect, uint64_t fuel,
                                              plumbline_hf_template** out);
void plumbline_hf_template_free(plumbline_hf_template* compiled);
/* `variables` is a JSON object. */
plumbline_hf_buffer plumbline_hf_template_render(const plumbline_hf_template* compiled,
                                                 const uint8_t* variables, size_t variables_size,
                                                 plumbline_hf_strftime strftime,
                                                 const void* strftime_context,
                                                 size_t max_output_bytes);

/* -- Language and Punkt's tables
 * -------------------------------------------------------------------- */

plumbline_hf_buffer plumbline_hf_detect_language(const uint8_t* text, size_t text_size);

/* NLTK's English Punkt parameters. */
int32_t plumbline_hf_punkt_is_abbreviation(const uint8_t* type, size_t size);
int32_t plumbline_hf_punkt_is_sentence_starter(const uint8_t* type, size_t size);
int32_t plumbline_hf_punkt_is_collocation(const uint8_t* left, size_t left_size,
                                          const uint8_t* right, size_t right_size);
uint8_t plumbline_hf_punkt_ortho_context(const uint8_t* type, size_t size);

#ifdef __cplusplus
}
#endif

#endif /* PLUMBLINE_CORE_TEXT_HF_PLUMBLINE_HF_H_ */
