// Carries out the operations of a script.

#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "words.hpp"

namespace golden {

// What an operation prints.
using Lines = std::vector<std::string>;

// An operation on the manager that is open.
using Operation = Lines (*)(pm::Manager& peers, Words& words);

// The operations by their names: those that change peers, those about whom the node refuses and what it knows of
// itself, and those that look at peers and choose among them.
const std::map<std::string, Operation>& changes();
const std::map<std::string, Operation>& policies();
const std::map<std::string, Operation>& answers();

// The world of a script: its clock, its files, and the one manager that it has at a time.
class Player {
public:
  explicit Player(std::filesystem::path directory) : directory_(std::move(directory)) {}

  // What the transcript says of an operation: an error of the library's, too. Throws Wrong when the script is wrong.
  std::string play(const std::string& line);

private:
  Lines operate(const std::string& line);
  bool change_the_world(const std::string& operation, Words& words, Lines& printed);

  std::filesystem::path directory_;
  int file_ = 0;  // which of its files "open file" opens
  pm::sys_seconds now_{};
  pm::Manager peers_;
};

}  // namespace golden
