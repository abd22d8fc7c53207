// Statement sync between two nodes (PROTOCOL.md "Statements"): when digests differ after HELLO,
// each side lists its keys page by page; the other asks for what it lacks, a few at a time, and
// asks for the next page by an empty GET. New statements are flooded. Memory per session is one
// page of keys; nothing is buffered beyond that.
//
// Membership goes before heads, in an order where parents stand before children; FORGETs go before
// heads, so that what was removed is not fetched first. Owned by Mesh, loop thread; reads of the
// store are jobs. Nothing survives a crash: digests tell what is missing.
#pragma once

#include "mesh/session/session.h"
#include "mesh/sync/intake.h"

namespace drey {

class StatementSync {
 public:
  static constexpr size_t kPageKeys = 64;
  static constexpr size_t kGetKeysMax = 4;  // per GET, answered before the next is asked
  static constexpr size_t kWantedMax = kPageKeys + 32;
  static constexpr uint64_t kAnswerNs = 20ull * 1'000'000'000;
  static constexpr size_t kServeTries = 20;  // a statement may be on its way to the disk
  static constexpr size_t kBacktracksMax = 256;
  static constexpr size_t kComparesMax = 3;  // one that we hear, one that they hear, one to spare

  struct Options {
    Store* store = nullptr;
    Lanes* lanes = nullptr;
    Clock* clock = nullptr;
    Log* log = nullptr;
    ReadyQueue* ready = nullptr;
    const Membership* membership = nullptr;
    const HeadTable* heads = nullptr;
    Intake* intake = nullptr;
  };
  void start(const Options& options);
  void tick(uint64_t now_ns);

  // The session takes part from now on.
  void open(Session& session);
  void closed(Session& session);
  // Lists what we have of these kinds (membership first; FORGETs go with heads), because the
  // digests differ.
  void list(Session& session, bool membership, bool heads);
  bool listing(const Session& session) const;
  // Digests still differ although both sides have been through each other's lists: somewhere two
  // heads have one key. Once per session every head the other side lists next is fetched, held or
  // not.
  // False: lists were exchanged often enough in this session; heads may differ for ever.
  bool compare_heads(Session& session);
  // Says this one statement, answers nothing, and ends the session.
  void last_word(Session& session, StatementKind kind, const StatementKey& key);
  // Passes a new statement on to all but `from`.
  void flood(StatementKind kind, const StatementKey& key, Bytes statement, SessionNumber from);
  // kStatementIds, kStatementGet, kStatement.
  void on_message(Session& session, MessageType type, Bytes body);
  // From Intake.
  void on_offer_done(StatementKind kind, const StatementKey& key, Status status,
                     std::span<const StatementId> missing, SessionNumber from);
  // Pages of this kind the other side has listed to the end, and everything of them was taken.
  bool heard_all(const Session& session, StatementKind kind) const;
  // Asks for one statement by key; taken or not, has_answered() turns true once it came.
  Status ask(Session& session, StatementKind kind, const StatementKey& key);
  // Asks for one statement of which the own log has lost the bytes. Nothing happens when much is
  // being asked for already.
  void want_lost(Session& session, const LostStatement& lost);
  bool has_answered(const Session& session, const StatementKey& key) const;
  bool idle() const { return !serve_busy_ && !filter_busy_; }

 private:
  static constexpr size_t kKinds = 3;  // in the order in which they are listed
  enum class Progress : uint8_t { kWaiting, kAsked, kOffered };
  struct Wanted {
    StatementKind kind = StatementKind::kMembership;
    Progress progress = Progress::kWaiting;
    StatementKey key{};
  };
  // The state of one session, by its slot.
  struct Link {
    Session* session = nullptr;
    // We list: one page is on its way until the empty GET.
    std::array<bool, kKinds> to_list{};  // membership, FORGETs, heads
    StatementKind page_kind = StatementKind::kMembership;
    bool page_active = false;
    bool page_sent = false;
    bool page_last = false;
    size_t next_index = 0;  // of membership
    StatementKey after{};   // of the others
    // They ask.
    StatementKind get_kind = StatementKind::kMembership;
    size_t get_count = 0;
    size_t get_at = 0;
    size_t get_tries = 0;
    uint64_t get_again_ns = 0;
    std::array<StatementKey, kGetKeysMax> get_keys{};
    bool last_word = false;  // what they "ask" is all that is ever said here
    // They list, we want.
    bool page_open = false;      // to be answered by an empty GET once nothing of it is wanted
    bool page_filtered = false;  // heads: the store has said which are new
    bool their_last = false;
    StatementKind their_kind = StatementKind::kMembership;
    std::array<bool, kKinds> heard{};
    bool comparing = false;  // heads that are held are fetched as well
    size_t compares = 0;
    size_t wanted_count = 0;
    std::array<Wanted, kWantedMax> wanted{};
    uint64_t asked_ns = 0;
    size_t backtracks = 0;
    // ask()
    StatementKey probe{};
    bool probed = false;
  };
  // Reads one statement, or one page of head keys, on the store lane.
  struct ServeJob : Job {
    Store* store = nullptr;
    bool page = false;
    StatementKind kind = StatementKind::kMembership;
    StatementKey key{};
    size_t size = 0;
    std::array<uint8_t, limits::kStatementBytesMax> bytes;
    size_t row_count = 0;
    std::array<StatementRow, kPageKeys> rows;
    Status run() override;
  };
  // Which of these heads the log holds.
  struct FilterJob : Job {
    Store* store = nullptr;
    size_t count = 0;
    std::array<StatementKey, kPageKeys> keys;
    std::array<uint64_t, kPageKeys> forget_numbers;  // of the owner, 0: none
    std::array<bool, kPageKeys> held;
    std::array<bool, kPageKeys> removed;  // by its owner
    std::array<uint8_t, limits::kStatementBytesMax> forget;
    Status run() override;
  };

  static constexpr size_t kUnknown = kKinds;
  static size_t index_of(StatementKind kind);  // kUnknown: a later version's
  static StatementKind kind_at(size_t index);
  Link* link_of(const Session& session);
  const Link* link_of(const Session& session) const;
  Link* link_of(SessionNumber number);
  void wake() { turn_.wake(); }
  void turn(Status);

  // sync.cc: what we have, for others
  void list_on(Link& link);
  bool send_page(Link& link, std::span<const StatementKey> keys, bool last);
  void serve_on(Link& link, uint64_t now_ns);
  void submit_serve(Link& link);
  void served(Status status);
  void served_page(Link& link, Status status);
  void on_get(Link& link, Bytes body);

  // sync_pull.cc: what others have, for us
  void on_ids(Link& link, Bytes body);
  void on_bytes(Link& link, Bytes body);
  Wanted* find_wanted(Link& link, StatementKind kind, const StatementKey& key);
  void want(Link& link, StatementKind kind, const StatementKey& key);
  void unwant(Link& link, Wanted* row);
  void want_again(Link& link, StatementKind kind, const StatementKey& key,
                  std::span<const StatementId> missing);
  void pull_on(Link& link, uint64_t now_ns);
  void answer_page(Link& link);
  void ask_next(Link& link, uint64_t now_ns);
  void filter_on(Link& link);
  void filtered(Status status);
  bool is_to_compare(const Link& link, const StatementKey& key) const;
  bool is_superseded(const StatementKey& forget) const;
  bool is_cast_out(StatementKind kind, const StatementKey& key) const;

  Options options_;
  std::array<Link, limits::kSessionsMax> links_;
  ServeJob serve_;
  FilterJob filter_;
  bool serve_busy_ = false;
  bool filter_busy_ = false;
  SessionNumber serve_number_ = 0;
  SessionNumber filter_number_ = 0;
  size_t turn_at_ = 0;
  DataSignal<StatementSync> turn_;
  DataSignal<StatementSync> served_;
  DataSignal<StatementSync> filtered_;
};

}  // namespace drey
