-- Gives a permit back after its request has ended, and notes what the outcome means for the account.
-- KEYS: 1 account, 2 the base of its permits' names, 3 events
-- ARGV: 1 now (ms or 0), 2 permit id, 3 'used' or 'unused' (no byte was written: the slot is free at once),
--       4 window (us), 5 outcome (see include/outcomes), 6..8 limits (see include/outcomes), 9 account,
--       10 what failed, 11 data of the event (JSON object), 12 the gateway's clock (ms) or '',
--       13.. field, number, ... of what was done under the permit. Clock and numbers count once, and only if the permit
--       had not ended by itself
-- Emits: account.paused, account.resumed.
-- Returns: {failures in a row, ms of the pause that begins now or 0}.
-- @include clock, counters, outcomes, permits
local account_key, permits_base, events = KEYS[1], KEYS[2], KEYS[3]
local now, keys = clock_us(ARGV[1]), permit_keys(ARGV[9], account_key, permits_base)

-- By how much the gateway's clock is ahead of the store's, and when that was seen.
local function note_gateway_clock(gateway_ms)
  if gateway_ms == '' then return end
  local now_ms = math.floor(now / 1000)
  redis.call('HSET', account_key, 'gateway_ahead_ms', string.format('%.0f', tonumber(gateway_ms) - now_ms),
    'gateway_seen_ms', string.format('%.0f', now_ms))
end

local held = redis.call('ZREM', keys.busy, ARGV[2])
redis.call('ZREM', keys.read_busy, ARGV[2])
for _, key in ipairs({keys.slots, keys.read_slots, keys.fast_slots}) do
  if redis.call('ZSCORE', key, ARGV[2]) then
    if ARGV[3] == 'unused' then redis.call('ZREM', key, ARGV[2])
    elseif held == 1 then redis.call('ZADD', key, now + tonumber(ARGV[4]), ARGV[2]) end
  end
end
if held == 1 then
  note_gateway_clock(ARGV[12])
  for i = 13, #ARGV, 2 do tally(ARGV[9], ARGV[i], tonumber(ARGV[i + 1])) end
end
return {take_outcome(account_key, events, ARGV[9], breaker_limits(6), ARGV[2], held == 1, ARGV[5], ARGV[10], ARGV[11],
  math.floor(now / 1000))}
