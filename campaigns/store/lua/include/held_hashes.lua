-- Hashes that a call reads once and writes once, however often it looks at their fields. Only where a hash is held do
-- these functions differ from the commands whose names they bear.

-- What is held: key → `now` (field → value, false for one that is gone), and the fields that are yet to be written.
local held_hashes = {}

-- Reads a hash of few fields, and holds its changes back until `write_hash`.
local function hold_hash(key)
  local fields, found = {}, redis.call('HGETALL', key)
  for i = 1, #found, 2 do fields[found[i]] = found[i + 1] end
  held_hashes[key] = {now = fields, changed = {}}
end

-- Writes what has changed in a held hash, which is held no more.
local function write_hash(key)
  local held, set, gone = held_hashes[key], {}, {}
  held_hashes[key] = nil
  for field in pairs(held.changed) do
    if held.now[field] then
      set[#set + 1] = field
      set[#set + 1] = held.now[field]
    else
      gone[#gone + 1] = field
    end
  end
  if #set > 0 then redis.call('HSET', key, unpack(set)) end
  if #gone > 0 then redis.call('HDEL', key, unpack(gone)) end
end

-- Holds a hash no more, and writes nothing of what has changed.
local function forget_hash(key) held_hashes[key] = nil end

-- The values of fields, each false where there is none.
local function hmget(key, ...)
  local held = held_hashes[key]
  if not held then return redis.call('HMGET', key, ...) end
  local values = {}
  for i, field in ipairs({...}) do values[i] = held.now[field] or false end
  return values
end

-- The value of one field, or false.
local function hget(key, field)
  local held = held_hashes[key]
  if not held then return redis.call('HGET', key, field) end
  return held.now[field] or false
end

-- Sets fields: field, value, ...
local function hset(key, ...)
  local held = held_hashes[key]
  if not held then return redis.call('HSET', key, ...) end
  local pairs_given = {...}
  for i = 1, #pairs_given, 2 do
    local value = pairs_given[i + 1]
    held.now[pairs_given[i]] = type(value) == 'number' and string.format('%.17g', value) or value
    held.changed[pairs_given[i]] = true
  end
end

-- Raises a whole number, and returns what it is now.
local function hincrby(key, field, by)
  local held = held_hashes[key]
  if not held then return redis.call('HINCRBY', key, field, by) end
  local number = tonumber(held.now[field] or '0') + by
  hset(key, field, number)
  return number
end

-- Drops fields.
local function hdel(key, ...)
  local held = held_hashes[key]
  if not held then return redis.call('HDEL', key, ...) end
  for _, field in ipairs({...}) do
    if held.now[field] then held.now[field], held.changed[field] = nil, true end
  end
end
