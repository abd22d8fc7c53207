#include "mesh/members/statement.h"

#include "unit/mesh/membership_support.h"

namespace drey::test {
namespace {

const GenesisBody& sample_genesis() {
  static GenesisBody body = [] {
    GenesisBody made;
    made.founder = card(0);
    made.recovery = {phrase().pub, key(300000).pub};
    made.mesh_name = "home";
    made.epoch = 1;
    return made;
  }();
  return body;
}

Status build(const GenesisBody& body) {
  ByteVector to(limits::kStatementBytesMax);
  return build_genesis(key(0), body, to).status();
}

TEST(Statement, RoundTripOfEveryField) {
  ByteVector bytes = genesis();
  Statement statement;
  ASSERT_EQ(decode_statement(bytes, &statement), Status::kOk);
  EXPECT_EQ(statement.act, Act::kGenesis);
  EXPECT_FALSE(statement.by_recovery);
  EXPECT_EQ(statement.author, id(0));
  EXPECT_EQ(statement.parent_count, 0u);
  GenesisBody body;
  ASSERT_EQ(decode_genesis(statement.body, &body), Status::kOk);
  EXPECT_EQ(body.founder.name, "node-0");
  EXPECT_EQ(body.mesh_name, "home");
  EXPECT_EQ(body.keyring.size(), 3u);
  EXPECT_EQ(body.settings.chunk_bytes_max, limits::kChunkBytesMax);
}

TEST(Statement, ItsIdDoesNotDependOnTheSignature) {
  ByteVector bytes = genesis();
  StatementId before = id_of(bytes);
  bytes.back() ^= 1;
  EXPECT_EQ(id_of(bytes), before);
  bytes[bytes.size() - 65] ^= 1;  // the body's last byte
  EXPECT_NE(id_of(bytes), before);
}

TEST(Statement, EveryTruncationIsRefused) {
  ByteVector bytes = genesis();
  Statement statement;
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_NE(decode_statement(Bytes(bytes).first(size), &statement), Status::kOk) << size;
  bytes.push_back(0);
  EXPECT_EQ(decode_statement(bytes, &statement), Status::kInvalid);
  bytes.resize(limits::kStatementBytesMax + 1);
  EXPECT_EQ(decode_statement(bytes, &statement), Status::kTooLarge);
}

TEST(Statement, ParentsMustBeInOrderAndDifferent) {
  View view;
  std::array<StatementId, 2> same;
  same[0].raw.fill(1);
  same[1].raw.fill(1);
  ByteVector to(limits::kStatementBytesMax);
  EXPECT_EQ(build_retire(View::node(0), view.membership->mesh(), same, id(0), to).status(),
            Status::kInvalid);
  same[0].raw.fill(2);  // the builder sorts
  Result<size_t> size = build_retire(View::node(0), view.membership->mesh(), same, id(0), to);
  ASSERT_TRUE(size.ok());
  to.resize(size.value());
  Statement statement;
  ASSERT_EQ(decode_statement(to, &statement), Status::kOk);
  EXPECT_LT(statement.parents[0], statement.parents[1]);
  std::swap_ranges(to.begin() + 36, to.begin() + 68, to.begin() + 68);
  EXPECT_EQ(decode_statement(to, &statement), Status::kInvalid);
}

TEST(Statement, ANewerVersionIsUnsupportedNotInvalid) {
  ByteVector bytes = genesis();
  Statement statement;
  bytes[0] = 2;
  EXPECT_EQ(decode_statement(bytes, &statement), Status::kUnsupported);
  bytes[0] = 0;
  EXPECT_EQ(decode_statement(bytes, &statement), Status::kInvalid);
}

TEST(Statement, SettingsAreBounded) {
  GenesisBody body = sample_genesis();
  EXPECT_EQ(build(body), Status::kOk);
  body.settings.copies = 0;
  EXPECT_EQ(build(body), Status::kInvalid);
  body.settings.copies = limits::kCopiesMax;
  EXPECT_EQ(build(body), Status::kOk);
  body.settings.copies = limits::kCopiesMax + 1;
  EXPECT_EQ(build(body), Status::kTooLarge);
  body = sample_genesis();
  body.settings.chunk_bytes_max = limits::kChunkBytesMax + 1;
  EXPECT_EQ(build(body), Status::kTooLarge);
  body = sample_genesis();
  body.settings.chunk_bytes_average = body.settings.chunk_bytes_min;
  EXPECT_EQ(build(body), Status::kInvalid);
  body = sample_genesis();
  body.settings.compression = "line\nbreak";
  EXPECT_EQ(build(body), Status::kInvalid);
}

TEST(Statement, NamesAreBounded) {
  GenesisBody body = sample_genesis();
  body.mesh_name = "";
  EXPECT_EQ(build(body), Status::kInvalid);
  std::string name(limits::kNameBytesMax, 'n');
  body.mesh_name = name;
  EXPECT_EQ(build(body), Status::kOk);
  name.push_back('n');
  body.mesh_name = name;
  EXPECT_EQ(build(body), Status::kInvalid);
  IdentityCard bad;
  bad.name = "a/b";
  EXPECT_EQ(sign_card(key(0), &bad), Status::kInvalid);
}

TEST(Statement, ALargeKeyringFitsUpToTheLimit) {
  GenesisBody body = sample_genesis();
  ByteVector blob(limits::kStatementBytesMax);
  body.keyring = blob;
  EXPECT_EQ(build(body), Status::kTooLarge);
  body.keyring = Bytes(blob).first(7000);
  EXPECT_EQ(build(body), Status::kOk);
}

}  // namespace
}  // namespace drey::test
