/**
 * @file snapshot.hpp
 * @brief Snapshot, all peers as they were at one point in time. Include peer_manager.hpp.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#pragma once

#include <cstddef>
#include <iterator>
#include <utility>
#include <vector>

#include "values.hpp"

#if defined(__clang__)
#define PEER_MANAGER_LIFETIMEBOUND [[clang::lifetimebound]]
#else
#define PEER_MANAGER_LIFETIMEBOUND
#endif

namespace peermanager {

/** All peers as they were at one point in time, in no particular order; made by Manager::get_all_peers. It may outlive
 * its manager, and can be moved, not copied. One thread at a time. */
class Snapshot {
public:
  /** Reads the records one after the other; random access, each by value. It stays valid when the snapshot is moved. */
  class Iterator {
  public:
    /** A record for the time of one expression. */
    class Arrow {
    public:
      /** The record. */
      const Record* operator->() const noexcept { return &record_; }

    private:
      friend class Iterator;
      explicit Arrow(const Record& record) noexcept : record_(record) {}
      Record record_;
    };

    /** What the standard library asks of an iterator. A reference is a value, so under C++17 it is an input iterator;
     * for the ranges of C++20 it is a random access iterator. @{ */
    using value_type = Record;
    using difference_type = std::ptrdiff_t;
    using pointer = Arrow;
    using reference = Record;
    using iterator_category = std::input_iterator_tag;
#if defined(__cpp_lib_ranges)
    using iterator_concept = std::random_access_iterator_tag;
#endif

    Iterator() noexcept = default;
    [[nodiscard]] Record operator*() const noexcept {
      peer_manager_record record;
      const auto index = static_cast<std::size_t>(index_);
      return peer_manager_snapshot_get(handle_, index, &record, nullptr) == PEER_MANAGER_OK ? Record::from_c(record)
                                                                                            : Record();
    }
    [[nodiscard]] Arrow operator->() const noexcept { return Arrow(**this); }
    [[nodiscard]] Record operator[](difference_type n) const noexcept { return *(*this + n); }

    Iterator& operator++() noexcept { return *this += 1; }
    Iterator& operator--() noexcept { return *this += -1; }
    Iterator operator++(int) noexcept { return std::exchange(*this, *this + 1); }
    Iterator operator--(int) noexcept { return std::exchange(*this, *this - 1); }
    Iterator& operator+=(difference_type n) noexcept { return index_ += n, *this; }
    Iterator& operator-=(difference_type n) noexcept { return index_ -= n, *this; }
    [[nodiscard]] friend Iterator operator+(Iterator a, difference_type n) noexcept { return a += n; }
    [[nodiscard]] friend Iterator operator+(difference_type n, Iterator a) noexcept { return a += n; }
    [[nodiscard]] friend Iterator operator-(Iterator a, difference_type n) noexcept { return a -= n; }
    [[nodiscard]] friend difference_type operator-(const Iterator& a, const Iterator& b) noexcept {
      return a.index_ - b.index_;
    }
    [[nodiscard]] friend bool operator==(const Iterator& a, const Iterator& b) noexcept { return a.index_ == b.index_; }
    [[nodiscard]] friend bool operator!=(const Iterator& a, const Iterator& b) noexcept { return a.index_ != b.index_; }
    [[nodiscard]] friend bool operator<(const Iterator& a, const Iterator& b) noexcept { return a.index_ < b.index_; }
    [[nodiscard]] friend bool operator>(const Iterator& a, const Iterator& b) noexcept { return a.index_ > b.index_; }
    [[nodiscard]] friend bool operator<=(const Iterator& a, const Iterator& b) noexcept { return a.index_ <= b.index_; }
    [[nodiscard]] friend bool operator>=(const Iterator& a, const Iterator& b) noexcept { return a.index_ >= b.index_; }
    /** @} */

  private:
    friend class Snapshot;
    Iterator(const peer_manager_snapshot* handle, std::size_t index) noexcept
        : handle_(handle), index_(static_cast<difference_type>(index)) {}

    const peer_manager_snapshot* handle_ = nullptr;
    difference_type index_ = 0;
  };

  /** What the standard library asks of a container. @{ */
  using value_type = Record;
  using const_iterator = Iterator;
  using iterator = Iterator;
  /** @} */

  /** No peers. */
  Snapshot() noexcept = default;
  /** Takes over a handle of C, and frees it. */
  explicit Snapshot(peer_manager_snapshot* handle) noexcept : handle_(handle) {}
  /** Takes over the peers; the other snapshot has none afterwards. @{ */
  Snapshot(Snapshot&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Snapshot& operator=(Snapshot&& other) noexcept {
    Snapshot(std::move(other)).swap(*this);
    return *this;
  }
  /** @} */
  ~Snapshot() { peer_manager_snapshot_free(handle_); }

  /** The number of peers. */
  [[nodiscard]] std::size_t size() const noexcept { return peer_manager_snapshot_count(handle_); }
  /** Whether there are none. */
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  /** The first peer. */
  [[nodiscard]] Iterator begin() const noexcept PEER_MANAGER_LIFETIMEBOUND { return {handle_, 0}; }
  /** Past the last peer. */
  [[nodiscard]] Iterator end() const noexcept PEER_MANAGER_LIFETIMEBOUND { return {handle_, size()}; }

  /** One peer; InvalidArgument for an index past the end. */
  [[nodiscard]] Result<Record> try_get(std::size_t index) const noexcept {
    peer_manager_record record;
    peer_manager_error error;
    if (peer_manager_snapshot_get(handle_, index, &record, &error) != PEER_MANAGER_OK) return Failure(error);
    return Record::from_c(record);
  }
  /** The history of the peer that try_get returns; Unsupported if its manager keeps none (Options::keep_history). */
  [[nodiscard]] Result<History> try_history(std::size_t index) const noexcept {
    peer_manager_history history;
    peer_manager_error error;
    if (peer_manager_snapshot_get_history(handle_, index, &history, &error) != PEER_MANAGER_OK) return Failure(error);
    return History::from_c(history);
  }
  /** The bytes that go with the peer that try_get returns; none if there are none. */
  [[nodiscard]] Result<std::vector<std::uint8_t>> try_data(std::size_t index) const {
    std::uint8_t data[data_capacity];
    std::size_t size = 0;
    peer_manager_error error;
    if (peer_manager_snapshot_get_data(handle_, index, data, sizeof data, &size, &error) != PEER_MANAGER_OK)
      return Failure(error);
    return std::vector<std::uint8_t>(data, data + size);
  }
#if defined(__cpp_exceptions)
  /** try_data, or throws. */
  [[nodiscard]] std::vector<std::uint8_t> data(std::size_t index) const { return try_data(index).value(); }
  /** try_history, or throws. */
  [[nodiscard]] History history(std::size_t index) const { return try_history(index).value(); }
  /** try_get, or throws. */
  [[nodiscard]] Record get(std::size_t index) const { return try_get(index).value(); }
  /** try_get, or throws. */
  [[nodiscard]] Record operator[](std::size_t index) const { return get(index); }
#endif

  /** Exchanges two snapshots. */
  void swap(Snapshot& other) noexcept { std::swap(handle_, other.handle_); }
  /** The handle of C, which this snapshot goes on owning. */
  [[nodiscard]] const peer_manager_snapshot* c_get() const noexcept { return handle_; }

private:
  peer_manager_snapshot* handle_ = nullptr;
};

}  // namespace peermanager

#undef PEER_MANAGER_LIFETIMEBOUND
