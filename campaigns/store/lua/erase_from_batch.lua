-- Erases one phone from a batch of which nothing more will come: its body, its deliveries, the gateway's words.
-- Counters stay, and so does what became of each message, without whose it was. The version of the opt-outs is dropped,
-- so that a batch that is sent after all is counted again.
-- KEYS: 1 batch, 2 body, 3.. deliveries of its mailings, then those of each mailing whose fallback was announced
-- ARGV: 1 now (ms or 0), 2 phone, 3 states in which a batch may be as ',a,b,', 4 body as it was read ('' none),
--       5 new body ('' none), 6.. field, new value
-- Returns: {1, rows erased, 1 if the body changed}; {0, state} not in such a state; {2} the body changed since.
-- @include head, clock
local batch_key, body_key, of_mailings = KEYS[1], KEYS[2], keys_from(3)
local state = redis.call('HGET', batch_key, 'state') or ''
if not string.find(ARGV[3], ',' .. state .. ',', 1, true) then return {0, state} end
if (redis.call('GET', body_key) or '') ~= ARGV[4] then return {2} end
local rows, changed = 0, 0
local claimed = tonumber(redis.call('HGET', batch_key, 'claimed_ms') or '0')
-- Without the gateway's id, and in whole quarters of an hour, which is all that figures need of the time. None begins
-- before the request.
local function keep_outcome(mailing, value)
  local word, at, code = string.match(value, '^([^|]*)|(%d*)|[^|]*|(.*)$')
  local quarter = tonumber(at) and string.format('%.0f', math.max(math.floor(at / 900000) * 900000, claimed)) or ''
  local kept = cjson.decode(redis.call('HGET', batch_key, 'erased:' .. mailing) or '[]')
  kept[#kept + 1] = word .. '|' .. quarter .. '||' .. code
  redis.call('HSET', batch_key, 'erased:' .. mailing, cjson.encode(kept))
end
for i, key in ipairs(of_mailings) do
  local value = redis.call('HGET', key, ARGV[2])
  redis.call('HDEL', key, ARGV[2])
  if value and i <= #of_mailings / 2 then
    rows = rows + 1
    keep_outcome(i - 1, value)
  end
end
for i = 6, #ARGV, 2 do redis.call('HSET', batch_key, ARGV[i], ARGV[i + 1]) end
if ARGV[5] ~= ARGV[4] then
  changed = 1
  redis.call('HSET', batch_key, 'optouts_v', 'erased')
  -- An earlier request in doubt may still turn up, and it held more phones than are left.
  if redis.call('HEXISTS', batch_key, 'resent_ms') == 1 then
    redis.call('HSET', batch_key, 'reduced_ms', clock(ARGV[1]))
  end
  if ARGV[5] == '' then redis.call('DEL', body_key) else redis.call('SET', body_key, ARGV[5], 'KEEPTTL') end
end
if rows > 0 then redis.call('HINCRBY', batch_key, 'v', 1) end
return {1, rows, changed}
