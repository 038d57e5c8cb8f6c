-- When a campaign is over: nothing more will happen by itself, and its recipients add up.
-- @include event

-- Reasons for which recipients are excluded, and states of batches: campaigns/ledger/states.py.
local EXCLUDED = {'invalid', 'duplicate', 'opted_out', 'suppressed', 'capped'}
local BATCH_STATES = {'planned', 'sending', 'unknown', 'held', 'accepted', 'rejected', 'settled', 'cancelled',
  'written_off'}

-- Ends the campaign if nothing more will happen by itself and its recipients add up. A held batch keeps no campaign
-- open: it waits for a person, whose decision may reopen the campaign.
local function finish_if_over(campaign, events, id, now)
  local open = redis.call('HMGET', campaign, 'state', 'b:planned', 'b:sending', 'b:unknown', 'b:accepted')
  local state = open[1]
  if state ~= 'ready' and state ~= 'paused' and state ~= 'cancelling' then return end
  for i = 2, 5 do
    if tonumber(open[i] or '0') ~= 0 then return end
  end
  local names = {'total', unpack(EXCLUDED)}
  for _, name in ipairs(BATCH_STATES) do names[#names + 1] = name end
  local fields, number = {'final'}, {}
  for i, name in ipairs(names) do fields[i + 1] = 'r:' .. name end
  local found = redis.call('HMGET', campaign, unpack(fields))
  local total, final = tonumber(found[2] or '0'), tonumber(found[1] or '0')
  local parts, sum = {}, 0
  for i = 2, #names do
    number[names[i]] = tonumber(found[i + 1] or '0')
    sum = sum + number[names[i]]
    parts[#parts + 1] = '"' .. names[i] .. '":' .. number[names[i]]
  end
  local data = '{"total":' .. total .. ',"final":' .. final .. ',"recipients":{' .. table.concat(parts, ',') .. '}}'
  if sum ~= total or final ~= number.settled then
    if redis.call('HSETNX', campaign, 'unbalanced', '1') == 1 then
      emit(events, campaign, id, 'campaign.unbalanced', id, data, now)
    end
    return
  end
  local over = state == 'cancelling' and 'cancelled' or 'finished'
  redis.call('HSET', campaign, 'state', over, 'ended_ms', now)
  -- Counters of zero say nothing, and there are many campaigns of a single message.
  local empty = {'b:planned', 'b:sending', 'b:unknown', 'b:accepted'}
  for i = 2, #names do
    if number[names[i]] == 0 then empty[#empty + 1] = fields[i + 1] end
  end
  redis.call('HDEL', campaign, unpack(empty))
  emit(events, campaign, id, over == 'cancelled' and 'campaign.cancelled' or 'campaign.finished', id, data, now)
end
