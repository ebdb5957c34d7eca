#include "lists.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <string_view>
#include <system_error>
#include <vector>

namespace {

using namespace peermanager;

constexpr std::uint16_t kDefaultPort = 11625;

[[noreturn]] void fail(const char* what, const std::string& path) {
  throw std::system_error(errno, std::generic_category(), std::string("cannot ") + what + " \"" + path + '"');
}

std::string_view trim(std::string_view line) {
  constexpr std::string_view white = " \t\r";
  const std::size_t begin = line.find_first_not_of(white);
  return begin == std::string_view::npos ? std::string_view()
                                         : line.substr(begin, line.find_last_not_of(white) - begin + 1);
}

// Whether all of it is on the disk; errno says why not.
bool write_new_file(const std::string& path, const std::vector<std::string>& lines) {
  std::FILE* const file = std::fopen(path.c_str(), "wx");
  if (file == nullptr) return false;
  bool ok = true;
  for (const std::string& line : lines) ok = ok && std::fwrite(line.data(), 1, line.size(), file) == line.size();
  ok = ok && std::fflush(file) == 0 && fsync(fileno(file)) == 0;
  const int reason = errno;
  const bool closed = std::fclose(file) == 0;
  if (!ok) errno = reason;
  return ok && closed;
}

}  // namespace

Imported import_peers(Manager& peers, const std::string& path, std::size_t preferred, std::ostream& report) {
  Imported done;
  std::vector<Address> addresses;
  // Not every standard library says so when it reads.
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    errno = EISDIR;
    fail("read", path);
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) fail("read", path);
  std::string line;
  for (std::size_t number = 1; std::getline(file, line); ++number) {
    const std::string_view text = trim(line);
    if (text.empty() || text.front() == '#') continue;
    const auto address = Address::try_parse(text, kDefaultPort);
    if (address) {
      addresses.push_back(*address);
    } else {
      report << path << ':' << number << ": " << address.error().message() << '\n';
      ++done.bad;
    }
  }
  if (file.bad()) fail("read", path);
  done.read = addresses.size();
  done.added = peers.ensure_exists_many(addresses);
  addresses.resize(std::min(preferred, addresses.size()));
  for (const Address& address : addresses) peers.update_type(address, PeerType::Preferred, true);
  return done;
}

void export_peers(const Manager& peers, const std::string& path) {
  std::error_code ignored;
  const std::filesystem::file_status found = std::filesystem::symlink_status(path, ignored);
  if (std::filesystem::exists(found) && !std::filesystem::is_regular_file(found))
    throw std::runtime_error("cannot write \"" + path + "\": it is there and no regular file; give another path");
  std::vector<std::string> lines;
  for (const Record& record : peers.get_all_peers()) lines.push_back(record.address.to_string() + '\n');
  std::sort(lines.begin(), lines.end());
  const std::string temporary = path + ".tmp-" + std::to_string(getpid());
  if (write_new_file(temporary, lines) && std::rename(temporary.c_str(), path.c_str()) == 0) return;
  const int reason = errno;
  if (reason != EEXIST) unlink(temporary.c_str());  // otherwise it is somebody else's
  errno = reason;
  fail("write", path);
}
