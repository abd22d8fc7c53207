// H3: only own literal addresses and known names reach the page.
#include "node/access/host_rule.h"

#include <gtest/gtest.h>

#include <memory>

#include "base/text.h"

namespace drey {
namespace {

class HostRuleTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ConfigError error;
    ASSERT_EQ(config_->apply_flag("page_names", "nas.example", &error), Status::kOk);
    ASSERT_EQ(config_->apply_flag("page_names", "192.0.2.7", &error), Status::kOk);
  }
  bool allows(std::string_view host, std::string_view local) {
    Address address = parse_ip(local).value();
    return HostRule{address, "attic", *config_}.allows(host);
  }
  std::unique_ptr<Config> config_ = std::make_unique<Config>();
};

TEST_F(HostRuleTest, OwnAddressesAndNamesPass) {
  for (const char* host : {"10.0.0.5", "10.0.0.5:4748", "localhost", "localhost:4748", "LocalHost",
                           "attic", "Attic:80", "attic.local", "ATTIC.LOCAL:4748", "nas.example",
                           "NAS.example:4748", "192.0.2.7:4748"})
    EXPECT_TRUE(allows(host, "10.0.0.5")) << host;
  EXPECT_TRUE(allows("[::1]:4748", "127.0.0.1"));
  EXPECT_TRUE(allows("127.0.0.1", "::1"));
  EXPECT_TRUE(allows("[fd00::2]", "fd00::2"));
}

TEST_F(HostRuleTest, ForeignNamesAndAddressesDoNot) {
  for (const char* host : {"",
                           "evil.example",
                           "evil.example:4748",
                           "localhost.evil.example",
                           "10.0.0.5.evil.example",
                           "10.0.0.6",
                           "127.0.0.1",
                           "0.0.0.0",
                           "[::1]",
                           "attic.",
                           "attic.local.",
                           "attic.lan",
                           "xattic.local",
                           "attic.localx",
                           "localhost.",
                           "nas.example.evil",
                           "user@localhost",
                           "localhost:0",
                           "localhost:99999",
                           "localhost:80:80",
                           "localhost:",
                           "10.0.0.5:x",
                           "[10.0.0.5]",
                           "167772165",
                           "0x0a000005",
                           "10.5",
                           "fd00::2",
                           " localhost",
                           "localhost/"})
    EXPECT_FALSE(allows(host, "10.0.0.5")) << host;
}

}  // namespace
}  // namespace drey
