-- Claims a planned batch for one worker: fencing token, attempt and lease are written before any byte leaves.
-- KEYS: 1 batch, 2 campaign, 3 events, 4 body, 5..9 due sets (names.QUEUES), 10 opt-outs, 11 their counter
-- ARGV: 1 now (ms or 0), 2 batch id, 3 campaign id, 4 fence (random, also names the call), 5 lease (ms),
--       6 number of its own due set (1..5)
-- Returns: {1, now, attempt, body or false, batch as field, value, ...} claimed, now or by a repeated call
--          {0, now, state of batch, state of campaign} not to be had; `unknown` by this very call if the
--          gateway called back about a request that was taken for lost
--          {2, now, version seen, version} the opt-outs moved since its phones were checked: check them first
local now = clock(ARGV[1])
local batch = redis.call('HMGET', KEYS[1], 'state', 'fence', 'n', 'attempt', 'op', 'kind', 'optouts_v', 'resent_ms',
  'callback_ms')
local campaign_state = redis.call('HGET', KEYS[2], 'state') or ''
local state = batch[1] or ''
local send = 'send|' .. ARGV[2]
local own = KEYS[4 + tonumber(ARGV[6])]
if not (state == 'sending' and batch[5] == ARGV[4]) then
  if state ~= 'planned' or campaign_state ~= 'ready' then
    redis.call('ZREM', own, send)
    return {0, now, state, campaign_state}
  end
  if batch[8] and (batch[9] or '') ~= '' then
    -- A request that was taken for lost has given a sign: not before that is clear.
    local text = 'the gateway called back about a request that was taken for lost'
    redis.call('HSET', KEYS[1], 'state', 'unknown', 'since_ms', now, 'op', ARGV[4], 'text', text)
    redis.call('ZREM', own, send)
    redis.call('ZADD', KEYS[7], now, 'reconcile|' .. ARGV[2])
    count(KEYS[2], tonumber(batch[3]), 'planned', 'unknown')
    emit(KEYS[3], KEYS[2], ARGV[3], 'batch.unknown', ARGV[2], '{"from":"planned","attempt":' .. batch[4] ..
      ',"recipients":' .. batch[3] .. ',"reason":"' .. text .. '"}', now)
    return {0, now, 'unknown', campaign_state}
  end
  -- Whose phones only the gateway knows cannot be checked here.
  if batch[6] ~= 'list' then
    local seen = batch[7] or redis.call('HGET', KEYS[2], 'optouts_v') or ''
    local version = optouts_version(KEYS[10], KEYS[11])
    if seen ~= version then return {2, now, seen, version} end
  end
  local attempt = tonumber(batch[4]) + 1
  local lease_until = now + tonumber(ARGV[5])
  redis.call('HSET', KEYS[1], 'state', 'sending', 'since_ms', now, 'claimed_ms', now, 'op', ARGV[4],
    'fence', ARGV[4], 'attempt', attempt, 'lease_until_ms', lease_until)
  redis.call('HDEL', KEYS[1], 'callback_ms', 'callback_uuid', 'looks', 'looked_ms', 'tries') -- of an earlier attempt
  redis.call('ZREM', own, send)
  redis.call('ZADD', KEYS[9], lease_until, 'lease|' .. ARGV[2])
  count(KEYS[2], tonumber(batch[3]), 'planned', 'sending')
  emit(KEYS[3], KEYS[2], ARGV[3], 'batch.sending', ARGV[2],
    '{"from":"planned","attempt":' .. attempt .. ',"recipients":' .. batch[3] .. '}', now)
end
return {1, now, tonumber(redis.call('HGET', KEYS[1], 'attempt')), redis.call('GET', KEYS[4]),
  redis.call('HGETALL', KEYS[1])}
