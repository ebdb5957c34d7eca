// What the tests share. A check that fails is printed and counted, and the test goes on. None of this is assert():
// NDEBUG must not turn a test into nothing.

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "peer_manager.hpp"

namespace check {

namespace pm = peermanager;

// A test, which registers itself.
class Test {
public:
  Test(const char* name, void (*run)()) noexcept;
  const char* const name;
  void (*const run)();
  const Test* const next;
};

// Counts a check, and prints it when it does not hold.
bool that(bool holds, const char* expression, const char* file, int line, std::string_view detail = {});

// A failure with this status and a message that has this fragment in it and is one line.
void fails(const pm::Failure* failure, pm::Status status, std::string_view fragment, const char* call, const char* file,
           int line);

// The same of the throwing form.
template <class Function>
void throws(Function function, pm::Status status, std::string_view fragment, const char* call, const char* file,
            int line) {
  try {
    function();
    that(false, call, file, line, "it threw nothing");
  } catch (const pm::Error& error) {
    that(error.status() == status, call, file, line, error.what());
    that(std::string_view(error.what()).find(fragment) != std::string_view::npos, call, file, line, error.what());
  }
}

// A directory that goes away with the object.
class Directory {
public:
  Directory();
  ~Directory();
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  std::string file(const char* name) const { return (path_ / name).string(); }
  const std::filesystem::path& path() const { return path_; }

private:
  std::filesystem::path path_;
};

// The time that most tests begin at.
inline constexpr std::int64_t kNow = 1700000000;

inline pm::sys_seconds at(std::int64_t seconds) { return pm::sys_seconds(std::chrono::seconds(seconds)); }

inline pm::Address address(std::string_view text) { return pm::Address::parse(text, 11625); }

// A manager in memory whose clock stands still and whose choices repeat.
pm::Manager quiet_manager(std::int64_t now = kNow);

}  // namespace check

#define TEST(name)                                         \
  static void name();                                      \
  static const check::Test name##_registered(#name, name); \
  static void name()

#define CHECK(...) check::that(static_cast<bool>(__VA_ARGS__), #__VA_ARGS__, __FILE__, __LINE__)

// The expression, a Result, is a failure.
#define FAILS(status, fragment, ...)                                                                                   \
  do {                                                                                                                 \
    const auto& check_result = (__VA_ARGS__);                                                                          \
    check::fails(check_result.has_value() ? nullptr : &check_result.error(), status, fragment, #__VA_ARGS__, __FILE__, \
                 __LINE__);                                                                                            \
  } while (false)

// The expression throws an Error.
#define THROWS(status, fragment, ...) \
  check::throws([&] { static_cast<void>(__VA_ARGS__); }, status, fragment, #__VA_ARGS__, __FILE__, __LINE__)
