// Runs all tests that are linked in.

#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <system_error>

#include "check.hpp"

namespace check {

namespace {

const Test* first_test = nullptr;
std::atomic<int> checks{0};
std::atomic<int> failures{0};

}  // namespace

Test::Test(const char* test_name, void (*function)()) noexcept : name(test_name), run(function), next(first_test) {
  first_test = this;
}

bool that(bool holds, const char* expression, const char* file, int line, std::string_view detail) {
  ++checks;
  if (holds) return true;
  ++failures;
  std::fprintf(stderr, "%s:%d: failed: %s\n", file, line, expression);
  if (!detail.empty()) std::fprintf(stderr, "  %.*s\n", static_cast<int>(detail.size()), detail.data());
  return false;
}

void fails(const pm::Failure* failure, pm::Status status, std::string_view fragment, const char* call, const char* file,
           int line) {
  if (failure == nullptr) {
    that(false, call, file, line, "it succeeded");
    return;
  }
  const std::string_view message = failure->message();
  that(failure->status() == status, call, file, line, message);
  that(!message.empty() && message.find('\n') == std::string_view::npos, call, file, line, message);
  that(message.find(fragment) != std::string_view::npos, call, file, line, message);
}

Directory::Directory() {
  std::string name = (std::filesystem::temp_directory_path() / "peer_manager-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::system_error(errno, std::generic_category(), "mkdtemp " + name);
  path_ = name;
}

Directory::~Directory() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
  that(!error, "the temporary directory goes away", __FILE__, __LINE__, error.message());
}

pm::Manager quiet_manager(std::int64_t now) {
  pm::Options options;
  options.rng_seed = 1;
  options.clock = [now] { return at(now); };
  return pm::Manager::open(options);
}

}  // namespace check

int main() {
  int tests = 0;
  for (const check::Test* test = check::first_test; test != nullptr; test = test->next, ++tests) {
    const int failures_before = check::failures;
    const int checks_before = check::checks;
    try {
      test->run();
    } catch (const std::exception& error) {
      check::that(false, test->name, __FILE__, __LINE__, error.what());
    }
    if (check::checks == checks_before) check::that(false, "a test checks something", __FILE__, __LINE__, test->name);
    if (check::failures != failures_before) std::fprintf(stderr, "FAILED %s\n", test->name);
  }
  std::printf("%d tests, %d checks, %d failures\n", tests, check::checks.load(), check::failures.load());
  return check::failures == 0 && check::checks > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
