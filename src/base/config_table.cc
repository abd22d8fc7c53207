// The rows of the configuration table. Add a key: one row here, one name in ConfigKey.
#include "base/config.h"
#include "drey/check.h"
#include "drey/limits.h"

namespace drey {

namespace {

using K = ConfigKey;
using enum ConfigKind;

constexpr uint64_t kNameMax = limits::kNameBytesMax;
constexpr uint64_t kPathMax = 1000;  // a line of drey.conf holds it
constexpr uint64_t kDay = 24 * 3600;
constexpr uint64_t kCountMax = 100'000;

constexpr ConfigRow kRows[] = {
    // key, name, env, fallback, kind, min, max, words, count_max, in_backup, help
    {K::kName, "name", "DREY_NAME", nullptr, kText, 1, kNameMax, nullptr, 1, false,
     "this device's name in the mesh (default: the host's name)"},
    {K::kListen, "listen", "DREY_LISTEN", "[::]:4747", kAddress, 0, 0, nullptr, 1, false,
     "where other nodes reach this one"},
    {K::kPage, "page", "DREY_PAGE", "127.0.0.1:4748", kAddress, 0, 0, "loopback lan off", 1, false,
     "where the page is: loopback (this device only), lan (with a login), an address, or off"},
    {K::kGroup, "group", "DREY_GROUP", "239.255.47.47:4747", kAddress, 0, 0, "off", 1, false,
     "IPv4 multicast group of the beacons, or off"},
    {K::kGroup6, "group6", "DREY_GROUP6", "[ff12::4747]:4747", kAddress, 0, 0, "off", 1, false,
     "IPv6 multicast group of the beacons, or off"},
    {K::kPeer, "peer", "DREY_PEER", nullptr, kAddress, 0, 0, nullptr, 16, false,
     "a node to try where multicast does not reach; may be repeated"},
    {K::kStore, "store", "DREY_STORE", nullptr, kText, 1, kPathMax, nullptr, 1, false,
     "directory of the stored pieces (default: in DIR)"},
    {K::kCapacity, "capacity", "DREY_CAPACITY", nullptr, kBytes, 1ull << 20, 1ull << 60, nullptr, 1,
     false, "how much this device keeps for the mesh (default: 80 % of what is free without it)"},
    {K::kQuota, "quota", "DREY_QUOTA", nullptr, kBytes, 1ull << 20, 1ull << 60, nullptr, 1, false,
     "how much of it one other device may fill (default: all where there is one, else three "
     "quarters)"},
    {K::kCopies, "copies", "DREY_COPIES", "2", kCount, 1, limits::kCopiesMax, nullptr, 1, false,
     "devices besides the owner that hold each piece; fixed when the mesh is made"},
    {K::kCompression, "compression", "DREY_COMPRESSION", "zstd", kText, 1, 16, "zstd zlib none", 1,
     false, "zstd, zlib or none; fixed when the mesh is made"},
    {K::kPageNames, "page_names", "DREY_PAGE_NAMES", nullptr, kText, 1, 255, nullptr, 16, false,
     "a host name under which the page may be opened; may be repeated"},
    {K::kQuiet, "quiet", nullptr, nullptr, kText, 1, 16, nullptr, 1, false,
     "hours of the day in which no scheduled backup begins, such as 17:00-23:00"},
    {K::kNotify, "notify", nullptr, nullptr, kText, 1, kPathMax, nullptr, 1, false,
     "a command that gets each change of the verdict, as JSON on its stdin"},

    {K::kPath, "path", nullptr, nullptr, kText, 1, kPathMax, nullptr, limits::kSourcesMax, true,
     "a folder or file to back up; may be repeated; paths = /A /B names several"},
    {K::kExclude, "exclude", nullptr, nullptr, kText, 1, kPathMax, nullptr, limits::kExcludesMax,
     true, "a pattern of what to leave out; may be repeated"},
    {K::kAt, "at", nullptr, "02:00", kText, 1, 16, nullptr, 1, true,
     "time of day of the daily backup, HH:MM, where the device is"},
    {K::kEvery, "every", nullptr, nullptr, kSeconds, 60, 366 * kDay, nullptr, 1, true,
     "instead of at: time between backups, such as 6h"},
    {K::kKeepLast, "keep_last", nullptr, nullptr, kCount, 0, kCountMax, nullptr, 1, true,
     "newest snapshots to keep"},
    {K::kKeepDaily, "keep_daily", nullptr, nullptr, kCount, 0, kCountMax, nullptr, 1, true,
     "days to keep one snapshot of"},
    {K::kKeepWeekly, "keep_weekly", nullptr, nullptr, kCount, 0, kCountMax, nullptr, 1, true,
     "weeks to keep one snapshot of"},
    {K::kKeepMonthly, "keep_monthly", nullptr, nullptr, kCount, 0, kCountMax, nullptr, 1, true,
     "months to keep one snapshot of"},
    {K::kOneFileSystem, "one_file_system", nullptr, "no", kBool, 0, 0, nullptr, 1, true,
     "stay on the file system of each path"},
    {K::kExcludeCaches, "exclude_caches", nullptr, "no", kBool, 0, 0, nullptr, 1, true,
     "leave out folders with a CACHEDIR.TAG"},
};
static_assert(sizeof(kRows) / sizeof(kRows[0]) == kConfigKeyCount);

constexpr bool rows_are_in_key_order() {
  for (size_t i = 0; i < kConfigKeyCount; ++i)
    if (static_cast<size_t>(kRows[i].key) != i) return false;
  return true;
}
static_assert(rows_are_in_key_order(), "config_row() indexes by key");

}  // namespace

std::span<const ConfigRow> config_rows() { return kRows; }

const ConfigRow& config_row(ConfigKey key) {
  DREY_CHECK(static_cast<size_t>(key) < kConfigKeyCount);
  return kRows[static_cast<size_t>(key)];
}

}  // namespace drey
