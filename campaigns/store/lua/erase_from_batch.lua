-- Erases one phone from a batch of which nothing more will come: its body, its deliveries, the gateway's words. The
-- gateway's ids of a mailing, for which it tells the phones, are erased with the last of its recipients.
-- Counters stay, and so does what became of each message, without whose it was. The version of the opt-outs is dropped,
-- so that a batch that is sent after all is counted again.
-- KEYS: 1 batch, 2 body, 3 known ids of the account, 4.. deliveries of its M mailings, then those of each mailing whose
--       fallback was announced, then the message of each id
-- ARGV: 1 now (ms or 0), 2 phone, 3 states in which a batch may be as ',a,b,', 4 body as it was read ('' none),
--       5 new body ('' none), 6 mailings that have no phone in the new body, as ',0,2,', 7 the field of the message ids
--       as it was read ('' none), 8 number of mailings M, 9 number of ids, then mailing, id of each,
--       then field, new value
-- Returns: {1, rows erased, 1 if the body changed}; {0, state} not in such a state; {2} body or ids changed since.
-- @include head, clock, message_ids
local batch_key, body_key, known_ids, others = KEYS[1], KEYS[2], KEYS[3], keys_from(4)
local mailings, ids = tonumber(ARGV[8]), tonumber(ARGV[9])
local batch = redis.call('HMGET', batch_key, 'state', 'message_ids', 'fence', 'resent_ms')
if not string.find(ARGV[3], ',' .. (batch[1] or '') .. ',', 1, true) then return {0, batch[1] or ''} end
if (redis.call('GET', body_key) or '') ~= ARGV[4] or (batch[2] or '') ~= ARGV[7] then return {2} end
local rows, changed = 0, 0

-- Without the gateway's id, and in whole quarters of an hour, which is all that figures need of the time. Sorted, so
-- that the order does not tell who was erased when.
local function keep_outcome(mailing, value)
  local word, at, code = string.match(value, '^([^|]*)|(%d*)|[^|]*|(.*)$')
  local quarter = tonumber(at) and string.format('%.0f', math.floor(at / 900000) * 900000) or ''
  local kept = cjson.decode(redis.call('HGET', batch_key, 'erased:' .. mailing) or '[]')
  kept[#kept + 1] = word .. '|' .. quarter .. '||' .. code
  table.sort(kept)
  redis.call('HSET', batch_key, 'erased:' .. mailing, cjson.encode(kept))
end

local function erase_row(mailing)
  local deliveries, announced = others[mailing + 1], others[mailings + mailing + 1]
  local value = redis.call('HGET', deliveries, ARGV[2])
  redis.call('HDEL', deliveries, ARGV[2])
  redis.call('HDEL', announced, ARGV[2])
  if value then
    rows = rows + 1
    keep_outcome(mailing, value)
  end
end

local function is_empty(mailing)
  return string.find(ARGV[6], ',' .. mailing .. ',', 1, true) and redis.call('EXISTS', others[mailing + 1]) == 0
end

local function erase_ids(mailing)
  for i = 1, ids do
    local of, id = ARGV[8 + 2 * i], ARGV[9 + 2 * i]
    if of == tostring(mailing) then
      redis.call('DEL', others[2 * mailings + i])
      redis.call('ZREM', known_ids, id)
    end
  end
  erase_message_ids(batch_key, mailing, batch[3] or '')
end

local empty = 0
for mailing = 0, mailings - 1 do
  erase_row(mailing)
  if is_empty(mailing) then
    erase_ids(mailing)
    empty = empty + 1
  end
end
if empty == mailings then
  -- The gateway's id of the request, and that of an earlier one that called back.
  redis.call('HDEL', batch_key, 'uuid', 'callback_uuid', 'check')
  redis.call('HSET', batch_key, 'emptied', '1')
end
for i = 10 + 2 * ids, #ARGV, 2 do redis.call('HSET', batch_key, ARGV[i], ARGV[i + 1]) end
if ARGV[5] ~= ARGV[4] then
  changed = 1
  redis.call('HSET', batch_key, 'optouts_v', 'erased')
  -- An earlier request in doubt may still turn up, and it held more phones than are left.
  if batch[4] then redis.call('HSET', batch_key, 'reduced_ms', clock(ARGV[1])) end
  if ARGV[5] == '' then redis.call('DEL', body_key) else redis.call('SET', body_key, ARGV[5], 'KEEPTTL') end
end
if rows > 0 then redis.call('HINCRBY', batch_key, 'v', 1) end
return {1, rows, changed}
