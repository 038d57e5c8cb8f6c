-- Gives a permit back after its request has ended, and notes what the outcome means for the account.
-- KEYS: 1 account, 2 the base of its permits' names, 3 events
-- ARGV: 1 now (ms or 0), 2 permit id, 3 'used' or 'unused' (no byte was written: the slot is free at once),
--       4 window (us), 5 outcome (see include/outcomes), 6..8 limits (see include/outcomes), 9 account,
--       10 what failed, 11 data of the event (JSON object), 12 the gateway's clock (ms) or '',
--       13.. field, number, ... of what was done under the permit. Clock and numbers count once, and only if the permit
--       had not ended by itself
-- Emits: account.paused, account.resumed.
-- Returns: {failures in a row, ms of the pause that begins now or 0}.
-- @include clock, counters, outcomes, permits, releasing
local account_key, permits_base, events = KEYS[1], KEYS[2], KEYS[3]
local now, keys = clock_us(ARGV[1]), permit_keys(ARGV[9], account_key, permits_base)
local held = release_permit(keys, ARGV[2], ARGV[3] == 'unused', tonumber(ARGV[4]), now)
if held then
  note_gateway_clock(account_key, ARGV[12], now)
  for i = 13, #ARGV, 2 do tally(ARGV[9], ARGV[i], tonumber(ARGV[i + 1])) end
end
return {take_outcome(account_key, events, ARGV[9], breaker_limits(6), ARGV[2], held, ARGV[5], ARGV[10], ARGV[11],
  math.floor(now / 1000))}
