// The handlers of single files, and of files in snapshots.
#include "node/access/form.h"
#include "node/node.h"

namespace drey {
namespace {

bool refuse_vault(const Node& node, Responder& responder) {
  if (node.is_full()) return false;
  responder.error(400, "vault",
                  "this device is a vault: it keeps sealed pieces and can read none of them");
  return true;
}

}  // namespace

DownloadSource* Api::free_download(Responder& responder) {
  DownloadSource* source = downloads_.free_source();
  if (source == nullptr)
    responder.error(503, "busy", "many downloads are running already; ask again later");
  return source;
}

void Api::post_upload(const Request& request, Responder& responder) {
  if (refuse_vault(*node_, responder)) return;
  std::array<char, kFileNameMax> name;
  Result<size_t> name_size = form_value(request.query, "name", name);
  if (!name_size.ok() && name_size.status() != Status::kNotFound)
    return responder.error(400, "usage", "a name has 1 to 255 bytes");
  std::string_view type = request.header("content-type");
  if (!type.starts_with("multipart/form-data")) type = {};
  bool to_page = request.header("accept").find("text/html") != std::string_view::npos;
  UploadSource* source = uploads_.free_source();
  if (source == nullptr)
    return responder.error(503, "busy", "many uploads are waiting already; ask again later");
  Status status =
      source->start_upload({name.data(), name_size.ok() ? name_size.value() : 0}, type, to_page,
                           request.head->content_length(), responder.connection());
  if (!ok(status))
    return responder.error(400, "usage",
                           "an upload needs ?name= of 1 to 255 bytes, without '/', not . or ..");
  responder.upload("application/json", source, source);
}

void Api::get_files(const Request& request, Responder& responder) {
  send_list(request, responder, false);
}

void Api::get_files_page(const Request& request, Responder& responder) {
  send_list(request, responder, true);
}

void Api::send_list(const Request& request, Responder& responder, bool page) {
  if (refuse_vault(*node_, responder)) return;
  DownloadSource* source = free_download(responder);
  if (source == nullptr) return;
  responder.stream("application/json", source);
  source->start_list(page, request.scope >= Scope::kWrite, responder.connection());
}

void Api::get_file(const Request& request, Responder& responder) {
  send_file(request, responder, false);
}

void Api::get_file_facts(const Request& request, Responder& responder) {
  send_file(request, responder, true);
}

void Api::send_file(const Request& request, Responder& responder, bool facts) {
  if (refuse_vault(*node_, responder)) return;
  FileId id;
  if (!ok(parse_file_id(request.parts.part[0], &id)))
    return responder.error(404, "not_found", "no file has this id: it has 32 hex digits");
  DownloadSource* source = free_download(responder);
  if (source == nullptr) return;
  responder.stream("application/octet-stream", source);
  source->start_file(id, facts, request.header("range"), responder.connection());
}

void Api::delete_file(const Request& request, Responder& responder) {
  if (refuse_vault(*node_, responder)) return;
  FileId id;
  if (!ok(parse_file_id(request.parts.part[0], &id)))
    return responder.error(404, "not_found", "no file has this id: it has 32 hex digits");
  UploadSource* source = uploads_.free_source();
  if (source == nullptr)
    return responder.error(503, "busy", "many uploads are waiting already; ask again later");
  responder.stream("application/json", source);
  source->start_removal(id, responder.connection());
}

void Api::get_snapshot_path(const Request& request, Responder& responder) {
  send_path(request, responder, false);
}

void Api::get_folder_page(const Request& request, Responder& responder) {
  send_path(request, responder, true);
}

void Api::send_path(const Request& request, Responder& responder, bool page) {
  if (refuse_vault(*node_, responder)) return;
  DownloadSource* source = free_download(responder);
  if (source == nullptr) return;
  responder.stream("application/octet-stream", source);
  source->start_path(request.parts.part[0], request.parts.part[1], request.header("range"), page,
                     responder.connection());
}

}  // namespace drey
