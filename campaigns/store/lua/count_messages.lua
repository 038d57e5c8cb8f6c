-- Counts the messages of a portion of a batch for the frequency cap, instead of what was counted of them before.
-- KEYS: 1 batch, 2.. the counted messages of some phones
-- ARGV: 1 now (unused), 2 op that may count, 3 portion, 4 its mailing, 5 day, or '' to take the count back, 6 days for
--       which messages count, 7 life of a key (ms), 8 limits as 'messages/days,...', or '' for none, 9 numbers of
--       messages not to be counted as 'n,n', then for each key the last digits of its phones, two bytes for each
--       message; messages are numbered from 0 in this order (at most 1,000)
-- Returns: numbers of the messages that the limits forbid, as 'n,n'; the same to a repeated call; false if another
--   process may count.
-- @include head, counted
local batch_key = KEYS[1]
local keys = keys_from(2)
local op, portion, mailing, day = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local batch = redis.call('HMGET', batch_key, 'count_op', 'count:' .. portion, 'count_from')
if batch[1] ~= op then return false end

local function numbered(list)
  local found = {}
  for n in string.gmatch(list, '%d+') do found[tonumber(n)] = true end
  return found
end

-- What was counted of the portion: by which op, on which day, which messages not, and which of these were forbidden.
local by, on, but, forbidden = '', nil, {}, ''
if batch[2] then
  local day_before, not_counted
  by, day_before, not_counted, forbidden = string.match(batch[2], '^(%w*)|(%d*)|([%d,]*)|([%d,]*)$')
  on, but = tonumber(day_before), numbered(not_counted)
elseif batch[3] then
  local day_before, mailings = string.match(batch[3], '^(%d+) ([%d,]*)$')
  if not numbered(mailings)[tonumber(mailing)] then on = tonumber(day_before) end
end
if by == op then return forbidden end

local limits = {}
for messages, days in string.gmatch(day and ARGV[8] or '', '(%d+)/(%d+)') do
  limits[#limits + 1] = {tonumber(messages), tonumber(days)}
end
local skipped, over, not_counted, number = numbered(ARGV[9]), {}, {}, 0
local oldest = (day or on or 0) - tonumber(ARGV[6]) + 1
for i, key in ipairs(keys) do
  local phones, sections = ARGV[9 + i], sections_of(key, oldest)
  local counts = counts_of(sections, phones, on, day, limits)
  for at = 1, #phones, 2 do
    local phone = string.sub(phones, at, at + 1)
    if on and not but[number] then remove_one(counts, phone) end
    if day then
      if skipped[number] then
        not_counted[#not_counted + 1] = number
      elseif allowed(counts, phone) then
        add_one(counts, phone)
      else
        not_counted[#not_counted + 1] = number
        over[#over + 1] = number
      end
    end
    number = number + 1
  end
  write_counts(sections, counts)
  store_sections(key, sections, ARGV[7])
end
forbidden = table.concat(over, ',')
if not batch[2] then
  local portions = redis.call('HGET', batch_key, 'count_portions')
  redis.call('HSET', batch_key, 'count_portions', (portions and portions .. ',' or '') .. portion)
end
redis.call('HSET', batch_key, 'count:' .. portion,
  op .. '|' .. (day or '') .. '|' .. table.concat(not_counted, ',') .. '|' .. forbidden)
return forbidden
