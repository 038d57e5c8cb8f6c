-- Moves one batch to another state: state, counters, due times and event in one step.
-- KEYS: 1 batch, 2 campaign, 3 events, 4 active, 5 body, 6 audit, then for each change of what is due: due set, accounts of its
--       queue (the due set again if it belongs to no account)
-- ARGV: 1 now (ms or 0), 2 op (random, names the call), 3 batch id, 4 campaign id,
--       5 allowed states as ',a,b,', 6 fence that the batch must have ('' any), 7 new state,
--       8 data of the event (JSON object), 9 life of the body from now on (ms, or 0 to leave it),
--       10 act of a person (JSON object) or '', 11 bounds of the time from the beginning to here (see `observe`) or '',
--       12 fields that the batch must have (JSON object) or '', 13 number of fields F, then F times field, value,
--       then for each change of what is due: entry, delay in ms from now or '' to remove it, account
-- Returns: {1, now} moved, now or by a repeated call; {0, now, state} refused: the batch is elsewhere.
-- @include due
-- @include doubts
-- @include acts
local function has(wanted)
  for name, value in pairs(wanted == '' and {} or cjson.decode(wanted)) do
    if redis.call('HGET', KEYS[1], name) ~= value then return false end
  end
  return true
end

local now = clock(ARGV[1])
local batch = redis.call('HMGET', KEYS[1], 'state', 'fence', 'n', 'op', 'attempt', 'not_before_ms')
local from = batch[1]
if from and batch[4] == ARGV[2] then return {1, now} end
if not from or not string.find(ARGV[5], ',' .. from .. ',', 1, true)
  or (ARGV[6] ~= '' and batch[2] ~= ARGV[6]) or not has(ARGV[12]) then
  return {0, now, from or ''}
end
local to, fields = ARGV[7], tonumber(ARGV[13])
if ARGV[9] ~= '0' then redis.call('PEXPIRE', KEYS[5], ARGV[9]) end
redis.call('HSET', KEYS[1], 'state', to, 'since_ms', now, 'op', ARGV[2], unpack(ARGV, 14, 13 + 2 * fields))
reschedule(7, 14 + 2 * fields, now)
if to == 'unknown' or from == 'unknown' or from == 'held' then
  local data = cjson.decode(ARGV[8])
  note_doubt(KEYS[1], to, data.reason or data.why or '', data.by or '', now)
end
if to == 'settled' then
  -- Past the horizon some are only delivered, which is as final as they will get.
  local open = tonumber(batch[3]) - tonumber(redis.call('HGET', KEYS[1], 'final') or '0')
  redis.call('HINCRBY', KEYS[1], 'final', open)
  redis.call('HINCRBY', KEYS[2], 'final', open)
  -- Of use only to who sends or polls.
  redis.call('HDEL', KEYS[1], 'lease_until_ms', 'digest')
end
count(KEYS[2], ARGV[3], tonumber(batch[3]), from, to, now)
if ARGV[11] ~= '' then
  -- What is scheduled begins at its time.
  local campaign = redis.call('HMGET', KEYS[2], 'created_ms', 'account', 'kind')
  local begin = math.max(tonumber(campaign[1] or now), tonumber(batch[6] or '0'))
  observe(campaign[2] or '', 'accepted_s|' .. (campaign[3] or ''), ARGV[11], math.max(0, now - begin))
end
emit(KEYS[3], KEYS[2], ARGV[4], 'batch.' .. to, ARGV[3], merged('"from":"' .. from ..
  '","attempt":' .. (batch[5] or '0') .. ',"recipients":' .. batch[3], ARGV[8]), now)
note_act(KEYS[6], ARGV[10], batch[3], now)
if redis.call('SISMEMBER', KEYS[4], ARGV[4]) == 0 then redis.call('SADD', KEYS[4], ARGV[4]) end
local state = redis.call('HGET', KEYS[2], 'state')
if state == 'finished' or state == 'cancelled' then
  redis.call('HSET', KEYS[2], 'state', 'ready')
  emit(KEYS[3], KEYS[2], ARGV[4], 'campaign.reopened', ARGV[4], '{"from":"' .. state .. '"}', now)
end
finish_if_over(KEYS[2], KEYS[3], ARGV[4], now)
return {1, now}
