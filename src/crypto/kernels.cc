#include "crypto/kernels.h"

namespace drey {
namespace {

// The one variable of src/ outside of main's objects: written once before any lane starts, constant
// ever after (see the header).
CryptoKernels installed;

}  // namespace

void install_crypto_kernels(const CryptoKernels& kernels) { installed = kernels; }
const CryptoKernels& crypto_kernels() { return installed; }

}  // namespace drey
