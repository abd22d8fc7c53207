#include "posix/uv_net.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>

#include "drey/check.h"
#include "posix/posix_status.h"
#include "posix/socket_address.h"

namespace drey {

UvNet::UvNet() {
  for (Slot& slot : slots_) slot.net = this;
}

UvNet::Slot* UvNet::slot_of(Socket socket) {
  DREY_CHECK(socket >= 0 && static_cast<size_t>(socket) < kSocketsMax);
  Slot* slot = &slots_[static_cast<size_t>(socket)];
  DREY_CHECK(slot->use == Use::kOpen);
  return slot;
}

Status UvNet::failed(int error) {
  last_errno_ = error;
  return socket_status(error);
}

Result<Net::Socket> UvNet::adopt(int fd) {
  for (size_t i = 0; i < kSocketsMax; ++i) {
    Slot& slot = slots_[i];
    if (slot.use != Use::kFree) continue;
    slot.fd = fd;
    slot.use = Use::kOpen;
    slot.armed = 0;
    slot.reader = slot.writer = nullptr;
    ++open_count_;
    return static_cast<Socket>(i);
  }
  ::close(fd);
  return Status::kBusy;
}

void UvNet::close(Socket socket) {
  Slot* slot = slot_of(socket);
  DREY_CHECK(slot->reader == nullptr && slot->writer == nullptr);
  --open_count_;
  int fd = slot->fd;
  slot->fd = -1;
  slot->armed = 0;
  if (slot->has_poll) {
    // libuv lets go of the descriptor here and of the handle at the end of the turn.
    slot->use = Use::kClosing;
    uv_close(reinterpret_cast<uv_handle_t*>(&slot->poll), &on_closed);
  } else {
    slot->use = Use::kFree;
  }
  ::close(fd);
}

void UvNet::on_closed(uv_handle_t* handle) {
  auto* slot = static_cast<Slot*>(handle->data);
  slot->has_poll = false;
  slot->use = Use::kFree;
}

void UvNet::close_all() {
  for (size_t i = 0; i < kSocketsMax; ++i) {
    if (slots_[i].use != Use::kOpen) continue;
    slots_[i].reader = slots_[i].writer = nullptr;
    close(static_cast<Socket>(i));
  }
}

void UvNet::shutdown_write(Socket socket) { ::shutdown(fd_of(socket), SHUT_WR); }

// ---- waiting ----

void UvNet::mark_dirty(Slot* slot) {
  if (slot->dirty) return;
  slot->dirty = true;
  dirty_[dirty_count_++] = static_cast<uint16_t>(slot - slots_.data());
}

Status UvNet::wait(Socket socket, uint8_t events, Op* op) {
  Slot* slot = slot_of(socket);
  DREY_CHECK(events != 0 && op != nullptr);
  if (!slot->has_poll) {
    if (uv_poll_init(loop_, &slot->poll, slot->fd) != 0) return Status::kBusy;
    slot->poll.data = slot;
    slot->has_poll = true;
  }
  if ((events & kReadable) != 0) {
    DREY_CHECK(slot->reader == nullptr);
    slot->reader = op;
  }
  if ((events & kWritable) != 0) {
    DREY_CHECK(slot->writer == nullptr);
    slot->writer = op;
  }
  mark_dirty(slot);
  return Status::kOk;
}

// Completes who waits for one of `events`. An op that waits for both directions is told once.
void UvNet::fire(Slot* slot, uint8_t events, Status status) {
  Op* reader = (events & kReadable) != 0 ? slot->reader : nullptr;
  Op* writer = (events & kWritable) != 0 ? slot->writer : nullptr;
  if (reader == nullptr && writer == nullptr) return;
  if (reader != nullptr && slot->writer == reader) writer = reader;
  if (writer != nullptr && slot->reader == writer) reader = writer;
  if (reader != nullptr) slot->reader = nullptr;
  if (writer != nullptr) slot->writer = nullptr;
  mark_dirty(slot);
  if (reader != nullptr) reader->complete(status);
  if (writer != nullptr && writer != reader) writer->complete(status);
}

void UvNet::cancel_wait(Socket socket, uint8_t events) {
  fire(slot_of(socket), events, Status::kCancelled);
}

void UvNet::on_poll(uv_poll_t* handle, int status, int events) {
  auto* slot = static_cast<Slot*>(handle->data);
  uint8_t ready = 0;
  if ((events & UV_READABLE) != 0) ready |= kReadable;
  if ((events & UV_WRITABLE) != 0) ready |= kWritable;
  if (status < 0) {
    // libuv has stopped watching. Both directions are told: their next call shows the error.
    slot->armed = 0;
    ready = kReadable | kWritable;
  }
  slot->net->mark_dirty(slot);
  slot->net->fire(slot, ready, Status::kOk);
}

void UvNet::flush() {
  for (size_t i = 0; i < dirty_count_; ++i) {
    Slot* slot = &slots_[dirty_[i]];
    slot->dirty = false;
    if (slot->use != Use::kOpen || !slot->has_poll) continue;
    uint8_t wanted = 0;
    if (slot->reader != nullptr) wanted |= kReadable;
    if (slot->writer != nullptr) wanted |= kWritable;
    if (wanted == slot->armed) continue;
    slot->armed = wanted;
    int events = ((wanted & kReadable) != 0 ? UV_READABLE : 0) |
                 ((wanted & kWritable) != 0 ? UV_WRITABLE : 0);
    // Starting fails only for a descriptor that another handle watches: our own mistake.
    int result =
        wanted == 0 ? uv_poll_stop(&slot->poll) : uv_poll_start(&slot->poll, events, &on_poll);
    DREY_CHECK(result == 0);
  }
  dirty_count_ = 0;
}

// ---- bytes ----

Result<size_t> UvNet::try_read(Socket socket, MutBytes to) {
  if (to.empty()) return Status::kInvalid;
  while (true) {
    ssize_t count = ::recv(fd_of(socket), to.data(), to.size(), MSG_DONTWAIT);
    if (count > 0) return static_cast<size_t>(count);
    if (count == 0) return Status::kClosed;
    if (errno != EINTR) return socket_status(errno);
  }
}

Result<size_t> UvNet::try_write(Socket socket, Bytes from) {
  if (from.empty()) return Status::kInvalid;
  while (true) {
    ssize_t count = ::send(fd_of(socket), from.data(), from.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count > 0) return static_cast<size_t>(count);
    if (count == 0) return Status::kAgain;
    if (errno != EINTR) return socket_status(errno);
  }
}

Result<size_t> UvNet::receive(Socket socket, MutBytes to, Address* from) {
  SocketAddress sender;
  socklen_t sender_size = SocketAddress::kRoom;
  while (true) {
    ssize_t count = ::recvfrom(fd_of(socket), to.data(), to.size(), MSG_DONTWAIT | MSG_TRUNC,
                               sender.get(), &sender_size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return socket_status(errno);
    if (from != nullptr) *from = sender.address();
    if (static_cast<size_t>(count) > to.size()) return Status::kTooLarge;
    return static_cast<size_t>(count);
  }
}

Status UvNet::connect_result(Socket socket) {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd_of(socket), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  return error == 0 ? Status::kOk : failed(error);
}

Result<uint32_t> UvNet::peer_uid(Socket socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd_of(socket), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return failed(errno);
  // Sockets of other families answer with "nobody".
  if (peer.uid == static_cast<uid_t>(-1)) return Status::kUnsupported;
  return uint32_t{peer.uid};
}

Result<Address> UvNet::local_address(Socket socket) {
  SocketAddress local;
  socklen_t size = SocketAddress::kRoom;
  if (::getsockname(fd_of(socket), local.get(), &size) != 0) return failed(errno);
  return local.address();
}

}  // namespace drey
