#include "sim/joining.h"

#include <algorithm>
#include <memory>

#include "mesh/members/statement.h"
#include "store/store.h"

namespace drey::sim {
namespace {

// A store while no daemon runs on it.
struct BareStore {
  Store store;
  Status open(SimNode& sim, const NodeId& self) {
    StoreOptions options;
    options.disk = options.log_disk = &sim.disk;
    options.clock = &sim.clock;
    options.random = &sim.random;
    options.self = self;
    return store.open(options);
  }
  Status add(Bytes statement) {
    Statement decoded;
    DREY_TRY(decode_statement(statement, &decoded));
    StatementId id = statement_id(decoded);
    StatementKey key{};
    std::copy(id.raw.begin(), id.raw.end(), key.begin());
    Ticket ticket = 0;
    DREY_TRY(store.append_statement(StatementKind::kMembership, key, statement, &ticket));
    return store.commit(ticket);
  }
};

}  // namespace

Status admit(SimNode& host, SimNode& guest, NodeRole role) {
  NodeKeys theirs;
  NodeKeys keys;
  DREY_TRY(load_keys(host.disk, &theirs));
  keys = theirs;
  keys.role = role;
  if (role == NodeRole::kVault) keys.keyring = Keyring();
  DREY_TRY(generate_key(guest.random, &keys.sign));
  DREY_TRY(generate_key(guest.random, &keys.wrap));
  auto old_store = std::make_unique<BareStore>();
  DREY_TRY(old_store->open(host, theirs.id()));
  std::array<uint8_t, limits::kStatementBytesMax> genesis;
  std::array<uint8_t, limits::kStatementBytesMax> added;
  size_t size = 0;
  StatementKey first{};
  std::copy(keys.mesh.raw.begin(), keys.mesh.raw.end(), first.begin());
  DREY_TRY(old_store->store.read_statement(StatementKind::kMembership, first, genesis, &size));
  AddBody body;
  body.role = role == NodeRole::kFull ? Role::kFull : Role::kVault;
  body.card.name = guest.name();
  body.card.wrap_key = keys.wrap.pub;
  DREY_TRY(sign_card(keys.sign, &body.card));
  StatementId parent = StatementId::from(keys.mesh.bytes());
  Result<size_t> built = build_add({&theirs.sign, false}, keys.mesh, {&parent, 1}, body, added);
  DREY_TRY(built.status());
  DREY_TRY(old_store->add(Bytes(added).first(built.value())));
  DREY_TRY(old_store->store.close());
  auto new_store = std::make_unique<BareStore>();
  DREY_TRY(new_store->open(guest, keys.id()));
  DREY_TRY(new_store->add(Bytes(genesis).first(size)));
  DREY_TRY(new_store->add(Bytes(added).first(built.value())));
  DREY_TRY(new_store->store.close());
  guest.kill();
  host.kill();
  return save_keys(guest.disk, keys);
}

}  // namespace drey::sim
