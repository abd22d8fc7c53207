// Inside membership*.cc only: a statement judged against the set, with its references resolved.
#pragma once

#include "mesh/members/membership.h"

namespace drey {

struct Membership::Draft {
  Statement statement;
  StatementId id;
  std::array<uint16_t, limits::kStatementParentsMax> parents{};
  ActSet past{};
  uint16_t depth = 0;
  bool is_act = false;
  PublicKey key{};            // verifies the author's signature
  uint16_t author = kNone;    // member
  uint16_t recovery = kNone;  // row of the recovery key that authored it
  uint16_t subject = kNone;   // as in ActRow
  uint16_t other = kNone;
  uint64_t number = 0;
  Role role = Role::kVault;
  bool has_card = false;
  IdentityCard card;
  GenesisBody genesis;
  RecoveryBody fresh;
};

}  // namespace drey
