// SQLite's extensions: full-text search, R-trees, JSON and virtual tables about the database
// itself. Each registers itself when a database is opened; 0 is SQLITE_OK. Without them a statement
// that names one does not compile ("no such module"); the index's statements are all known.
#include "link/left_out.h"

DREY_LEFT_OUT(sqlite3Fts3Init, 0)
DREY_LEFT_OUT(sqlite3Fts5Init, 0)
DREY_LEFT_OUT(sqlite3RtreeInit, 0)
DREY_LEFT_OUT(sqlite3DbstatRegister, 0)
DREY_LEFT_OUT(sqlite3StmtVtabInit, 0)
DREY_LEFT_OUT(sqlite3RegisterJsonFunctions, 0)
DREY_LEFT_OUT(sqlite3JsonTableFunctions, 0)
