// The lists of addresses that the node in miniature reads and writes.

#include "../lists.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

#include "check.hpp"

namespace {

using namespace peermanager;

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  CHECK(file);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

std::string exported(const Manager& peers) {
  const check::Directory directory;
  export_peers(peers, directory.file("list.txt"));
  return read(directory.file("list.txt"));
}

template <class Function>
void fails_on(const std::string& path, Function function) {
  std::string message;
  try {
    function(path);
  } catch (const std::runtime_error& error) {
    message = error.what();
  }
  CHECK(message.find(path) != std::string::npos && message.find('\n') == std::string::npos);
}

TEST(what_is_exported_is_what_the_other_languages_export) {
  Manager peers = check::quiet_manager();
  std::ostringstream report;
  const Imported done = import_peers(peers, "../peers.txt", 2, report);
  CHECK(done.read == 33 && done.added == 31 && done.bad == 3);
  CHECK(exported(peers) == read("../golden/peers.txt"));
  CHECK(peers.get_stats().preferred == 2);
}

TEST(a_list_comes_back_as_it_went) {
  const check::Directory directory;
  Manager peers = check::quiet_manager();
  CHECK(exported(peers).empty());
  for (const char* text : {"1.2.3.4:5", "example.org:6", "[2001:db8::1]:7"}) peers.ensure_exists(Address::parse(text));
  export_peers(peers, directory.file("list.txt"));
  Manager others = check::quiet_manager();
  std::ostringstream report;
  CHECK(import_peers(others, directory.file("list.txt"), 0, report).added == 3);
  CHECK(report.str().empty() && exported(others) == exported(peers));
}

TEST(lines_that_are_no_address_are_reported_and_skipped) {
  const check::Directory directory;
  const std::string list = directory.file("list.txt");
  Manager peers = check::quiet_manager();
  using namespace std::string_literals;
  write(list, "# a comment\r\n\r\n1.2.3\n \t1.2.3.4 \r\n" + std::string(1000000, 'x') +
                  "\n\xff\xfe\n1.2.3.5\0\n  # another\n1.2.3.4:11625\nexample.org:1"s);
  std::ostringstream report;
  const Imported done = import_peers(peers, list, 0, report);
  CHECK(done.read == 3 && done.added == 2 && done.bad == 4);
  CHECK(exported(peers) == "1.2.3.4:11625\nexample.org:1\n");
  const std::string said = report.str();
  CHECK(std::count(said.begin(), said.end(), '\n') == 4 && said.size() < 4000);
  for (const char* number : {":3: ", ":5: ", ":6: ", ":7: "}) CHECK(said.find(list + number) != std::string::npos);
}

TEST(a_list_that_cannot_be_read_or_written_is_an_error) {
  const check::Directory directory;
  const std::string link = directory.file("link");
  const std::string nowhere = directory.file("none/list.txt");
  std::filesystem::create_symlink("/dev/null", link);
  Manager peers = check::quiet_manager();
  std::ostringstream report;
  for (const std::string& path : {directory.path().string(), nowhere})
    fails_on(path, [&](const std::string& file) { import_peers(peers, file, 0, report); });
  for (const std::string& path : {directory.path().string(), link, nowhere})
    fails_on(path, [&](const std::string& file) { export_peers(peers, file); });
  CHECK(std::distance(std::filesystem::directory_iterator(directory.path()), {}) == 1);
}

TEST(an_old_list_is_replaced) {
  const check::Directory directory;
  const std::string list = directory.file("list.txt");
  write(list, "old\n");
  Manager peers = check::quiet_manager();
  peers.ensure_exists(Address::parse("1.2.3.4:5"));
  export_peers(peers, list);
  CHECK(read(list) == "1.2.3.4:5\n");
  CHECK(std::distance(std::filesystem::directory_iterator(directory.path()), {}) == 1);
}

}  // namespace
