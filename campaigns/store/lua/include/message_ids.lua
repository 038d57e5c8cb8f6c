-- The gateway's ids of a batch's mailings, by which messages can be found and the listing can be trusted.
-- @include held_hashes

-- Records the ids of a batch: `ids` as its field holds them (JSON object: mailing → id or ids), and for each new one a
-- row of `messages`: key, its value, id. They and the known ids of the account live for `life` (ms). Returns false, and
-- writes nothing, if the batch was claimed anew since: it must have `fence`.
local function record_message_ids(batch, known, fence, ids, messages, life, now)
  if hget(batch, 'fence') ~= fence then return false end
  hset(batch, 'message_ids', ids)
  for _, row in ipairs(messages) do
    redis.call('SET', row[1], row[2], 'PX', life)
    redis.call('ZADD', known, now, row[3])
  end
  redis.call('ZREMRANGEBYRANK', known, 0, -1001)
  redis.call('PEXPIRE', known, life)
  return true
end
