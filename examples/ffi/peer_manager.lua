-- The library for LuaJIT: the compiler preprocesses the header, and ffi.cdef takes it as it is.
-- HEADER names peer_manager.h, if it is not in ../../include, and CC the compiler.

local ffi = require("ffi")

local here = debug.getinfo(1, "S").source:match("^@(.*/)") or ""
local header = os.getenv("HEADER") or here .. "../../include/peer_manager.h"
local function preprocessed(options)
  local pipe = assert(io.popen((os.getenv("CC") or "cc") .. " -E " .. options .. " '" .. header .. "'"))
  local output = pipe:read("*a")
  pipe:close()
  return output
end

ffi.cdef(preprocessed("-P"))
local lib = ffi.load("peer_manager")
local PM = {lib = lib} -- and the constants, which are macros with numbers as values
for name, number in preprocessed("-dM"):gmatch("#define PEER_MANAGER_([%w_]+) (%d+)\n") do PM[name] = tonumber(number) end

-- A call that can fail, with the error as its last argument: raises a table that prints as one line.
local Error = {__tostring = function(e) return "error " .. e.name .. ": " .. e.message end}
function PM.call(name, ...)
  local arguments, count, of_c = {...}, select("#", ...) + 1, ffi.new("peer_manager_error")
  arguments[count] = of_c -- some of the others may be nil
  local status = lib["peer_manager_" .. name](unpack(arguments, 1, count))
  if status ~= PM.OK then
    error(setmetatable({status = status, name = ffi.string(lib.peer_manager_status_name(status)),
                        message = ffi.string(of_c.message)}, Error))
  end
end

function PM.parse(text, default_port)
  assert(not text:find("%z"), "the text contains a NUL; leave it out")
  local address = ffi.new("peer_manager_address")
  PM.call("address_parse", text, default_port or 0, address)
  return address
end

function PM.text(address)
  local buffer = ffi.new("char[?]", PM.ADDRESS_TEXT_CAPACITY)
  PM.call("address_format", address, buffer, PM.ADDRESS_TEXT_CAPACITY)
  return ffi.string(buffer)
end

return PM
