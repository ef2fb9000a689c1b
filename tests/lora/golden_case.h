// One folder of tests/oracle/lora/make_golden.py, compared with what core/lora makes of it.
#ifndef PLUMBLINE_TESTS_LORA_GOLDEN_CASE_H_
#define PLUMBLINE_TESTS_LORA_GOLDEN_CASE_H_

#include <string>

namespace plumbline {

// Loads the adapter with every feature and expects PEFT's outputs, deltas and replaced parameters
// within 1e-5 of the expected tensor's range, and nothing that PEFT does not have. Returns the
// number of tensors compared.
int ExpectEqualsPeft(const std::string& folder);

}  // namespace plumbline

#endif  // PLUMBLINE_TESTS_LORA_GOLDEN_CASE_H_
