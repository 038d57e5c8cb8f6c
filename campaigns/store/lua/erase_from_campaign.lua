-- Erases a person from a campaign's replies, its list of excluded recipients, and the events that every group has
-- acknowledged. One event reports it without the phone, with the sequences that are missing from now on. A person who
-- is named very often is erased by several calls, each with its event.
-- KEYS: 1 campaign, 2 events, 3 replies, 4 list of excluded recipients
-- ARGV: 1 now (ms or 0), 2 campaign id, 3 op (random, names the call), 4 deliveries and 5 bodies erased before,
--       6 sequences of the events (JSON), 7 what is kept of the replies, without the person (JSON; '' nothing yet),
--       8 number of replies R, then R reply ids, then number of rows T, then T times number in the list, row as it
--       stands there, row without the person, then positions of events
-- Emits: person.erased.
-- Returns: {replies, rows, events} erased, now or by a repeated call.
-- @include clock, event
local campaign_key, events, replies, excluded = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local now = clock(ARGV[1])
local done = redis.call('HGET', campaign_key, 'erasure') or ''
if string.match(done, '^%S+') == ARGV[3] then
  local replies_before, rows_before, events_before = string.match(done, ' (%d+) (%d+) (%d+)$')
  return {tonumber(replies_before), tonumber(rows_before), tonumber(events_before)}
end
local at = 8
local function each(width, erase)
  local first, last, erased = at + 1, at + width * tonumber(ARGV[at]), 0
  for i = first, last, width do erased = erased + erase(ARGV[i], ARGV[i + 1], ARGV[i + 2]) end
  at = last + 1
  return erased
end
local replies_erased = each(1, function(id) return redis.call('HDEL', replies, id) end)
-- An erased row leaves one without the person, which counts; and all others keep their numbers. To remove it the server
-- would search the whole list.
local rows_erased = each(3, function(number, row, left)
  if redis.call('LINDEX', excluded, number) ~= row then return 0 end
  redis.call('LSET', excluded, number, left)
  return 1
end)
if replies_erased > 0 and ARGV[7] ~= '' then
  local kept = {ARGV[7]}
  for line in string.gmatch(redis.call('HGET', campaign_key, 'erased_replies') or '', '[^\n]+') do
    kept[#kept + 1] = line
  end
  -- So that the order does not tell who was erased when.
  table.sort(kept)
  redis.call('HSET', campaign_key, 'erased_replies', table.concat(kept, '\n') .. '\n')
end
local events_erased = 0
for i = at, #ARGV do events_erased = events_erased + redis.call('XDEL', events, ARGV[i]) end
local all = tonumber(ARGV[4]) + tonumber(ARGV[5]) + replies_erased + rows_erased + events_erased
if all > 0 and redis.call('EXISTS', campaign_key) == 1 then
  redis.call('HSET', campaign_key, 'erasure', table.concat({ARGV[3], replies_erased, rows_erased, events_erased}, ' '))
  emit(events, campaign_key, ARGV[2], 'person.erased', ARGV[2], '{"deliveries":' .. ARGV[4] .. ',"bodies":' ..
    ARGV[5] .. ',"replies":' .. replies_erased .. ',"excluded":' .. rows_erased .. ',"events":' .. ARGV[6] .. '}', now)
end
return {replies_erased, rows_erased, events_erased}
