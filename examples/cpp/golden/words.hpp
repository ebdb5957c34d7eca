// The words of a script, and what they stand for.

#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "peer_manager.hpp"

namespace golden {

namespace pm = peermanager;

// A script that is wrong.
class Wrong : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

// The names of enumerators, in the order of their numbers.
inline constexpr std::array kTypes = {"INBOUND", "OUTBOUND", "PREFERRED"};
inline constexpr std::array kBackoffs = {"HARD_RESET", "RESET", "INCREASE"};
inline constexpr std::array kDurabilities = {"COMMIT", "SYNC", "DEFERRED"};
inline constexpr std::array kPurposes = {"CONNECT", "FEELER"};
inline constexpr std::array kFilters = {"INBOUND_ONLY", "OUTBOUND_ONLY", "PREFERRED_ONLY",
                                        "ANY_OUTBOUND", "ANY",           "NOT_PREFERRED"};

// The words of an operation behind its name, which are taken one after the other. Each function that takes some throws
// Wrong when they are not what it reads, and pm::Error when the library refuses an address.
class Words {
public:
  Words(const std::string& text, char separator);

  bool empty() const { return next_ == words_.size(); }
  std::string next();
  // The text that is left, with its separators.
  std::string rest();
  // Takes a word if it stands for what is left out.
  bool nothing();

  template <class Number>
  Number number() {
    const std::string word = next();
    Number value{};
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size()) throw Wrong("no such number: " + word);
    return value;
  }

  template <class Enum, std::size_t n>
  Enum named(const std::array<const char*, n>& names) {
    const std::string word = next();
    const auto found = std::find(names.begin(), names.end(), word);
    if (found == names.end()) throw Wrong("no such name: " + word);
    return static_cast<Enum>(found - names.begin());
  }

  bool truth();
  pm::sys_seconds time();
  // Bytes in hex, or none.
  std::vector<std::uint8_t> hex();
  pm::Address address();
  std::vector<pm::Address> addresses();
  pm::Record record();
  // Filter, use next attempt and most failures.
  pm::Query query();
  // Further fields of a query, of those words that are left.
  void query_fields(pm::Query& query);
  // How a manager is opened; file is where its database is, if it is to have one.
  pm::Options options(const std::string& file);

private:
  using Setter = std::function<void(Words&)>;
  // Takes the words that are name=value out of those that are left.
  void fields(const std::map<std::string, Setter>& setters);

  char separator_;
  std::vector<std::string> words_;
  std::size_t next_ = 0;
};

}  // namespace golden
