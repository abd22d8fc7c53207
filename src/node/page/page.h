// The page: HTML from the fragments of page.html and the values of a model. Every value is escaped
// by the one function that writes values. Pure functions, any thread.
#pragma once

#include "base/text.h"
#include "node/page/page_model.h"

namespace drey {

// The whole page. When it does not fit (writer.ok() is false) call again with fewer rows.
struct PageRows {
  size_t devices = 64, events = 12, snapshots = SnapshotHistory::kRowsMax;
};
void write_page(TextWriter& out, const PageModel& model, const PageRows& rows);

// The form behind a sign-in link.
void write_sign_in(TextWriter& out, std::string_view code);
// What the LAN sees without a login.
void write_login(TextWriter& out, bool has_users);

// The Content-Security-Policy of every reply: only the page's own style and script, by their
// hashes.
std::string_view page_policy();

}  // namespace drey
