// Tokens, users, logins and the price of wrong passwords.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/text.h"
#include "crypto/hash.h"
#include "node/access/access.h"
#include "node/access/form.h"

namespace drey {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

class CountingRandom : public Random {
 public:
  Status fill(MutBytes to) override {
    for (uint8_t& byte : to) byte = static_cast<uint8_t>(next_++ * 37 >> 3);
    return fails ? Status::kIo : Status::kOk;
  }
  bool fails = false;

 private:
  uint64_t next_ = 1;
};

std::string_view view(const LoginSessions::Secret& secret) {
  return {secret.data(), secret.size()};
}

Credentials::User user_called(std::string_view name) {
  Credentials::User user;
  user.name.set(name);
  user.scope = Scope::kWrite;
  user.iterations = 7;
  user.hash = sha256(as_bytes(name));
  return user;
}

TEST(Credentials, SurviveTheirFile) {
  auto before = std::make_unique<Credentials>(), after = std::make_unique<Credentials>();
  ASSERT_EQ(before->add_token(Scope::kRead, "backup script", hash_of_secret("a")).value(), 1u);
  ASSERT_EQ(before->add_token(Scope::kAdmin, "-", hash_of_secret("b")).value(), 2u);
  ASSERT_EQ(before->remove_token(1), Status::kOk);
  ASSERT_EQ(before->add_user(user_called("ann")), Status::kOk);
  std::array<uint8_t, Credentials::kFileBytesMax> bytes;
  size_t size = before->encode(bytes);
  ASSERT_GT(size, 0u);
  ASSERT_EQ(after->decode(Bytes(bytes).first(size)), Status::kOk);
  EXPECT_EQ(after->find_token(hash_of_secret("a")), nullptr);
  ASSERT_NE(after->find_token(hash_of_secret("b")), nullptr);
  EXPECT_EQ(after->find_token(hash_of_secret("b"))->scope, Scope::kAdmin);
  ASSERT_NE(after->find_user("ann"), nullptr);
  EXPECT_EQ(after->find_user("ann")->hash, sha256(as_bytes("ann")));
  // A number is never used again.
  EXPECT_EQ(after->add_token(Scope::kRead, "-", hash_of_secret("c")).value(), 3u);
}

TEST(Credentials, OneMoreThanFitsIsRefused) {
  auto table = std::make_unique<Credentials>();
  for (size_t i = 0; i < Credentials::kTokensMax; ++i)
    EXPECT_TRUE(
        table->add_token(Scope::kRead, std::string(63, 'n'), hash_of_secret(std::to_string(i)))
            .ok());
  EXPECT_EQ(table->add_token(Scope::kRead, "-", hash_of_secret("x")).status(), Status::kFull);
  for (size_t i = 0; i < Credentials::kUsersMax; ++i)
    EXPECT_EQ(table->add_user(user_called(std::string(62, 'u') + std::to_string(i))), Status::kOk);
  EXPECT_EQ(table->add_user(user_called("one more")), Status::kFull);
  EXPECT_EQ(table->add_user(user_called(std::string(62, 'u') + "3")), Status::kOk);
  std::array<uint8_t, Credentials::kFileBytesMax> bytes;
  EXPECT_GT(table->encode(bytes), 0u);
}

TEST(Credentials, EveryDamagedByteIsNoticed) {
  auto table = std::make_unique<Credentials>();
  (void)table->add_token(Scope::kRead, "t", hash_of_secret("a"));
  (void)table->add_user(user_called("ann"));
  std::array<uint8_t, Credentials::kFileBytesMax> bytes;
  size_t size = table->encode(bytes);
  for (size_t i = 0; i < size; ++i) {
    bytes[i] ^= 0x20;
    EXPECT_NE(table->decode(Bytes(bytes).first(size)), Status::kOk) << i;
    EXPECT_EQ(table->find_user("ann"), nullptr);
    bytes[i] ^= 0x20;
  }
  for (size_t cut = 0; cut < size; ++cut)
    EXPECT_NE(table->decode(Bytes(bytes).first(cut)), Status::kOk) << cut;
  bytes[8] = 2;
  EXPECT_EQ(table->decode(Bytes(bytes).first(size)), Status::kUnsupported);
}

TEST(Credentials, AnOwnerCannotComeFromAFile) {
  auto table = std::make_unique<Credentials>();
  (void)table->add_token(Scope::kOwner, "t", hash_of_secret("a"));
  std::array<uint8_t, Credentials::kFileBytesMax> bytes;
  size_t size = table->encode(bytes);
  EXPECT_EQ(table->decode(Bytes(bytes).first(size)), Status::kCorrupt);
}

TEST(LoginSessions, ALinkOpensOnceAndForTenMinutes) {
  CountingRandom random;
  LoginSessions sessions;
  LoginSessions::Secret first, second;
  ASSERT_EQ(sessions.make_link(random, 5 * kSecond, &first), Status::kOk);
  ASSERT_EQ(sessions.make_link(random, 5 * kSecond, &second), Status::kOk);
  EXPECT_EQ(sessions.use_link("", 6 * kSecond), Status::kDenied);
  EXPECT_EQ(sessions.use_link(view(first), 6 * kSecond), Status::kOk);
  EXPECT_EQ(sessions.use_link(view(first), 6 * kSecond), Status::kDenied);
  EXPECT_EQ(sessions.use_link(view(second), 605 * kSecond), Status::kDenied);
}

TEST(LoginSessions, EndByIdlenessByAgeAndByOrder) {
  CountingRandom random;
  LoginSessions sessions;
  LoginSessions::Secret cookie;
  uint64_t now = kSecond;
  ASSERT_EQ(sessions.open(random, Scope::kWrite, 9, now, &cookie), Status::kOk);
  EXPECT_EQ(sessions.find(view(cookie), now += LoginSessions::kIdleNs - 1), Scope::kWrite);
  EXPECT_EQ(sessions.find(view(cookie), now + LoginSessions::kIdleNs), Scope::kNone);
  uint64_t begin = now = 3 * LoginSessions::kLongestNs;
  ASSERT_EQ(sessions.open(random, Scope::kWrite, 9, now, &cookie), Status::kOk);
  while (now - begin < LoginSessions::kLongestNs) {
    EXPECT_EQ(sessions.find(view(cookie), now), Scope::kWrite);
    now += LoginSessions::kIdleNs / 2;
  }
  EXPECT_EQ(sessions.find(view(cookie), now), Scope::kNone);
  ASSERT_EQ(sessions.open(random, Scope::kRead, 9, now, &cookie), Status::kOk);
  sessions.close_of(8);
  EXPECT_EQ(sessions.find(view(cookie), now), Scope::kRead);
  sessions.close_of(9);
  EXPECT_EQ(sessions.find(view(cookie), now), Scope::kNone);
  ASSERT_EQ(sessions.open(random, Scope::kRead, 9, now, &cookie), Status::kOk);
  sessions.close(view(cookie));
  EXPECT_EQ(sessions.find(view(cookie), now), Scope::kNone);
}

TEST(LoginSessions, AreBoundedAndTheMostSilentOneGoes) {
  CountingRandom random;
  LoginSessions sessions;
  std::array<LoginSessions::Secret, LoginSessions::kSessionsMax + 1> cookies;
  uint64_t now = kSecond;
  for (size_t i = 0; i < LoginSessions::kSessionsMax; ++i)
    ASSERT_EQ(sessions.open(random, Scope::kRead, 0, now += kSecond, &cookies[i]), Status::kOk);
  EXPECT_EQ(sessions.find(view(cookies[0]), now += kSecond), Scope::kRead);
  ASSERT_EQ(sessions.open(random, Scope::kRead, 0, now, &cookies.back()), Status::kOk);
  EXPECT_EQ(sessions.count(now), LoginSessions::kSessionsMax);
  EXPECT_EQ(sessions.find(view(cookies[0]), now), Scope::kRead);
  EXPECT_EQ(sessions.find(view(cookies[1]), now), Scope::kNone);
  random.fails = true;
  EXPECT_EQ(sessions.open(random, Scope::kRead, 0, now, &cookies[1]), Status::kIo);
}

TEST(LoginThrottle, FiveAreFreeThenEachCostsTwiceAsMuch) {
  LoginThrottle throttle;
  Address from = parse_ip("10.0.0.9").value(), other = parse_ip("10.0.0.8").value();
  uint64_t now = 100 * kSecond;
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(throttle.wait_s(from, now), 0u);
    throttle.wrong(from, now);
  }
  EXPECT_EQ(throttle.wait_s(from, now), 1u);
  EXPECT_EQ(throttle.wait_s(other, now), 0u);
  throttle.wrong(from, now);
  throttle.wrong(from, now);
  EXPECT_EQ(throttle.wait_s(from, now), 4u);
  for (int i = 0; i < 100; ++i) throttle.wrong(from, now);
  EXPECT_EQ(throttle.wait_s(from, now), 900u);
  EXPECT_EQ(throttle.wait_s(from, now + 900 * kSecond), 0u);
  throttle.right(from);
  EXPECT_EQ(throttle.wait_s(from, now), 0u);
}

TEST(LoginThrottle, ASwarmOfAddressesGuessesNoFasterThanOne) {
  LoginThrottle throttle;
  uint64_t now = 100 * kSecond;
  size_t tries = 0;
  for (unsigned i = 0; i < 1000; ++i) {
    Address from = parse_ip("2001:db8:" + std::to_string(i) + "::1").value();
    for (unsigned host = 0; host < 8; ++host) {
      from.ip[15] = static_cast<uint8_t>(host);  // one network: one row
      if (throttle.wait_s(from, now) != 0) continue;
      throttle.wrong(from, now);
      ++tries;
    }
  }
  EXPECT_EQ(tries, (LoginThrottle::kRowsMax + 1) * LoginThrottle::kFree);
}

// A request as the parser sees it.
struct Asked {
  explicit Asked(const std::string& lines) : parser(http::Parser::Type::kRequest) {
    std::string text = "POST / HTTP/1.1\r\nHost: 127.0.0.1:4748\r\n" + lines + "\r\n";
    EXPECT_TRUE(parser.feed(as_bytes(text)).ok());
    request.head = &parser;
    request.scope = Scope::kAdmin;
  }
  http::Parser parser;
  Request request;
};

TEST(OriginRule, OnlyThisPageOrATokenWithoutAnOriginMayChangeAnything) {
  auto access = std::make_unique<Access>();
  auto allowed = [&](const std::string& lines) {
    return access->origin_allowed(Asked(lines).request);
  };
  EXPECT_TRUE(allowed("Origin: http://127.0.0.1:4748\r\n"));
  EXPECT_TRUE(allowed("Authorization: Bearer x\r\n"));
  for (const char* lines :
       {"", "Origin: null\r\n", "Origin: \r\n", "Origin: http://\r\n", "Origin: 127.0.0.1:4748\r\n",
        "Origin: http://127.0.0.1\r\n", "Origin: http://127.0.0.1:4749\r\n",
        "Origin: https://127.0.0.1:4748\r\n", "Origin: http://127.0.0.1:4748.evil.example\r\n",
        "Origin: http://evil.example\r\nAuthorization: Bearer x\r\n",
        "Origin: http://127.0.0.1:4748\r\nOrigin: http://evil.example\r\n", "Cookie: drey0=1\r\n",
        "Referer: http://127.0.0.1:4748/\r\n"})
    EXPECT_FALSE(allowed(lines)) << lines;
}

TEST(OriginRule, TheCookieIsTheOneOfThisPort) {
  auto access = std::make_unique<Access>();
  access->set_port(4748);
  auto cookie = [&](const std::string& lines) {
    Asked asked(lines);
    return std::string(access->cookie_of(asked.request));
  };
  EXPECT_EQ(cookie("Cookie: a=1; drey4748=x; b=2\r\n"), "x");
  EXPECT_EQ(cookie("Cookie: drey4749=y;drey4748=x\r\n"), "x");
  EXPECT_EQ(cookie("Cookie: xdrey4748=y\r\n"), "");
  EXPECT_EQ(cookie(""), "");
}

TEST(Form, FieldsAreDecodedAndBounded) {
  std::array<char, 8> room;
  auto value = [&](std::string_view form, std::string_view name) {
    Result<size_t> size = form_value(form, name, room);
    return size.ok() ? std::string(room.data(), size.value())
                     : std::string(status_name(size.status()));
  };
  EXPECT_EQ(value("a=1&code=x%41+b", "code"), "xA b");
  EXPECT_EQ(value("xcode=1", "code"), "not_found");
  EXPECT_EQ(value("code", "code"), "not_found");
  EXPECT_EQ(value("code=", "code"), "");
  EXPECT_EQ(value("code=%4", "code"), "invalid");
  EXPECT_EQ(value("code=%zz", "code"), "invalid");
  EXPECT_EQ(value("code=123456789", "code"), "too_large");
}

}  // namespace
}  // namespace drey
