// DIR/drey.genesis: a second copy of the mesh's first statement, without which a node cannot know
// who belongs to its mesh. The log holds the first copy; whichever is damaged is made again from
// the other at the next start. Public, and proven by its own hash: it is the mesh's id.
//
// Used before the loop runs. Written to a new file, synced, renamed, the directory synced: a crash
// leaves the old one, the new one, or none, and the next start makes it again.
#pragma once

#include "base/log.h"
#include "drey/ports.h"
#include "mesh/members/statement.h"
#include "store/store.h"

namespace drey {

inline constexpr const char* kGenesisFileName = "drey.genesis";

// Between Store::open() and Mesh::load(). Puts the genesis of `mesh` from the file back into a log
// that lacks it, or the log's into the file; each is told in `log`. A log that holds nothing at all
// is left alone: it is not damaged but gone, and the node must not start on it as if it were new.
// kOk also when neither place has it: Mesh::load() says so. Else what the store or the disk said.
Status keep_genesis(Disk& disk, Store& store, const MeshId& mesh, Log* log);

}  // namespace drey
