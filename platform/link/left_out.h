// What Drey leaves out of its libraries. Debian builds them whole, and one function that refers to
// another pulls the other's object into the program, though nobody ever calls it. A definition here
// satisfies the reference first, and the object stays in its archive.
//
// Weak: where another distribution's archive has the object in one piece with something we use, the
// library's own definition wins and only size is lost. The prototypes are the linker's business,
// not the compiler's: no header declares most of these names.
// Each definition fails as the library itself would ("no memory", "unknown format"): if ever one is
// called, the caller gets an error, not a wrong result.
#pragma once

#define DREY_LEFT_OUT(name, ...) \
  extern "C" __attribute__((weak)) long name() { return __VA_ARGS__; }
