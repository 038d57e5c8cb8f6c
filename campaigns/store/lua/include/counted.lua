-- Messages that are counted for the frequency cap. A key holds them for 10,000 neighbouring numbers, as sections of one
-- day each: day, number of messages, and for each message the last four digits of its phone. All are two bytes long.

-- The sections of a key, as {day, digits}, but for those before the day `oldest`.
local function sections_of(key, oldest)
  local raw, found, at = redis.call('GET', key) or '', {}, 1
  while at <= #raw do
    local day, number = struct.unpack('>HH', raw, at)
    local after = at + 4 + 2 * number
    if day >= oldest then found[#found + 1] = {day, string.sub(raw, at + 4, after - 1)} end
    at = after
  end
  return found
end

-- Writes the sections of a key, which lives for `life` ms.
local function store_sections(key, sections, life)
  local parts = {}
  for _, section in ipairs(sections) do
    local digits = section[2]
    for first = 1, #digits, 2 * 65535 do
      local some = string.sub(digits, first, first + 2 * 65535 - 1)
      parts[#parts + 1] = struct.pack('>HH', section[1], #some / 2) .. some
    end
  end
  if #parts == 0 then redis.call('DEL', key)
  else redis.call('SET', key, table.concat(parts), 'PX', life) end
end

-- Where a phone stands in the digits of a section, at or after `at`; nil if nowhere.
local function place_of(digits, phone, at)
  local found = string.find(digits, phone, at, true)
  while found and found % 2 == 0 do found = string.find(digits, phone, found + 1, true) end
  return found
end

-- How many messages of a phone a section holds.
local function times_in(digits, phone)
  local times, found = 0, place_of(digits, phone, 1)
  while found do
    times = times + 1
    found = place_of(digits, phone, found + 2)
  end
  return times
end

-- Removes a message of a phone from the sections of a day.
local function remove_one(sections, day, phone)
  for _, section in ipairs(sections) do
    local found = section[1] == day and place_of(section[2], phone, 1)
    if found then
      section[2] = string.sub(section[2], 1, found - 1) .. string.sub(section[2], found + 2)
      return
    end
  end
end

-- Adds a message of a phone to the sections of a day.
local function add_one(sections, day, phone)
  for _, section in ipairs(sections) do
    if section[1] == day then
      section[2] = section[2] .. phone
      return
    end
  end
  sections[#sections + 1] = {day, phone}
end

-- Whether one more message of a phone on a day keeps to all limits, each as {messages, days}.
local function allowed(sections, day, phone, limits)
  for _, limit in ipairs(limits) do
    local times = 0
    for _, section in ipairs(sections) do
      if section[1] > day - limit[2] then times = times + times_in(section[2], phone) end
    end
    if times >= limit[1] then return false end
  end
  return true
end
