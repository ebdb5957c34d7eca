// Plays a script through the C++ interface and prints the transcript: see ../../golden/README.md.
//
//   golden SCRIPT

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "player.hpp"

namespace {

const std::string kOperation = "> ";  // before an operation in a transcript
const std::string kPrinted = "  ";    // before what an operation printed

bool begins_with(const std::string& text, const std::string& beginning) {
  return text.compare(0, beginning.size(), beginning) == 0;
}

bool is_passed_over(const std::string& line) { return line.empty() || line[0] == '#'; }

// A script is a transcript if the first line that is neither empty nor a comment begins as operations do there. Then
// what was printed is passed over, and comments and empty lines are printed as they are: so a player prints the
// transcript that it is given.
void play_all(const char* script, const std::filesystem::path& directory) {
  std::ifstream file(script);
  if (!file) throw std::runtime_error(std::string("cannot open ") + script);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  const auto first = std::find_if_not(lines.begin(), lines.end(), is_passed_over);
  const bool is_transcript = first != lines.end() && begins_with(*first, kOperation);

  golden::Player player(directory);
  for (const std::string& line : lines) {
    if (is_passed_over(line)) {
      if (is_transcript) std::cout << line << '\n';
      continue;
    }
    std::string operation = line;
    if (is_transcript) {
      if (begins_with(line, kPrinted)) continue;
      if (!begins_with(line, kOperation)) throw golden::Wrong("no operation: " + line);
      operation.erase(0, kOperation.size());
    }
    std::cout << kOperation << operation << '\n' << player.play(operation);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: golden SCRIPT\n", stderr);
    return 2;
  }
  std::string directory = (std::filesystem::temp_directory_path() / "peer_manager-XXXXXX").string();
  if (mkdtemp(directory.data()) == nullptr) {
    std::perror("golden: cannot make a temporary directory");
    return EXIT_FAILURE;
  }
  int code = EXIT_SUCCESS;
  try {
    play_all(argv[1], directory);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "golden: %s\n", error.what());
    code = EXIT_FAILURE;
  }
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
  return std::cout.flush() ? code : EXIT_FAILURE;
}
