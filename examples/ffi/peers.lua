-- The program of peers.c in Lua.
--
--   luajit peers.lua DATABASE

package.path = arg[0]:gsub("[^/]*$", "") .. "?.lua;" .. package.path
local ffi, PM = require("ffi"), require("peer_manager")
local call, lib, parse, text = PM.call, PM.lib, PM.parse, PM.text

local database = arg[1] or "peers.db" -- a Lua string stays where it is as long as it is held
local options = ffi.new("peer_manager_options")
lib.peer_manager_options_init(options, ffi.sizeof(options))
options.db_path, options.has_rng_seed, options.rng_seed = database, 1, 42 -- a real node leaves the seed alone
local out = ffi.new("peer_manager *[1]")
call("open", options, out)
local peers = ffi.gc(out[0], lib.peer_manager_free)

local heard, count = ffi.new("peer_manager_address[16]"), ffi.new("size_t[1]")
for i = 0, 15 do heard[i] = parse("8." .. i .. ".4.4", 11625 + i) end
call("ensure_exists_many", peers, heard, 16, count)
print("heard of " .. tonumber(count[0]) .. " new peers")

local dial, record = ffi.new("peer_manager_address[6]"), ffi.new("peer_manager_record")
call("next_to_dial", peers, PM.DIAL_CONNECT, nil, 0, 6, dial, count)
for i = 0, tonumber(count[0]) - 1 do
  if dial[i].port % 3 ~= 0 then -- it answered
    call("update", peers, dial[i], PM.TYPE_OUTBOUND, 0, PM.BACKOFF_RESET)
  else
    call("update_backoff", peers, dial[i], PM.BACKOFF_INCREASE)
  end
  call("load", peers, dial[i], record)
  print(("dialled %s: type %d, failures %d"):format(text(record.address), record.peer_type, record.num_failures))
end
local told = ffi.new("peer_manager_address[4]")
call("get_peers_to_send", peers, nil, dial[0], 4, told, count)
for i = 0, tonumber(count[0]) - 1 do print("told " .. text(told[i])) end

local stats = ffi.new("peer_manager_stats")
lib.peer_manager_stats_init(stats, ffi.sizeof(stats))
call("get_stats", peers, stats)
print(("%d peers, %d outbound"):format(tonumber(stats.peers), tonumber(stats.outbound)))

for _, wrong in ipairs({
  function() parse("256.1.1.1:80") end,
  function() call("load", peers, parse("1.1.1.1:1"), record) end,
}) do
  local _, problem = pcall(wrong)
  print(tostring(problem))
end
lib.peer_manager_free(ffi.gc(peers, nil)) -- at once, rather than with the garbage
