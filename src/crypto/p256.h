// Inside src/crypto only: owners of mbedTLS's big numbers, and the translation of its errors and of
// its random callbacks. Objects live on a job's stack and free what mbedTLS took from the heap.
#pragma once

#include <mbedtls/bignum.h>
#include <mbedtls/ecp.h>

#include "crypto/hash.h"
#include "drey/ports.h"
#include "drey/status.h"

namespace drey::p256 {

struct Mpi {
  Mpi() { mbedtls_mpi_init(&value); }
  ~Mpi() { mbedtls_mpi_free(&value); }  // overwrites before freeing
  Mpi(const Mpi&) = delete;
  Mpi& operator=(const Mpi&) = delete;
  mbedtls_mpi value;
};

struct Point {
  Point() { mbedtls_ecp_point_init(&value); }
  ~Point() { mbedtls_ecp_point_free(&value); }
  Point(const Point&) = delete;
  Point& operator=(const Point&) = delete;
  mbedtls_ecp_point value;
};

struct Group {
  Group() { mbedtls_ecp_group_init(&value); }
  ~Group() { mbedtls_ecp_group_free(&value); }
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;
  Status load();
  mbedtls_ecp_group value;
};

// kOk, kBusy (allocation), kIo (randomness), else kInvalid.
Status from_mbedtls(int error);

Status load_scalar(const Group& group, const Secret<32>& secret, Mpi* to);  // kInvalid: not 1..n-1
Status load_point(const Group& group, const PublicKey& key, Point* to);  // kInvalid: not on curve

// f_rng adapter for a Random port; context is the Random.
int random_from_port(void* context, unsigned char* to, size_t size);

// f_rng for blinding where no Random is at hand: HMAC(secret, counter). It only decorrelates timing
// from the secret; mbedTLS 2.28 derives its fallback from the secret in the same way.
class SecretBlinding {
 public:
  explicit SecretBlinding(const Secret<32>& secret) : secret_(secret) {}
  static int fill(void* context, unsigned char* to, size_t size);

 private:
  Secret<32> secret_;
  uint64_t counter_ = 0;
};

}  // namespace drey::p256
