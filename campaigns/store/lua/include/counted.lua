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

-- For at least this number of phones, one pass over a section is faster than a search for each of them.
local MANY = 50

-- The phones of `digits` by the number that their two bytes are, and how many messages those are.
local function phones_in(digits)
  local found = {}
  for at = 1, #digits, 2 do
    local high, low = string.byte(digits, at, at + 1)
    found[high * 256 + low] = string.sub(digits, at, at + 1)
  end
  return found, #digits / 2
end

-- Adds to `times`, by phone, how many messages of each of `phones` a section holds. `number`: of the phones.
local function add_times(times, digits, phones, number)
  if number < MANY then
    for _, phone in pairs(phones) do times[phone] = (times[phone] or 0) + times_in(digits, phone) end
    return
  end
  for first = 1, #digits, 1000 do
    local bytes = {string.byte(digits, first, first + 999)}
    for at = 1, #bytes, 2 do
      local phone = phones[bytes[at] * 256 + bytes[at + 1]]
      if phone then times[phone] = (times[phone] or 0) + 1 end
    end
  end
end

-- What the messages of a day count for: the tables of `counts`, and a name that days alike in this have in common.
local function uses_of(counts, of_day)
  local uses, name = {}, ''
  if of_day == counts.on then uses, name = {counts.on_day}, 'on' end
  for i, limit in ipairs(counts.limits) do
    if of_day > counts.day - limit[2] then uses[#uses + 1], name = counts.within[i], name .. ' ' .. i end
  end
  return uses, name
end

-- What is counted of the phones in `digits`, for the functions below. `on`: the day from which messages are removed;
-- `day`: that to which they are added; both may be nil. `limits`: what is allowed then, each as {messages, days}.
local function counts_of(sections, digits, on, day, limits)
  local counts = {on = on, day = day, limits = limits, on_day = {}, within = {}, removed = {}, removals = 0,
    added = {}}
  for i = 1, #limits do counts.within[i] = {} end
  local phones, number = phones_in(digits)
  local alike = {}
  for _, section in ipairs(sections) do
    local uses, name = uses_of(counts, section[1])
    if #uses > 0 then
      alike[name] = alike[name] or {uses = uses, times = {}}
      add_times(alike[name].times, section[2], phones, number)
    end
  end
  for _, of in pairs(alike) do
    for _, times in ipairs(of.uses) do
      for phone, more in pairs(of.times) do times[phone] = (times[phone] or 0) + more end
    end
  end
  return counts
end

-- Changes what is counted of a phone on a day by `change`.
local function change_counts(counts, of_day, phone, change)
  for _, times in ipairs((uses_of(counts, of_day))) do times[phone] = (times[phone] or 0) + change end
end

-- Removes a message of a phone, if there is one.
local function remove_one(counts, phone)
  if (counts.on_day[phone] or 0) == 0 then return end
  counts.removed[phone], counts.removals = (counts.removed[phone] or 0) + 1, counts.removals + 1
  change_counts(counts, counts.on, phone, -1)
end

-- Adds a message of a phone.
local function add_one(counts, phone)
  counts.added[#counts.added + 1] = phone
  change_counts(counts, counts.day, phone, 1)
end

-- Whether one more message of a phone keeps to all limits.
local function allowed(counts, phone)
  for i, limit in ipairs(counts.limits) do
    if (counts.within[i][phone] or 0) >= limit[1] then return false end
  end
  return true
end

-- Digits without the messages in `removed`, a number by phone, which is reduced by what was found. `number`: of those.
local function without(digits, removed, number)
  if number < MANY then
    for phone, rest in pairs(removed) do
      local found = place_of(digits, phone, 1)
      while found and rest > 0 do
        digits, rest = string.sub(digits, 1, found - 1) .. string.sub(digits, found + 2), rest - 1
        found = place_of(digits, phone, found)
      end
      removed[phone] = rest
    end
    return digits
  end
  return (string.gsub(digits, '..', function(phone)
    local rest = removed[phone]
    if rest and rest > 0 then
      removed[phone] = rest - 1
      return ''
    end
  end))
end

-- Writes what was added and removed into the sections.
local function write_counts(sections, counts)
  if #counts.added > 0 then
    local more, there = table.concat(counts.added), nil
    for _, section in ipairs(sections) do there = section[1] == counts.day and section or there end
    if there then there[2] = there[2] .. more
    else sections[#sections + 1] = {counts.day, more} end
  end
  if counts.removals == 0 then return end
  for _, section in ipairs(sections) do
    if section[1] == counts.on then section[2] = without(section[2], counts.removed, counts.removals) end
  end
end
