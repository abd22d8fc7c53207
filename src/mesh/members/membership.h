// Who belongs to the mesh: the set of all membership statements and the state that follows from it
// (DESIGN 5). The state is a function of the set: the order in which statements arrive, and the
// node that evaluates them, change nothing. Rules and reasons: MEMBERSHIP.md.
//
// One object per node in static storage, about 0.6 MiB; used by the loop, and by the load job
// before the loop looks at it. Nothing here is durable: the store's log holds the statements
// (bodies are not kept in RAM), load_membership() reads them again at start.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "mesh/members/statement.h"

namespace drey {

enum class MemberState : uint8_t {
  kNone,  // named by a statement, but never validly added
  kActive,
  kRetired,
  kRevoked,
};

struct Member {
  NodeId id;
  PublicKey sign_key{};
  PublicKey wrap_key{};
  Role role = Role::kVault;
  MemberState state = MemberState::kNone;
  // The highest sequence of its heads that is taken in: a revoked device's later words are
  // nobody's.
  uint64_t heads_until = kEverySequence;
  NodeId heir;      // who is this node now (recover --replace); zero: itself
  NodeId ancestor;  // whose heir this node is; zero: nobody's
  uint8_t name_size = 0;
  std::array<char, limits::kNameBytesMax> name_data{};
  std::string_view name() const { return {name_data.data(), name_size}; }
  bool leaving = false;  // active, but on its way out: its copies do not count any more
  bool is_active() const { return state == MemberState::kActive; }
};

class Membership {
 public:
  // Acts are statements with a meaning; they, not relayed strangers, need room to be evaluated.
  // Nodes may fill the table up to the reserve, the rest is the recovery key's: a hostile full
  // member cannot make its own removal impossible.
  static constexpr size_t kActsMax = 448;
  static constexpr size_t kActsReserved = 64;
  static constexpr size_t kStatementsReserved = 64;
  static constexpr size_t kIdentitiesMax = 128;  // devices ever named, active or not

  Membership() { reset(MeshId{}); }
  Membership(const Membership&) = delete;
  Membership& operator=(const Membership&) = delete;

  // Forgets everything. Only the genesis statement with this id is accepted; a zero id takes the
  // first one it is given (joining: the caller compares mesh() afterwards).
  void reset(const MeshId& mesh);

  // ---- Taking statements in: check() on the loop, verify() anywhere (a job), insert() ----
  struct Proof {
    PublicKey key{};
    Key32 digest{};
    Signature signature{};
  };
  struct Candidate {
    StatementId id;
    size_t proof_count = 0;
    std::array<Proof, 2> proofs;  // the author's signature; a card's or a new recovery key's
  };
  // Everything but the signatures. kExists (have it), kNotFound (a parent is missing: ask for it,
  // offer this one again), kInvalid, kUnsupported, kTooLarge (malformed or a limit: drop it),
  // kDenied (the author is nobody in the statement's own past). candidate->id is set whenever the
  // form is right. `again`: one that is held is checked like a new one, because its bytes are lost.
  Status check(Bytes statement, Candidate* candidate, bool again = false) const;
  // kOk, kDenied, kBusy. Pure.
  static Status verify(const Candidate& candidate);
  // Adds a statement whose signatures are known to be right (verified, or from the own log). Runs
  // check() again; same codes. The state changes at the next evaluate().
  Status insert(Bytes statement, StatementId* id = nullptr);
  // check, verify, insert, evaluate. Blocks for two signatures: tests and jobs only.
  Status add(Bytes statement, StatementId* id = nullptr);
  // Ids of the parents a statement waits for; as many as fit.
  size_t missing_parents(Bytes statement, std::span<StatementId> to) const;
  // Brings the state up to date with the set. Cheap when nothing changed.
  void evaluate();

  // ---- The state, as of the last evaluate() ----
  bool has_genesis() const { return count_ > 0; }
  const MeshId& mesh() const { return mesh_; }
  std::string_view mesh_name() const { return {mesh_name_.data(), mesh_name_size_}; }
  const MeshSettings& settings() const { return settings_; }
  const RecoveryKeys& recovery() const { return recovery_[recovery_current_].keys; }
  Key32 recovery_id() const { return recovery_[recovery_current_].id; }
  // The statement (genesis or recovery) whose keyring blob the current recovery key opens.
  const StatementId& recovery_statement() const;
  // Every device ever named, in no particular order; at most 64 are active.
  std::span<const Member> members() const { return {members_.data(), member_count_}; }
  const Member* find(const NodeId& id) const;  // null: never heard of
  bool is_active(const NodeId& id) const;
  size_t active_count() const { return active_count_; }
  uint16_t feature_level() const { return feature_level_; }
  // The highest valid epoch that has every valid revocation in its past; 0: a full member must
  // author a new one before anything is sealed.
  uint64_t current_epoch() const { return current_epoch_; }
  // An id for a new epoch by this author, above all known and different from any other author's.
  uint64_t next_epoch_id(const NodeId& author) const;
  // Of the index-th statement: the epoch it founds or gives further, 0 for other kinds. Several
  // statements may give one epoch, each to other devices.
  uint64_t epoch_at(size_t index) const;
  // Whoever added this device knew that statement: it handed over the keys it had by then.
  bool was_added_knowing(const NodeId& device, const StatementId& statement) const;
  // The same for the recovery key in force.
  bool recovery_knew(const StatementId& statement) const;
  // The valid statement that put this device out; null when there is none.
  const StatementId* revocation_of(const NodeId& device) const;
  // Whether a held statement is valid (false too for unknown acts).
  bool is_valid(const StatementId& id) const;
  // Rises whenever a statement was inserted: cheap "has anything changed".
  uint64_t revision() const { return revision_; }

  // ---- The set, for sync ----
  size_t count() const { return count_; }
  bool has(const StatementId& id) const { return find_index(id) != kNone; }
  // In an order in which every parent stands before its children.
  const StatementId& id_at(size_t index) const { return nodes_[index].id; }
  Act act_at(size_t index) const { return nodes_[index].act; }
  // Order-independent digest of the set.
  const Key32& digest() const { return digest_; }
  // The statements nobody names as parent, at most kStatementParentsMax of them, ascending: the
  // parents of the next own statement. With more tips the rest waits for the statement after.
  size_t tips(std::span<StatementId, limits::kStatementParentsMax> to) const;

 private:
  static constexpr uint16_t kNone = 0xffff;
  static constexpr size_t kActWords = kActsMax / 64;
  static constexpr size_t kRecoveriesMax = 32;
  using ActSet = std::array<uint64_t, kActWords>;
  enum class Label : uint8_t { kUndecided, kIn, kOut };

  // One per statement: 120 bytes.
  struct Node {
    StatementId id;
    std::array<uint16_t, limits::kStatementParentsMax> parents{};  // kNone = unused
    ActSet past{};                                                 // acts among its ancestors
    uint16_t act_index = kNone;
    uint16_t depth = 0;
    uint16_t hash_next = kNone;
    Act act = Act::kGenesis;
    bool is_tip = true;
  };
  static_assert(sizeof(Node) <= 128);
  // One per act.
  struct ActRow {
    uint16_t node = kNone;
    uint16_t author = kNone;   // member index, or kNone: the recovery key of row `recovery`
    uint16_t subject = kNone;  // member index; annul: the act index of the revocation
    uint16_t other = kNone;    // heir: B; recovery: row of the new key
    uint16_t recovery = kNone;
    uint64_t number = 0;  // epoch id, feature level
    Role role = Role::kVault;
    Label label = Label::kUndecided;
  };
  struct Recovery {
    Key32 id{};
    RecoveryKeys keys;
    uint16_t act = kNone;  // the statement that installed it
  };
  struct Draft;  // a checked statement with its references resolved

  uint16_t find_index(const StatementId& id) const;
  uint16_t find_member(const NodeId& id) const;
  uint16_t find_recovery(const Key32& id, const ActSet& past) const;
  Status draft(Bytes statement, bool again, Draft* to) const;
  Status draft_body(Draft* to) const;
  Status draft_subject(const NodeId& id, Draft* to, uint16_t* index) const;
  static Status check_epoch(const Draft& draft);
  Status draft_author(Draft* to) const;
  Status draft_limits(const Draft& draft) const;
  bool past_has_add(const ActSet& past, uint16_t member) const;
  void take_card(const Draft& draft, uint16_t act);
  void take_settings(const GenesisBody& genesis);
  uint16_t name_member(const NodeId& id);
  void link(const Draft& draft, uint16_t index);
  void fill_act(const Draft& draft, uint16_t act);

  // membership_state.cc
  static bool test(const ActSet& set, size_t bit) { return (set[bit / 64] >> (bit % 64)) & 1; }
  Act kind_of(uint16_t act) const { return nodes_[acts_[act].node].act; }
  bool by_recovery(uint16_t act) const { return acts_[act].recovery != kNone; }
  bool is_before(uint16_t act, uint16_t later) const;   // act is in later's past
  bool is_earlier(uint16_t act, uint16_t other) const;  // a total order every node shares
  bool is_add_of(uint16_t act, uint16_t member) const;
  bool is_removal_of(uint16_t act, uint16_t member) const;
  bool is_annulled(uint16_t revocation) const;
  bool is_readmitted(uint16_t removal, uint16_t act) const;
  bool attacks(uint16_t removal, uint16_t act) const;
  bool has_rights(uint16_t add, uint16_t act) const;
  Label judge(uint16_t act) const;
  Label judge_recovery(uint16_t act) const;
  Label judge_member(uint16_t act) const;
  void settle();
  bool depends_on_attack(uint16_t revocation, uint16_t act) const;
  bool break_cycles();
  void evaluate_members();
  void evaluate_member(uint16_t member);
  void limit_members();
  void evaluate_heirs();
  void evaluate_keys();

  MeshId mesh_;
  bool any_mesh_ = true;
  bool stale_ = false;
  uint64_t revision_ = 0;
  Key32 digest_{};
  size_t count_ = 0;
  size_t act_count_ = 0;
  size_t member_count_ = 0;
  size_t active_count_ = 0;
  size_t recovery_count_ = 0;
  size_t recovery_current_ = 0;
  uint16_t feature_level_ = 0;
  uint64_t current_epoch_ = 0;
  uint64_t highest_epoch_ = 0;
  MeshSettings settings_;
  std::array<char, kCompressionBytesMax> compression_{};
  std::array<char, limits::kNameBytesMax> mesh_name_{};
  size_t mesh_name_size_ = 0;
  std::array<uint16_t, 1024> buckets_{};  // by the first bytes of the id
  std::array<Node, limits::kStatementsMax> nodes_;
  std::array<ActRow, kActsMax> acts_;
  std::array<Member, kIdentitiesMax> members_;
  std::array<uint16_t, kIdentitiesMax> card_acts_;  // the act each member's card came from
  std::array<Recovery, kRecoveriesMax> recovery_;
};

}  // namespace drey
