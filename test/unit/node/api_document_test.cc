// src/node/API.md is what the route table says.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "node/api.h"

namespace drey {
namespace {

std::string document() {
  std::ostringstream out;
  out << R"(# The HTTP API

Written from the route table (`api_routes.cc`); a test compares. On the page's address and on the control socket alike.

Who may ask: **always** everybody · **open** everybody on loopback, a login on the LAN · **read**, **write**, **admin** a login or a token
of that scope, each including those before it · **owner** root or the daemon's own user, on the control socket only.

A login is the cookie of a signed-in page or `Authorization: Bearer TOKEN` (`drey token create`). A request that changes something also
needs an `Origin` header that names this page, or a token. `HEAD` is answered like `GET`, without the body. Bodies are JSON objects of at
most 16 KiB unless the row says otherwise. Refusals are `{"error": code, "message": words}`: 400 what was asked is wrong · 401 no login ·
403 not with this login · 404 · 405 · 408 an upload that came too slowly · 409 something like it runs already · 411 an upload without its
size · 413 · 416 · 421 a Host name that is not this device's · 429 too many wrong passwords · 431 · 503 busy, ask again (`Retry-After` says when) ·
507 no space. Downloads take turns, as many as there are connections of the page but one; uploads wait in line.

| method | path | who | what |
|---|---|---|---|
)";
  for (const Api::Route& row : Api::routes())
    out << "| " << Api::method_name(row.method) << " | `" << row.path << "` | "
        << need_name(row.need) << " | " << row.words << " |\n";
  return out.str();
}

TEST(ApiDocument, IsWhatTheRouteTableSays) {
  const char* path = DREY_SOURCE_DIR "/src/node/API.md";
  if (std::getenv("DREY_WRITE_DOCS") != nullptr) std::ofstream(path) << document();
  std::ifstream file(path);
  if (!file) GTEST_SKIP() << "no sources here: " << path;
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), document())
      << "run: DREY_WRITE_DOCS=1 node_test --gtest_filter='ApiDocument.*'";
}

TEST(ApiDocument, NoTwoRowsAnswerTheSameRequest) {
  EXPECT_LE(Api::routes().size(), Api::kRoutesMax);  // each is counted
  std::set<std::string> rows;
  for (const Api::Route& row : Api::routes())
    EXPECT_TRUE(rows.insert(std::string(Api::method_name(row.method)) + row.path).second)
        << row.path;
}

TEST(ApiDocument, NothingChangesByGet) {
  for (const Api::Route& row : Api::routes()) {
    if (row.method == http::Method::kGet) continue;
    EXPECT_NE(row.need, Need::kOpen) << row.path;
  }
}

TEST(RoutePath, TakesComponentsAndTheRest) {
  PathParts parts;
  EXPECT_TRUE(match_path("/a", "/a", &parts));
  EXPECT_FALSE(match_path("/a", "/a/", &parts));
  EXPECT_FALSE(match_path("/a", "/", &parts));
  EXPECT_TRUE(match_path("/s/{id}/files/{path...}", "/s/12/files/x/y", &parts));
  ASSERT_EQ(parts.count, 2u);
  EXPECT_EQ(parts.part[0], "12");
  EXPECT_EQ(parts.part[1], "x/y");
  EXPECT_FALSE(match_path("/s/{id}", "/s/", &parts));
  EXPECT_FALSE(match_path("/s/{id}", "/s/1/2", &parts));
  EXPECT_TRUE(match_path("/s/{rest...}", "/s/", &parts));
}

}  // namespace
}  // namespace drey
