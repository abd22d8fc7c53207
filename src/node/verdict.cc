#include "node/verdict.h"

#include "base/text.h"

namespace drey {
namespace {

Verdict make(VerdictKind kind, TextWriter& words, Verdict* verdict) {
  verdict->kind = kind;
  verdict->size = words.size();
  return *verdict;
}

// "1 piece", "5 pieces"
TextWriter& count(TextWriter& to, uint64_t number, std::string_view one, std::string_view many) {
  return to.decimal(number).text(" ").text(number == 1 ? one : many);
}

// Not a member any more, or not for long: what was backed up is the business of those that are
// left.
Verdict judge_outsider(const VerdictInput& in, TextWriter& words, Verdict* verdict) {
  if (in.leaving) {
    words.text("This device is leaving the mesh: leave it switched on. ");
    if (in.waits_for.empty()) {
      words.text("It goes as soon as its own backups are on the others.");
    } else {
      words.text(in.waits_for).text(" still needs the copies that are here.");
    }
    return make(VerdictKind::kWaiting, words, verdict);
  }
  words.text(
      in.cast_out
          ? "This device was cast out of the mesh (drey revoke): the others refuse it, and "
            "nothing of it is backed up any more. If that was a mistake: empty its directory "
            "and let it join anew."
          : "This device has left the mesh (drey retire): it keeps nothing for the others any "
            "more, and nothing of it is backed up. Its directory may be removed.");
  return make(VerdictKind::kAtRisk, words, verdict);
}

}  // namespace

const char* verdict_name(VerdictKind kind) {
  static constexpr const char* kNames[] = {"protected", "waiting", "at_risk", "lost"};
  return kNames[static_cast<size_t>(kind)];
}

Verdict judge(const VerdictInput& in) {
  Verdict verdict;
  TextWriter words{std::span<char>(verdict.text)};
  const ReplicationSummary& r = in.replication;
  if (in.cast_out || in.left || in.leaving) return judge_outsider(in, words, &verdict);
  if (in.cloned) {
    words.text(
        "Another device runs with this one's identity (a copied card?): nothing new is backed up, "
        "nothing removed, until one of the two is gone for good; drey doctor says how to go on.");
    return make(VerdictKind::kAtRisk, words, &verdict);
  }
  if (!in.full) {
    words.text("This vault keeps ");
    count(words, in.stored_records, "sealed piece", "sealed pieces")
        .text(" for the other devices; it has no backups of its own.");
    return make(VerdictKind::kProtected, words, &verdict);
  }
  if (in.others < in.copies) {
    size_t more = in.copies - in.others;
    words.text("Too few devices: add ");
    count(words, more, "more device", "more devices").text(" (drey invite), so that ");
    words.decimal(in.copies).text(" of them keep every piece.");
    return make(VerdictKind::kAtRisk, words, &verdict);
  }
  if (in.own_snapshots == 0) {
    words.text("Nothing of this device is backed up yet; begin with: drey backup PATH.");
    return make(VerdictKind::kProtected, words, &verdict);
  }
  if (r.pass_number == 0 || (!r.settled && (r.missing > 0 || r.at_risk > 0))) {
    words.text("Asking the other devices what they hold.");
    return make(VerdictKind::kWaiting, words, &verdict);
  }
  if (!r.settled && !r.counted) {
    // Something is newer than the counts, and good words are true of what was counted only.
    words.text("Counting the copies; the newest pieces may still be on this device only.");
    return make(VerdictKind::kWaiting, words, &verdict);
  }
  if (r.missing > 0 && in.others_away > 0) {
    // Who is off cannot say what it holds: "lost" is for what everybody was asked about.
    count(words, r.missing, "piece is", "pieces are").text(" on no device that answers, and ");
    count(words, in.others_away, "device is", "devices are").text(" asleep or off; start them.");
    return make(VerdictKind::kAtRisk, words, &verdict);
  }
  if (r.missing > 0) {
    count(words, r.missing, "piece is", "pieces are")
        .text(" on no device; back up again to bring what still exists here.");
    return make(VerdictKind::kLost, words, &verdict);
  }
  if (r.at_risk > 0) {
    count(words, r.at_risk, "piece is", "pieces are")
        .text(" only on this device; start the other devices.");
    return make(VerdictKind::kAtRisk, words, &verdict);
  }
  if (r.under_replicated > 0) {
    count(words, r.under_replicated, "piece waits", "pieces wait").text(" for another copy");
    if (in.others_away > 0) {
      words.text("; ");
      count(words, in.others_away, "device is", "devices are").text(" asleep or off");
    }
    words.text(". Everything is on at least one other device.");
    return make(VerdictKind::kWaiting, words, &verdict);
  }
  words.text("Every backup of this device is on ").decimal(in.copies).text(" other devices.");
  return make(VerdictKind::kProtected, words, &verdict);
}

}  // namespace drey
