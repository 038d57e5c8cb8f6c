-- When a campaign is over: nothing more will happen by itself, and its recipients add up.
-- @include event, held_hashes

-- Reasons for which recipients are excluded, and states of batches: campaigns/ledger/states.py.
local EXCLUDED = {'invalid', 'duplicate', 'opted_out', 'suppressed', 'capped'}
local BATCH_STATES = {'planned', 'sending', 'unknown', 'held', 'accepted', 'rejected', 'settled', 'cancelled',
  'written_off'}

-- The reasons and states, and before them the total; and the fields that count them, before which stands `final`. Made
-- once in a call that needs them.
local counted_names, counted_fields

local function make_counted()
  counted_names, counted_fields = {'total', unpack(EXCLUDED)}, {'final'}
  for _, name in ipairs(BATCH_STATES) do counted_names[#counted_names + 1] = name end
  for i, name in ipairs(counted_names) do counted_fields[i + 1] = 'r:' .. name end
end

-- Ends the campaign if nothing more will happen by itself and its recipients add up. A held batch keeps no campaign
-- open: it waits for a person, whose decision may reopen the campaign.
local function finish_if_over(campaign, events, id, now)
  local open = hmget(campaign, 'state', 'b:planned', 'b:sending', 'b:unknown', 'b:accepted')
  local state = open[1]
  if state ~= 'ready' and state ~= 'paused' and state ~= 'cancelling' then return end
  for i = 2, 5 do
    if tonumber(open[i] or '0') ~= 0 then return end
  end
  if not counted_names then make_counted() end
  local names, fields, settled = counted_names, counted_fields, '0'
  local found = hmget(campaign, unpack(fields))
  local total, final = found[2] or '0', found[1] or '0'
  -- Numbers stay as the server wrote them: most campaigns are a single message, and Lua writes numbers slowly.
  local parts, zero, sum = {}, {}, 0
  for i = 2, #names do
    local number = found[i + 1] or '0'
    if number == '0' then
      zero[#zero + 1] = fields[i + 1]
    else
      sum = sum + tonumber(number)
      parts[#parts + 1] = '"' .. names[i] .. '":' .. number
    end
    if names[i] == 'settled' then settled = number end
  end
  local data = '{"total":' .. total .. ',"final":' .. final .. ',"recipients":{' .. table.concat(parts, ',') .. '}}'
  if sum ~= tonumber(total) or final ~= settled then
    if not hget(campaign, 'unbalanced') then
      hset(campaign, 'unbalanced', '1')
      emit(events, campaign, id, 'campaign.unbalanced', id, data, now)
    end
    return
  end
  local over = state == 'cancelling' and 'cancelled' or 'finished'
  hset(campaign, 'state', over, 'ended_ms', now)
  -- Counters of zero say nothing, and there are many campaigns of a single message.
  hdel(campaign, 'b:planned', 'b:sending', 'b:unknown', 'b:accepted', unpack(zero))
  emit(events, campaign, id, over == 'cancelled' and 'campaign.cancelled' or 'campaign.finished', id, data, now)
end
