// The HTTP API and the page: one route table (api_routes.cc, described by API.md), its handlers,
// and the sources of the streamed answers. Part of the node, loop thread.
#pragma once

#include "backup/types.h"
#include "http/json.h"
#include "node/access/access_source.h"
#include "node/api_sources.h"
#include "node/connection.h"
#include "node/files/download_line.h"
#include "node/files/upload_source.h"
#include "node/page/page.h"

namespace drey {

class Node;

class Api : public Router {
 public:
  void start(Node* node);
  void tick(uint64_t now_ns);
  bool idle() const { return history_.idle(); }
  void set_page_port(uint16_t port) { access_.set_port(port); }
  // Ends what runs for clients.
  void stop();

  // One row per method and path: API.md is written from it, and a test compares.
  struct Route {
    http::Method method;
    const char* path;  // a pattern, see route_path.h
    Need need;
    void (Api::*handler)(const Request&, Responder&);
    const char* words;    // what it does, one line
    bool upload = false;  // the body goes to the handler as it comes
  };
  static constexpr size_t kRoutesMax = 64;
  static std::span<const Route> routes();
  static const char* method_name(http::Method method);

  bool is_upload(const Request& request) override;
  bool admit(Request& request, Responder& responder) override;
  void route(const Request& request, Responder& responder) override;
  bool host_allowed(std::string_view host, const Address& local) override;

 private:
  // api_page.cc
  void get_page(const Request&, Responder&);
  void get_sign_in(const Request&, Responder&);
  void send_login(Responder&);
  bool has_users();
  struct PageSpace;
  void fill_page(const Request&, PageSpace& space);
  void fill_signed_in(const Request&, PageSpace& space);
  // api_doctor.cc
  void get_doctor(const Request&, Responder&);
  void post_one_left(const Request&, Responder&);
  // api_status.cc
  void get_status(const Request&, Responder&);
  void get_peers(const Request&, Responder&);
  void get_metrics(const Request&, Responder&);
  void get_health(const Request&, Responder&);
  void get_ready(const Request&, Responder&);
  void get_recovery(const Request&, Responder&);
  void write_peers(TextWriter& out);
  // api.cc
  void get_snapshots(const Request&, Responder&);
  void get_events(const Request&, Responder&);
  void post_backup(const Request&, Responder&);
  void post_forget(const Request&, Responder&);
  void post_unpin_now(const Request&, Responder&);
  void post_stream(const Request&, Responder&);
  void post_invite(const Request&, Responder&);
  void post_wait(const Request&, Responder&);
  void post_scrub(const Request&, Responder&);
  // api_access.cc
  void post_sign_in(const Request&, Responder&);
  void post_login(const Request&, Responder&);
  void post_sign_out(const Request&, Responder&);
  void post_link(const Request&, Responder&);
  void get_tokens(const Request&, Responder&);
  void post_token(const Request&, Responder&);
  void delete_token(const Request&, Responder&);
  void get_users(const Request&, Responder&);
  void post_user(const Request&, Responder&);
  void delete_user(const Request&, Responder&);
  void answer_with_cookie(std::string_view cookie, bool form, Responder&);
  void write_page_address(TextWriter& out);
  bool access_free(Responder&);
  void access_begun(Status status, Responder&);
  // files/api_files.cc
  void post_upload(const Request&, Responder&);
  void get_files(const Request&, Responder&);
  void get_file(const Request&, Responder&);
  void get_file_facts(const Request&, Responder&);
  void delete_file(const Request&, Responder&);
  void get_snapshot_path(const Request&, Responder&);
  void get_files_page(const Request&, Responder&);
  void get_folder_page(const Request&, Responder&);
  void send_list(const Request&, Responder&, bool page);
  void send_path(const Request&, Responder&, bool page);
  void send_file(const Request&, Responder&, bool facts);
  DownloadSource* free_download(Responder&);
  // api_members.cc
  void post_revoke(const Request&, Responder&);
  void post_retire(const Request&, Responder&);
  void order(MemberSource::Order order, Responder& responder);
  void post_phrase_draft(const Request&, Responder&);
  void post_phrase(const Request&, Responder&);
  std::string_view hex_of(const char* name);
  std::string_view name_in(std::span<char> room, Responder& responder);
  bool parse(const Request& request, Responder& responder);

  Node* node_ = nullptr;
  Access access_;
  AccessSource access_source_;
  SnapshotHistory history_;
  http::Json json_;
  std::array<uint64_t, kRoutesMax> asked_{};          // requests let in, by row of the route table
  std::array<uint8_t, kRequestBodyBytesMax> text_{};  // unescaped strings of the request in hand
  BackupSource backup_;
  ForgetSource forget_;
  UnpinNowSource unpin_now_;
  InviteSource invite_;
  MemberSource member_;
  PhraseSource phrase_;
  std::array<StreamSource, kStreamOps> streams_;
  UploadLine uploads_;
  DownloadLine downloads_;
  std::array<SnapshotsSource, 1> snapshots_;
  std::array<WaitSource, 4> waits_;
  ScrubSource scrub_;
  std::array<EventsSource, 4> events_;
};

}  // namespace drey
