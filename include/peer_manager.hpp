/**
 * @file peer_manager.hpp
 * @brief The C++ interface to peer_manager.h, for C++17 and later: header only, in namespace peermanager (peer_manager
 * is a type of the C header, so no namespace can have that name).
 *
 * @code
 * #include <peer_manager.hpp>
 * #include <iostream>
 *
 * int main() {
 *   auto peers = peermanager::Manager::open("peers.db");
 *   peers.ensure_exists(peermanager::Address::parse("core-live-a.stellar.org:11625"));
 *   for (const auto& peer : peers.next_to_dial(peermanager::Purpose::Connect, {}, 8)) {
 *     std::cout << "dial " << peer << '\n';
 *     peers.update_backoff(peer, peermanager::Backoff::Increase);  // no answer
 *   }
 * }
 * @endcode
 *
 * - **Errors.** Each function that can fail has two forms. `f` throws peermanager::Error; `try_f` returns a Result and
 *   throws nothing but std::bad_alloc, and is noexcept where it does not allocate. Without exceptions (-fno-exceptions)
 *   only the second form exists. A call that failed has done nothing, except one that failed because the clock threw
 *   (Options::clock). A Result is a std::expected for all standards: value_or, and_then, transform, or_else.
 * - **Ownership.** Manager and Snapshot own a handle and can be moved, not copied. Everything else is a value.
 * - **Values** are compared, ordered, hashed and printed: ==, <=> (in C++17 <), std::hash, operator<<, std::format.
 * - **Temporaries.** What is read of a temporary Result is a value, so a loop over it does not dangle. Where a view of
 *   a temporary would dangle, clang warns.
 * - **Text** is a std::string_view of UTF-8; a NUL inside is an error. **Time** is a sys_seconds.
 * - **Threads** as in C: any number may use a Manager, one at a time a Snapshot; one thread moves, closes and destroys
 *   a Manager, while no other uses it.
 *
 * peer_manager.h documents each call in full: what it does, when it fails, what it costs.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#pragma once

#include "peer_manager/address.hpp"
#include "peer_manager/enums.hpp"
#include "peer_manager/error.hpp"
#include "peer_manager/manager.hpp"
#include "peer_manager/options.hpp"
#include "peer_manager/query.hpp"
#include "peer_manager/result.hpp"
#include "peer_manager/snapshot.hpp"
#include "peer_manager/span.hpp"
#include "peer_manager/text.hpp"
#include "peer_manager/values.hpp"
