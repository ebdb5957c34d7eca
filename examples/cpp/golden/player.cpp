#include "player.hpp"

#include <utility>

namespace golden {

std::string Player::play(const std::string& line) {
  const std::string sorted = "sorted ";
  const bool is_sorted = line.compare(0, sorted.size(), sorted) == 0;
  std::string text;
  try {
    Lines printed = operate(is_sorted ? line.substr(sorted.size()) : line);
    if (is_sorted) std::sort(printed.begin(), printed.end());
    for (const std::string& one : printed) text += "  " + one + '\n';
  } catch (const pm::Error& error) {
    text = "  error " + std::string(pm::status_name(error.status())) + ": " + error.what() + '\n';
  }
  return text;
}

Lines Player::operate(const std::string& line) {
  const std::size_t space = line.find(' ');
  const std::string operation = line.substr(0, space);
  Words words(space == std::string::npos ? std::string() : line.substr(space + 1), ' ');
  Lines printed;
  if (!change_the_world(operation, words, printed)) {
    Operation known = nullptr;
    for (const auto* operations : {&changes(), &policies(), &answers()}) {
      const auto found = operations->find(operation);
      if (found != operations->end()) known = found->second;
    }
    if (known == nullptr) throw Wrong("no such operation: " + line);
    if (!peers_) throw Wrong("no manager is open: " + line);
    printed = known(peers_, words);
  }
  if (!words.empty()) throw Wrong("a word is too much: " + line);
  return printed;
}

// The operations that need no manager; false for any other.
bool Player::change_the_world(const std::string& operation, Words& words, Lines& printed) {
  if (operation == "clock") {
    now_ = words.time();
  } else if (operation == "new_file") {
    ++file_;
  } else if (operation == "open") {
    pm::Options options = words.options((directory_ / ("peers-" + std::to_string(file_) + ".db")).string());
    options.clock = [this] { return now_; };
    peers_ = pm::Manager::open(options);
  } else if (operation == "close") {
    peers_.close();
  } else if (operation == "address") {
    const pm::Address parsed = pm::Address::parse(words.rest());
    printed = {parsed.to_string() + (parsed.is_private() ? " private" : " public")};
  } else {
    return false;
  }
  return true;
}

}  // namespace golden
