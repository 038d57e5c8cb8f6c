-- Removes all that is counted of a phone for the frequency cap.
-- KEYS: 1.. the counted messages in which it may stand
-- ARGV: 1 now (unused), 2 its last digits, two bytes
-- Returns: number of messages removed.
-- @include head, counted
local keys = keys_from(1)
local removed = 0
for _, key in ipairs(keys) do
  local sections, before = sections_of(key, 0), removed
  for _, section in ipairs(sections) do
    local found = place_of(section[2], ARGV[2], 1)
    while found do
      section[2] = string.sub(section[2], 1, found - 1) .. string.sub(section[2], found + 2)
      removed = removed + 1
      found = place_of(section[2], ARGV[2], found)
    end
  end
  if removed > before then store_sections(key, sections, redis.call('PTTL', key)) end
end
return removed
