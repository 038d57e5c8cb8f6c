-- The end of counting the messages of a batch.

-- Removes what a batch notes while its messages are counted.
local function end_counting(batch_key)
  local counted = redis.call('HGET', batch_key, 'count_portions') or ''
  for portion in string.gmatch(counted, '[^,]+') do redis.call('HDEL', batch_key, 'count:' .. portion) end
  redis.call('HDEL', batch_key, 'count_op', 'count_from', 'count_portions')
end
