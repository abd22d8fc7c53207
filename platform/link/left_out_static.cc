// For programs without shared libraries only; others are none the larger for these.
#include "link/left_out.h"

// Loading libraries (SQLite's extensions) and asking name services for a user's home (libuv): a
// static program could do neither without the libraries of the very C library it was built with.
// null; getpwuid_r answers with an error.
DREY_LEFT_OUT(dlopen, 0)
DREY_LEFT_OUT(dlsym, 0)
DREY_LEFT_OUT(dlclose, -1)
DREY_LEFT_OUT(dlerror, 0)
DREY_LEFT_OUT(getpwuid_r, 38)  // ENOSYS

// Functions of angles and hyperbolas that SQLite offers to statements; ours use none.
#define DREY_LEFT_OUT_REAL(name) \
  extern "C" __attribute__((weak)) double name(double) { return __builtin_nan(""); }

DREY_LEFT_OUT_REAL(acos)
DREY_LEFT_OUT_REAL(acosh)
DREY_LEFT_OUT_REAL(asin)
DREY_LEFT_OUT_REAL(asinh)
DREY_LEFT_OUT_REAL(atan)
DREY_LEFT_OUT_REAL(atanh)
DREY_LEFT_OUT_REAL(cos)
DREY_LEFT_OUT_REAL(cosh)
DREY_LEFT_OUT_REAL(sin)
DREY_LEFT_OUT_REAL(sinh)
DREY_LEFT_OUT_REAL(tan)
DREY_LEFT_OUT_REAL(tanh)
extern "C" __attribute__((weak)) double atan2(double, double) { return __builtin_nan(""); }
